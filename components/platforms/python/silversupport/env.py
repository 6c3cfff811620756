"""Where this process runs."""

import os

__all__ = ["is_production"]


def is_production():
    """Whether it is on a node. On a developer's computer SILVER_VERSION is not set, or begins otherwise."""
    return os.environ.get("SILVER_VERSION", "").startswith("silverlining/")
