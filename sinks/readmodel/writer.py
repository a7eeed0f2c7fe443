"""What a writer of the read model is: topics, and a function that writes a batch of their records inside a transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Table

from sinks.consumer import Record


class Write(Protocol):
    """Writes a batch inside the caller's transaction. Writing it again changes nothing. Invalid records are returned, never raised."""

    def __call__(self, connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
        """Write; the records that could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class Writer:
    """The rows of one consumer group: its name, the topics it reads (without prefix), how it writes.

    `tables`: hold a row as soon as anything was written; `computed`: begin again when the topics are read from their beginning;
    `set_aside`: how a record that cannot be written is kept where the dead letter topic cannot take it;
    `unmarked`: take what bears no worker's mark on the workers' own topics too.
    """

    name: str
    topics: tuple[str, ...]
    write: Write
    tables: tuple[Table, ...] = ()
    computed: tuple[Table, ...] = ()
    set_aside: Callable[[Connection, Record, str], None] | None = None
    unmarked: bool = False
