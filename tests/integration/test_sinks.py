"""Sinks when what they need goes away: they say so once, wait, go on, and every record is in SQL once."""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text

from brokers.connection import KafkaConnection
from cli.logs import make_formatter
from cli.stack.kafka import Broker
from cli.stack.ports import free_ports
from cli.stack.postgres import Postgres
from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.payload import PIPELINE
from sinks.consumer import Record
from sinks.publisher import EventPublisher
from sinks.readmodel import events, tables
from sinks.readmodel.database import connect, migrate
from sinks.readmodel.sql_consumer import SqlConsumer
from sinks.readmodel.writer import Write, Writer
from sinks.readmodel.writers import WRITERS
from sinks.runner import Runner
from sinks.service import SinkConfig, run
from tests.conditions import until
from tests.handover.histories import Told, arriving, notice, scheduled
from tests.integration.pipeline import Pipeline

pytestmark = pytest.mark.servers
EVENTS = next(one for one in WRITERS if one.name == "events")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL of this test alone, which it may stop."""
    with Postgres(settings={"synchronous_commit": "on"}) as found:  # what it has confirmed survives its crash
        engine = connect(found.url)
        migrate(engine)
        engine.dispose()
        yield found


def test_a_pooled_connection_is_asked_only_after_a_rest(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, other, asked = connect(server.url), connect(server.url), list[object]()
    ping = engine.dialect.do_ping

    def counted(connection: Any) -> bool:
        asked.append(connection)
        return ping(connection)

    def process() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)

    monkeypatch.setattr(engine.dialect, "do_ping", counted)
    first = process()
    assert process() == first
    assert not asked
    monkeypatch.setattr("sinks.readmodel.database.FRESH_SECONDS", 0.0)
    assert process() == first
    assert len(asked) == 1
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    assert process() not in (0, first)
    engine.dispose()
    other.dispose()


@contextmanager
def running(config: SinkConfig, *names: str) -> Iterator[None]:
    """Sinks in threads of this process, as `handover sink` runs them; a failure of theirs is one of the test."""
    stop, failed = threading.Event(), []

    def body() -> None:
        try:
            run(config, names, stop)
        except BaseException as error:  # noqa: BLE001  # told below
            failed.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not failed
    assert not thread.is_alive()


def history(persons: int, first: int = 0) -> list[Told]:
    """A planned and announced release for each of some persons."""
    refs = [
        f"p1_{'abcdefghijklmnopqrstuvwxyz'[number % 26] * 25}{'abcdefghij'[number // 26]}"
        for number in range(first, first + persons)
    ]
    return arriving(
        *(event for ref in refs for event in (scheduled(subject=ref), notice("2026-03-01 15:00", subject=ref)))
    )


def kept(url: str) -> dict[tuple[str, str], int]:
    """How often each event of publishers is in SQL; on what day a sink judges a calendar is not theirs."""
    engine = connect(url)
    event = tables.event.c
    wanted = select(event.source, event.id, func.count()).where(event.source != PIPELINE)
    wanted = wanted.group_by(event.source, event.id)
    with engine.connect() as connection:
        found = {(row[0], row[1]): row[2] for row in connection.execute(wanted)}
    engine.dispose()
    return found


def once(told: list[Told]) -> dict[tuple[str, str], int]:
    return {(event.source, event.id): 1 for event, _ in told}


def said(caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    """Our own lines that hold all words, as the log has them."""
    formatter = make_formatter("text")
    lines = [formatter.format(one) for one in caplog.records if one.name.startswith("sinks")]
    return [line for line in lines if all(word in line for word in words)]


def config(brokers: str, url: str, prefix: str) -> SinkConfig:
    return SinkConfig(KafkaConnection(brokers), url, from_millis, prefix, unmarked=True)


def test_while_postgresql_is_away_a_sink_says_so_once_waits_and_loses_nothing(
    kafka: str, topic_prefix: str, tmp_path: Path, server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    topics = Pipeline(kafka, topic_prefix, tmp_path)
    topics.create_topics()
    before, meanwhile, after = history(20), history(20, 20), history(20, 40)
    with running(config(kafka, server.url, topic_prefix), "events"):
        topics.publish(before)
        until(lambda: kept(server.url) == once(before), seconds=30)
        server.stop()
        topics.publish(meanwhile)
        until(lambda: bool(said(caplog, "events", "the database does not answer")), seconds=30)
        waited = time.monotonic() + 4
        until(lambda: time.monotonic() > waited)  # long enough to say it again, if it would
        server.start()
        until(lambda: kept(server.url) == once(before + meanwhile), seconds=30)
        topics.publish(after)
        until(lambda: kept(server.url) == once(before + meanwhile + after), seconds=30)
    assert len(said(caplog, "events", "the database does not answer")) == 1
    assert len(said(caplog, "events", "the database answers")) == 1


def test_the_ledger_follows_what_the_events_sink_has_written(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    topics, url = Pipeline(kafka, topic_prefix, tmp_path), f"sqlite:///{tmp_path / 'model.sqlite'}"
    topics.create_topics()
    migrate(connect(url))
    told = history(20)

    def reckoned(rule: str) -> dict[str, str]:
        engine = connect(url)
        wanted = select(tables.duty.c.subject, tables.duty.c.standing).where(
            tables.duty.c.rule_id == rule, tables.duty.c.known_until.is_(None)
        )
        with engine.connect() as connection:
            found = {row.subject: row.standing for row in connection.execute(wanted)}
        engine.dispose()
        return found

    with running(config(kafka, url, topic_prefix), "events"):
        topics.publish(told)
        until(lambda: kept(url) == once(told), seconds=60)
        until(lambda: len(reckoned("A01")) == 20, seconds=60)
    assert reckoned("A01").keys() == {event.subject for event, _ in told}
    assert set(reckoned("A02").values()) == {"open"}


def test_alerts_written_around_a_crash_of_postgresql_are_all_there_with_their_history(
    kafka: str, topic_prefix: str, tmp_path: Path, server: Postgres
) -> None:
    topics = Pipeline(kafka, topic_prefix, tmp_path)
    topics.create_topics()
    alerts = list(replay(history(10), load("cn-default"), load_calendar()))
    assert alerts
    half = len(alerts) // 2
    carried = [(_alert_event(one.wire(), one.alert_id, one.revision), one.changed_at) for one in alerts]
    with running(config(kafka, server.url, topic_prefix), "alerts"):
        topics.publish(carried[:half])
        until(lambda: bool(revisions(server.url)), seconds=30)
        server.kill()
        topics.publish(carried[half:])
        server.start()
        expected = sorted((one.alert_id, one.revision) for one in alerts)
        until(lambda: revisions(server.url) == expected, seconds=30)


def _alert_event(data: dict[str, object], alert_id: str, revision: int) -> Event:
    at = from_millis(0)
    return Event(f"{alert_id}:{revision}", "/pipeline", "reentry.alert.changed.v1", alert_id, at, data)


def revisions(url: str) -> list[tuple[str, int]]:
    engine = connect(url)
    history = tables.alert_history
    with engine.connect() as connection:
        found = connection.execute(
            select(history.c.alert_id, history.c.revision).order_by(history.c.alert_id, history.c.revision)
        )
        rows = [(row[0], row[1]) for row in found]
    engine.dispose()
    return rows


def test_a_sink_waits_for_a_broker_that_is_not_yet_there(
    tmp_path: Path, server: Postgres, topic_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path / "kafka", port=free_ports(1)[0])
    told = history(5)
    try:
        with running(config(broker.bootstrap, server.url, topic_prefix), "events"):
            until(lambda: bool(said(caplog, "events", "Kafka does not answer")), seconds=60)
            broker.start()
            topics = Pipeline(broker.bootstrap, topic_prefix, tmp_path)
            topics.create_topics()
            topics.publish(told)
            until(lambda: kept(server.url) == once(told), seconds=60)
            until(lambda: bool(said(caplog, "events", "Kafka answers")), seconds=30)
            assert len(said(caplog, "events", "Kafka does not answer")) == 1
            broker.stop()
            until(lambda: len(said(caplog, "events", "Kafka does not answer")) == 2, seconds=60)
            more = history(5, 5)
            broker.start()
            topics.publish(more)
            until(lambda: kept(server.url) == once(told + more), seconds=60)
            until(lambda: len(said(caplog, "events", "Kafka answers")) == 2, seconds=30)
    finally:
        broker.stop()
        shutil.rmtree(tmp_path / "kafka", ignore_errors=True)


class Killed(Exception):
    """As if the process had ended here."""


def test_a_sink_killed_between_write_and_commit_reads_on_where_its_rows_end(
    kafka: str, topic_prefix: str, tmp_path: Path, server: Postgres
) -> None:
    topics = Pipeline(kafka, topic_prefix, tmp_path)
    topics.create_topics()
    told = history(30)
    topics.publish(told)
    engine = connect(server.url)
    writes: list[int] = []

    def watched(write: Write) -> Write:
        def body(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
            writes.append(len(batch))
            return write(connection, batch)

        return body

    class Dying(Runner):
        def _commit(self, client: object) -> None:
            if writes:
                raise Killed

    connection, writer = KafkaConnection(kafka), Writer("events", EVENTS.topics, watched(events.write))
    consumer = SqlConsumer(writer, engine, EventPublisher(connection, topic_prefix))
    with pytest.raises(Killed):
        Dying(consumer, connection, topic_prefix, from_millis).run(threading.Event())
    first = everything(server.url)
    assert writes[0] > 0
    stop = threading.Event()
    thread = threading.Thread(target=Runner(consumer, connection, topic_prefix, from_millis).run, args=(stop,))
    thread.start()
    until(lambda: kept(server.url) == once(told), seconds=60)
    stop.set()
    thread.join(30)
    engine.dispose()
    assert {name: everything(server.url)[name] for name in first} == first
    assert sum(writes) == len(told)


def everything(url: str) -> dict[str, tuple[str, ...]]:
    """The event rows by id."""
    engine = connect(url)
    with engine.connect() as connection:
        found = {row.id: tuple(map(str, row)) for row in connection.execute(select(tables.event))}
    engine.dispose()
    return found
