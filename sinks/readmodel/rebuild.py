"""Building the read model anew from the log beside the old one, and putting it in its place in one transaction.

Readers see the old rows until then; sinks may run: the positions come with the rows, and each writer reads on from what it finds. What
the log has forgotten by its retention stays: old events, revisions of alerts that were compacted away, closed handovers, frozen months,
what operators decided about dead letters.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from kafka import TopicPartition
from sqlalchemy import Connection, Engine, MetaData, Table, and_, delete, exists, func, insert, select, update

from brokers.clients import open_consumer
from brokers.connection import KafkaConnection
from brokers.offsets import ANSWER_MS, read_ends
from schemas.topics import named
from sinks.consumer import Record
from sinks.header_decoding import read_any_header_name
from sinks.log_state import LogWatcher
from sinks.provenance import split_foreign
from sinks.readmodel import dialect, position, tables
from sinks.readmodel.database import connect
from sinks.readmodel.errors import translate_errors
from sinks.readmodel.set_aside import is_of_a_record, write_by_halves
from sinks.readmodel.writer import Writer
from sinks.readmodel.writers import WRITERS
from sinks.runner import BATCH, Arrival, record_of
from sinks.takeover import Log, Place

SHADOW = "reentry_rebuild"
POLL_MS, SILENT_POLLS = 500, 120
Advance = Callable[[int], None]
_WHOLE = (tables.case, tables.obligation, tables.alert)  # exactly what the log says
_TOPICS = tuple(topic for writer in WRITERS for topic in writer.topics)


class Silent(RuntimeError):
    """The broker gives no record although there are some."""


class Rebuilding:
    """One rebuild. `read` takes as long as the log is; `swap` is one transaction."""

    def __init__(
        self,
        engine: Engine,
        shadow: Engine,
        kafka: KafkaConnection,
        prefix: str,
        arrival: Arrival,
        writers: Sequence[Writer] = WRITERS,
    ) -> None:
        """`writers`: as the running ones are configured (`configure_writers`)."""
        self._writers = writers
        self._engine, self._shadow = engine, shadow
        self._kafka, self._prefix, self._arrival = kafka, prefix, arrival
        self._logs: dict[Place, Log] = {}
        self._read: dict[Place, int] = {}

    def read(self, announce: Callable[[int], Advance]) -> None:
        """Write all that the topics hold into the shadow. `announce` is given the number of offsets and gives how to count them.

        Raise KafkaError, Silent.
        """
        read_any_header_name()
        with closing(LogWatcher(self._kafka, self._prefix)) as watcher, self._open_consumer() as consumer:
            places = {writer.name: self._places(consumer, writer) for writer in self._writers}
            self._logs = dict(watcher.logs(consumer, [one for many in places.values() for one in many]))
            advance = announce(sum(log.end - log.first for log in self._logs.values()))
            for writer in self._writers:
                self._copy(consumer, writer, places[writer.name], advance)

    def _open_consumer(self) -> AbstractContextManager[Any]:
        return open_consumer(
            self._kafka, auto_offset_reset="none", max_poll_records=BATCH, bootstrap_timeout_ms=ANSWER_MS
        )

    def _places(self, consumer: Any, writer: Writer) -> list[TopicPartition]:
        topics = [named(self._prefix, topic) for topic in writer.topics]
        return [
            TopicPartition(name, one) for name in topics for one in sorted(consumer.partitions_for_topic(name) or ())
        ]

    def _place(self, one: TopicPartition) -> Place:
        return Place(one.topic.removeprefix(self._prefix), one.partition)

    def _copy(self, consumer: Any, writer: Writer, places: Sequence[TopicPartition], advance: Advance) -> None:
        consumer.assign(places)
        at = {place: self._logs[self._place(place)].first for place in places}
        for place, first in at.items():
            consumer.seek(place, first)
        ends, silent = read_ends(consumer, places), 0
        while any(at[place] < ends[place] for place in places):
            polled = consumer.poll(timeout_ms=POLL_MS)
            read = [record_of(one, self._prefix, self._arrival) for records in polled.values() for one in records]
            batch, _ = split_foreign(read, unmarked=writer.unmarked)  # the running sink has said what is foreign
            if batch:
                self._write(writer, batch)
            now = {place: consumer.position(place, timeout_ms=ANSWER_MS) or at[place] for place in places}
            moved = sum(now.values()) - sum(at.values())
            silent = 0 if moved else silent + 1
            if silent > SILENT_POLLS:
                raise Silent(f"no record of {writer.name} has come for {SILENT_POLLS * POLL_MS // 1000} s")
            advance(moved)
            at = now
        self._read |= {self._place(place): offset for place, offset in at.items()}

    def _write(self, writer: Writer, batch: Sequence[Record]) -> None:
        """As the running writer does; what cannot be written is a dead letter already."""
        try:
            with translate_errors(), self._shadow.begin() as connection:
                writer.write(connection, batch)
        except Exception as error:
            if not is_of_a_record(error):
                raise
        else:
            return
        with translate_errors(), self._shadow.begin() as connection:
            connection.execute(delete(tables.read_position))  # SQLite begins with the first statement that writes
            delivery = write_by_halves(connection, writer, batch)
            if writer.set_aside is not None:
                for one in delivery.set_aside:
                    writer.set_aside(connection, one.record, one.why)

    def count_surplus(self) -> int:
        """How many alerts SQL holds that the log does not: a rebuild removes them."""
        with self._shadow.connect() as connection:
            known = set(connection.execute(select(tables.alert.c.alert_id)).scalars())
        with self._engine.connect() as connection:
            return sum(one not in known for one in connection.execute(select(tables.alert.c.alert_id)).scalars())

    def swap(self) -> None:
        """Put the new rows and their positions in the place of the old ones, at once."""
        with (
            self._engine.connect() as connection,
            dialect.attach_shadow(connection, self._shadow, SHADOW),
            connection.begin(),
        ):
            self._swap(connection)

    def _swap(self, connection: Connection) -> None:
        dialect.lock_out_writers(connection, tables.read_position)
        position.forget(connection, _TOPICS)
        for place, offset in sorted(self._read.items()):
            position.make(connection, place, self._logs[place], offset)
        for table in _WHOLE:
            connection.execute(delete(table))
            _insert_all(connection, table)
        _swap_history(connection)
        _swap_handovers(connection)
        for table in (tables.event, tables.publisher, tables.arrival_lag):
            _replace_known(connection, table)
        _swap_letters(connection, self._logs)
        connection.execute(delete(tables.ledger))  # obligations are computed again from the events


@contextmanager
def open_shadow(engine: Engine) -> Iterator[Engine]:
    """An empty read model beside the real one. It is gone afterwards."""
    with dialect.open_shadow(engine, SHADOW, connect) as shadow:
        tables.metadata.create_all(shadow)
        yield shadow


# --- what is put in whose place

_there = MetaData(schema=SHADOW)
_SHADOWS = {table.name: table.to_metadata(_there, schema=SHADOW) for table in tables.metadata.sorted_tables}


def _insert_all(connection: Connection, table: Table) -> None:
    names, shadow = [column.name for column in table.c], _SHADOWS[table.name]
    connection.execute(insert(table).from_select(names, select(*(shadow.c[name] for name in names))))


def _replace_known(connection: Connection, table: Table) -> None:
    """Rows of the shadow come in the place of those with the same key; others stay: the log has forgotten them."""
    shadow = _SHADOWS[table.name].alias("anew")
    same = and_(*(table.c[key.name] == shadow.c[key.name] for key in table.primary_key))
    connection.execute(delete(table).where(exists().where(same)))
    _insert_all(connection, table)


def _swap_history(connection: Connection) -> None:
    """Older revisions of an alert stay where the log was compacted; alerts that the log does not know go."""
    mine, newest = tables.alert_history, _SHADOWS["alert"].alias("anew")
    older = exists().where(newest.c.alert_id == mine.c.alert_id, newest.c.revision >= mine.c.revision)
    connection.execute(delete(mine).where(~older))
    _replace_known(connection, mine)


def _swap_handovers(connection: Connection) -> None:
    """Closed ones that the pipeline has forgotten stay: they are history."""
    connection.execute(delete(tables.handover).where(tables.handover.c.closed_at.is_(None)))
    _replace_known(connection, tables.handover)


def _swap_letters(connection: Connection, logs: dict[Place, Log]) -> None:
    """What was decided about a letter stays with it; places of another log's letters go."""
    mine, shadow = tables.dead_letter, _SHADOWS["dead_letter"]
    before = mine.alias("before")
    same = and_(*(before.c[name] == shadow.c[name] for name in ("partition", "offset", "received_at")))
    decided = select(before.c.state).where(same).scalar_subquery()
    connection.execute(update(shadow).values(state=func.coalesce(decided, shadow.c.state)))
    for writer in WRITERS:
        if writer.set_aside is None:
            continue
        for place in (one for one in logs if one.topic in writer.topics):
            held = and_(mine.c.partition == place.partition, mine.c.offset >= logs[place].first)
            connection.execute(delete(mine).where(held))
    _insert_all(connection, mine)
