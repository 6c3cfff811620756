"""A guestbook: words in PostgreSQL, pictures in files."""
