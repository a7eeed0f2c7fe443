"""Building the read model anew from the log beside the old one, and putting it in its place in one transaction.

Readers see the old rows until then; sinks may run: the positions come with the rows, and each sink reads on from what it finds. What the
log has forgotten by its retention stays: old events, revisions of alerts that were compacted away, closed handovers, frozen months,
what operators decided about dead letters.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    and_,
    delete,
    event,
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from brokers.connection import KafkaConnection
from schemas.topics import named
from sinks import SINKS
from sinks.consumer import Sink
from sinks.header_decoding import read_any_header_name
from sinks.log_state import ANSWER_MS, LogWatcher, ends_of
from sinks.provenance import of_workers
from sinks.readmodel import position, tables
from sinks.readmodel import unwritable as aside
from sinks.readmodel.database import connect
from sinks.readmodel.dialect import is_one_file, is_server
from sinks.readmodel.position import Log, Place
from sinks.retry import database
from sinks.runner import BATCH, Arrival, record_of

SHADOW = "reentry_rebuild"  # a schema, or the name of the attached file
POLL_MS, SILENT_POLLS = 500, 120
Advance = Callable[[int], None]
_WHOLE = (tables.case, tables.obligation, tables.alert)  # exactly what the log says
_TOPICS = tuple(topic for sink in SINKS for topic in sink.topics)


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
        sinks: Sequence[Sink] = SINKS,
    ) -> None:
        """`sinks`: as the running ones are configured (`sinks.readmodel.writers`)."""
        self._sinks = sinks
        self._engine, self._shadow = engine, shadow
        self._kafka, self._prefix, self._arrival = kafka, prefix, arrival
        self._logs: dict[Place, Log] = {}
        self._read: dict[Place, int] = {}

    def read(self, announce: Callable[[int], Advance]) -> None:
        """Write all that the topics hold into the shadow. `announce` is given the number of offsets and gives how to count them.

        Raise KafkaError, Silent.
        """
        read_any_header_name()
        with closing(LogWatcher(self._kafka, self._prefix)) as watcher, closing(self._consumer()) as consumer:
            places = {sink.name: self._places(consumer, sink) for sink in self._sinks}
            self._logs = dict(watcher.logs(consumer, [one for many in places.values() for one in many]))
            advance = announce(sum(log.end - log.first for log in self._logs.values()))
            for sink in self._sinks:
                self._copy(consumer, sink, places[sink.name], advance)

    def _consumer(self) -> Any:
        return KafkaConsumer(
            **self._kafka.reader(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_poll_records=BATCH,
            bootstrap_timeout_ms=ANSWER_MS,
        )

    def _places(self, consumer: Any, sink: Sink) -> list[TopicPartition]:
        topics = [named(self._prefix, topic) for topic in sink.topics]
        return [
            TopicPartition(name, one) for name in topics for one in sorted(consumer.partitions_for_topic(name) or ())
        ]

    def _place(self, one: TopicPartition) -> Place:
        return Place(one.topic.removeprefix(self._prefix), one.partition)

    def _copy(self, consumer: Any, sink: Sink, places: Sequence[TopicPartition], advance: Advance) -> None:
        consumer.assign(places)
        at = {place: self._logs[self._place(place)].first for place in places}
        for place, first in at.items():
            consumer.seek(place, first)
        ends, silent = ends_of(consumer, places), 0
        while any(at[place] < ends[place] for place in places):
            polled = consumer.poll(timeout_ms=POLL_MS)
            read = [record_of(one, self._prefix, self._arrival) for records in polled.values() for one in records]
            batch, _ = of_workers(sink, read)  # what is foreign was told when the running sink passed it over
            if batch:
                self._write(sink, batch)
            now = {place: consumer.position(place, timeout_ms=ANSWER_MS) or at[place] for place in places}
            moved = sum(now.values()) - sum(at.values())
            silent = 0 if moved else silent + 1
            if silent > SILENT_POLLS:
                raise Silent(f"no record of {sink.name} has come for {SILENT_POLLS * POLL_MS // 1000} s")
            advance(moved)
            at = now
        self._read |= {self._place(place): offset for place, offset in at.items()}

    def _write(self, sink: Sink, batch: Sequence[Any]) -> None:
        """As the sink does; what cannot be written is a dead letter already."""
        try:
            with database(), self._shadow.begin() as connection:
                sink.write(connection, batch)
        except Exception as error:
            if not aside.is_of_a_record(error):
                raise
        else:
            return
        with database(), self._shadow.begin() as connection:
            connection.execute(delete(tables.read_position))  # SQLite begins with the first statement that writes
            _, unwritable = aside.write_all_but_unwritable(connection, sink, batch)
            if sink.set_aside is not None:
                for one in unwritable:
                    sink.set_aside(connection, one.record, one.why)

    def surplus(self) -> int:
        """How many alerts SQL holds that the log does not: a rebuild removes them."""
        with self._shadow.connect() as connection:
            known = set(connection.execute(select(tables.alert.c.alert_id)).scalars())
        with self._engine.connect() as connection:
            return sum(one not in known for one in connection.execute(select(tables.alert.c.alert_id)).scalars())

    def swap(self) -> None:
        """Put the new rows and their positions in the place of the old ones, at once."""
        with self._engine.connect() as connection:
            if is_one_file(connection):
                connection.exec_driver_sql(f"ATTACH DATABASE ? AS {SHADOW}", (self._shadow.url.database,))
                connection.commit()
            try:
                with connection.begin():
                    self._swap(connection)
            finally:
                if is_one_file(connection):
                    connection.exec_driver_sql(f"DETACH DATABASE {SHADOW}")
                    connection.commit()

    def _swap(self, connection: Connection) -> None:
        if is_server(connection):
            connection.execute(text("LOCK TABLE read_position IN EXCLUSIVE MODE"))  # sinks wait, readers do not
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
        connection.execute(delete(tables.ledger))  # duties are reckoned again from the events


@contextmanager
def beside(engine: Engine) -> Iterator[Engine]:
    """An empty read model beside the real one: a schema on PostgreSQL, a file on SQLite. It is gone afterwards."""
    if is_one_file(engine):
        path = Path(f"{engine.url.database}.rebuild")
        _remove(path)
        shadow = connect(f"sqlite:///{path}")
        drop: Callable[[], object] = lambda: _remove(path)  # noqa: E731
    else:
        _drop(engine)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {SHADOW}"))
        shadow = connect(engine.url.render_as_string(hide_password=False))
        event.listen(shadow, "connect", _look_there)
        drop = lambda: _drop(engine)  # noqa: E731
    try:
        tables.metadata.create_all(shadow)
        yield shadow
    finally:
        shadow.dispose()
        drop()


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)


def _drop(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SHADOW} CASCADE"))


def _look_there(connection: Any, _: Any) -> None:
    connection.execute(f"SET search_path TO {SHADOW}")
    connection.commit()


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
    for sink in SINKS:
        if sink.set_aside is None:
            continue
        for place in (one for one in logs if one.topic in sink.topics):
            held = and_(mine.c.partition == place.partition, mine.c.offset >= logs[place].first)
            connection.execute(delete(mine).where(held))
    _insert_all(connection, mine)
