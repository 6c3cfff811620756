"""The site's own key, for signing cookies and the like. It is the same for every release, and no other site knows it."""

import os

__all__ = ["get_previous_secret", "get_secret"]


def get_secret():
    """The key: printable ASCII."""
    return _read(os.environ["SILVER_SECRET_FILE"])


def get_previous_secret():
    """The one before it was last rotated, for checking what was signed by then; None where it never was."""
    try:
        return _read(os.environ["SILVER_SECRET_FILE"] + ".previous")
    except FileNotFoundError:
        return None


def _read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()
