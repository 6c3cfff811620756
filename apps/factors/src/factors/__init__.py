"""Prime factors of large numbers."""
