"""What a sink is: topics, and a function that writes a batch of their records in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, Table


class SinkUnavailable(Exception):
    """The destination does not answer: wait, and write the same batch again."""


class Unwritable(Exception):
    """The destination refuses what it was given, and will refuse it again. The text names the kind of refusal, never a value."""


class Record(NamedTuple):
    """One record of a topic (without prefix); `arrival` is its broker timestamp, mapped to the time that facts are judged in."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp_ms: int
    arrival: datetime


class Write(Protocol):
    """Writes a batch inside the caller's transaction. Writing it again changes nothing. Invalid records are returned, never raised."""

    def __call__(self, connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
        """Write; the records that could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class Sink:
    """One consumer group: its name, the topics it reads (without prefix), how it writes.

    `tables`: hold a row as soon as anything was written; `reckoned`: begin again when the topics are read from their beginning;
    `set_aside`: how a record that cannot be written is kept where the dead letter topic cannot take it;
    `unmarked`: take what bears no worker's mark on the workers' own topics too.
    """

    name: str
    topics: tuple[str, ...]
    write: Write
    tables: tuple[Table, ...] = ()
    reckoned: tuple[Table, ...] = ()
    set_aside: Callable[[Connection, Record, str], None] | None = None
    unmarked: bool = False
