"""What a sink waits for: it says once that something does not answer, waits, and says once that it goes on."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka.errors import KafkaError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from sinks import metrics
from sinks.consumer import SinkUnavailable, Unwritable

log = logging.getLogger(__name__)
WAIT_SECONDS = 1.0
REST = 4.0  # what is done beside writing takes a fifth of a core at most
KAFKA, DATABASE = "Kafka", "the database"


class Refused(RuntimeError):
    """A broker does not let us in. The text says why."""


class Outage:
    """Who waits, and for what."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._away: set[str] = set()
        metrics.UNAVAILABLE.labels(name).set(0)

    def wait(self, what: str, error: Exception, stop: threading.Event) -> None:
        """`what` does not answer: say so the first time, and wait a moment."""
        if what not in self._away:
            log.error("%s: %s does not answer (%s); waiting", self._name, what, reason(error))
        self._away.add(what)
        metrics.UNAVAILABLE.labels(self._name).set(1)
        stop.wait(WAIT_SECONDS)

    def over(self, what: str) -> None:
        """`what` answers."""
        if what not in self._away:
            return
        self._away.remove(what)
        log.warning("%s: %s answers, goes on", self._name, what)
        metrics.UNAVAILABLE.labels(self._name).set(len(self._away) > 0)


def repeated(step: Callable[[], None], seconds: float, outage: Outage, stop: threading.Event) -> None:
    """Do a step every so many seconds until told to stop; while Kafka or the database is away, say so once and wait.

    A long step rests longer: beside it others write what people wait for. One that failed is tried again soon, however long it waited.
    """
    pause = seconds
    while not stop.wait(pause):
        began = time.monotonic()
        try:
            step()
        except SinkUnavailable as error:
            outage.wait(DATABASE, error, stop)
            pause = seconds
        except KafkaError as error:
            outage.wait(KAFKA, error, stop)
            pause = seconds
        else:
            outage.over(DATABASE)
            outage.over(KAFKA)
            pause = max(seconds, REST * (time.monotonic() - began))


def reason(error: Exception) -> str:
    """What kind of error it was; its text may hold an address with a password."""
    return str(error) if isinstance(error, (SinkUnavailable, Refused)) else type(error).__name__


@contextmanager
def database() -> Iterator[None]:
    """Raise SinkUnavailable where the database does not answer, Unwritable where it refuses a value; any other error is a bug."""
    try:
        yield
    except DBAPIError as error:
        raise _judged(error) from error


_REFUSED_STATES = ("22", "23", "54")  # SQLSTATE classes: data, constraint, too long for an index or a row
_BUG_STATES = ("42",)  # no such table, no right to it
_SQLITE_REFUSED = frozenset(
    (sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE)
)
_SQLITE_BUG = frozenset((sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISUSE))


def _judged(error: DBAPIError) -> Exception:
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
