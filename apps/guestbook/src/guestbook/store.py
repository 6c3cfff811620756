"""The entries, in PostgreSQL. One connection a process: a process answers one request at a time."""

import os

import psycopg2
from psycopg2.errors import ReadOnlySqlTransaction
from psycopg2.extras import NamedTupleCursor

SHOWN = 100

# The database does not answer, has no room, or is over its quota: nothing that a person did.
Unreachable = (psycopg2.OperationalError, psycopg2.InterfaceError, ReadOnlySqlTransaction)

_connection = None


def entries():
    return _read("SELECT id, name, message, picture, signed FROM entry ORDER BY id DESC LIMIT %s", (SHOWN,))


def add(name, message, picture):
    """Number of the new entry."""
    # Finds a connection that was lost meanwhile. The INSERT itself is never sent twice.
    ping()
    # PostgreSQL's text can't hold the character 0.
    clean = [text.replace("\0", "") for text in (name, message)]
    return _run("INSERT INTO entry (name, message, picture) VALUES (%s, %s, %s) RETURNING id", (*clean, picture))[0].id


def pictures():
    """Of all entries, also of those that are shown no more."""
    return [entry.picture for entry in _read("SELECT DISTINCT picture FROM entry WHERE picture IS NOT NULL")]


def ping():
    _read("SELECT 1 AS one")


def _read(sql, values=()):
    """Reads once more where a connection was lost: the server was restarted, say."""
    had_one = _connection is not None
    try:
        return _run(sql, values)
    except Unreachable:
        if not had_one:
            raise
        return _run(sql, values)


def _run(sql, values):
    global _connection
    try:
        if _connection is None:
            _connection = _connect()
        with _connection, _connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()
    except Unreachable:
        lost, _connection = _connection, None
        if lost is not None:
            lost.close()
        raise


def _connect():
    connection = psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"], cursor_factory=NamedTupleCursor)
    with connection, connection.cursor() as cursor:
        # Asked first: a database that is over its quota refuses CREATE, also of what is there, and can still be read.
        cursor.execute("SELECT to_regclass('entry') IS NOT NULL AS made")
        if cursor.fetchone().made:
            return connection
        # All processes start at once, and CREATE TABLE IF NOT EXISTS races with itself.
        cursor.execute("SELECT pg_advisory_xact_lock(1)")
        cursor.execute(
            """CREATE TABLE IF NOT EXISTS entry (
                 id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 name text NOT NULL,
                 message text NOT NULL,
                 picture text,
                 signed timestamptz NOT NULL DEFAULT now()
               )"""
        )
    return connection
