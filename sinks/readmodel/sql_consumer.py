"""A writer of the read model as a consumer: rows and positions in one transaction, so that each record is in SQL exactly once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from sinks.consumer import Batch, Delivery, Record
from sinks.publisher import EventPublisher
from sinks.readmodel import position
from sinks.readmodel.errors import Unwritable, translate_errors
from sinks.readmodel.set_aside import is_of_a_record, keep_aside, write_by_halves
from sinks.readmodel.writer import Writer
from sinks.retry import DATABASE
from sinks.runner import Runner
from sinks.takeover import Log, Overtaken, Place, Reached, Takeover

log = logging.getLogger(__name__)


class SqlConsumer:
    """Delivers to one database. `publisher`: sends what cannot be written to the dead letters."""

    destination = DATABASE

    def __init__(self, writer: Writer, engine: Engine, publisher: EventPublisher) -> None:
        self.name, self.topics, self.unmarked = writer.name, writer.topics, writer.unmarked
        self._writer, self._engine, self._publisher = writer, engine, publisher
        self._had_rows: bool | None = None

    def take_over(self, logs: Mapping[Place, Log]) -> Takeover:
        """As `Consumer`. Tables that were emptied since the last look are filled from the beginning of the log."""
        try:
            with translate_errors(), self._engine.begin() as connection:
                is_emptied = position.has_lost_rows(connection, self._writer)
                if is_emptied and self._had_rows is not False:
                    log.warning("the tables are empty; reads the log from its beginning", extra={"sink": self.name})
                    position.forget(connection, self.topics)
                starts = position.take_over(connection, self._writer, logs)
                gaps = [one for one in position.open_gaps(connection) if one.topic in self.topics]
        except Unwritable as error:
            raise Overtaken from error  # another process has made the same position just now
        self._had_rows = not is_emptied
        return Takeover(starts, gaps)

    def read_positions(self) -> Mapping[Place, int]:
        """As `Consumer`."""
        with translate_errors(), self._engine.connect() as connection:
            return {place: one.next_offset for place, one in position.read(connection, self.topics).items()}

    def deliver(self, batch: Batch) -> Delivery:
        """As `Consumer`. Written whole; where a record does not let it, by halves, and that record is set aside."""
        try:
            return self._write(batch, self._write_whole)
        except _RecordFailed:
            return self._write(batch, self._write_and_set_aside)

    def _write(self, batch: Batch, write: Callable[[Connection, Sequence[Record]], Delivery]) -> Delivery:
        """Positions first: their rows are locked while the rows are written, so that of two processes one follows the other."""
        with translate_errors(), self._engine.begin() as connection:
            position.move(connection, batch.moves)
            return write(connection, batch.records) if batch.records else Delivery()

    def _write_whole(self, connection: Connection, records: Sequence[Record]) -> Delivery:
        try:
            with translate_errors():
                return Delivery(self._writer.write(connection, records))
        except Exception as error:
            if is_of_a_record(error):
                raise _RecordFailed from error
            raise

    def _write_and_set_aside(self, connection: Connection, records: Sequence[Record]) -> Delivery:
        delivery = write_by_halves(connection, self._writer, records)
        keep_aside(connection, self._writer, delivery.set_aside, self._publisher)
        return delivery

    def is_written(self, connection: Connection, reached: Reached) -> bool:
        """Whether what a connection sees, which is one snapshot, holds all that was reached."""
        if not position.is_reached(connection, self.topics, reached):
            return False
        return not (self._had_rows and position.has_lost_rows(connection, self._writer))


class _RecordFailed(Exception):
    """A record of the batch cannot be written: it is looked for."""


@dataclass(frozen=True, slots=True)
class RunningWriter:
    """A writer of the read model and what runs it."""

    consumer: SqlConsumer
    runner: Runner

    def written_until_ms(self, connection: Connection) -> int | None:
        """Everything appended before (broker time) is in what this connection sees, which is one snapshot; None: it is not known."""
        reached = self.runner.reached
        return reached.until_ms if reached is not None and self.consumer.is_written(connection, reached) else None
