"""What an error of the database means: it is away, it refuses a value, or the program is wrong."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from sinks.consumer import SinkUnavailable

_REFUSED_STATES = ("22", "23", "54")  # SQLSTATE classes: data, constraint, too long for an index or a row
_BUG_STATES = ("42",)  # no such table, no right to it
_SQLITE_REFUSED = frozenset(
    (sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE)
)
_SQLITE_BUG = frozenset((sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISUSE))


class Unwritable(Exception):
    """The database refuses what it was given, and will refuse it again. The text names the kind of refusal, never a value."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise SinkUnavailable where the database does not answer, Unwritable where it refuses a value; any other error is a bug."""
    try:
        yield
    except DBAPIError as error:
        raise _classify(error) from error


def _classify(error: DBAPIError) -> Exception:
    """By the server's own code where it gave one: classes of the driver mix a full disk with a key that is too long."""
    kind = type(error.orig).__name__
    state, code = getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorcode", None)
    if error.connection_invalidated:
        return SinkUnavailable(kind)
    if (state or "")[:2] in _REFUSED_STATES or (code is not None and code & 0xFF in _SQLITE_REFUSED):
        return Unwritable(f"{kind} {state or code}")
    if (state or "")[:2] in _BUG_STATES or (code is not None and code & 0xFF in _SQLITE_BUG):
        return error
    if isinstance(error, OperationalError | InterfaceError):
        return SinkUnavailable(kind)
    return Unwritable(kind) if isinstance(error, DataError | IntegrityError) else error
