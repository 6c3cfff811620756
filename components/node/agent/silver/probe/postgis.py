"""PostGIS: a PostgreSQL whose database has one extension more, which is its owner's affair."""

from .postgres import hello

__all__ = ["hello"]
