"""The read model equals the log, whatever happened to either, or says that it does not."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import Connection, delete, func, select, text

from brokers.connection import KafkaConnection
from brokers.offsets import read_ends, read_firsts
from cli.stack.kafka import Broker
from cli.stack.ports import free_ports
from schemas.instants import from_millis
from schemas.topics import RELEASE, SYSTEM, named
from sinks import metrics
from sinks.readmodel import position, tables
from sinks.readmodel.database import connect, migrate
from sinks.readmodel.writers import WRITERS
from sinks.service import SinkConfig
from sinks.takeover import Overtaken
from tests.conditions import until
from tests.handover.histories import Told
from tests.integration.pipeline import PARTITIONS, Pipeline
from tests.integration.test_sinks import history, kept, once, running, said

pytestmark = pytest.mark.servers
EVENTS = next(one for one in WRITERS if one.name == "events")
Config = Callable[[], SinkConfig]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A read model with its tables and no row."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path / 'model.sqlite'}"
        migrate(connect(found))
        yield found
        return
    owner, schema = connect(request.getfixturevalue("postgres")), f"t{uuid.uuid4().hex[:12]}"
    with owner.begin() as connection:
        connection.execute(text(f"create schema {schema}"))
    base = owner.url.render_as_string(hide_password=False)
    found = f"{base}{'&' if '?' in base else '?'}options=-csearch_path%3D{schema}"
    engine = connect(found)
    migrate(engine)
    engine.dispose()
    yield found
    with owner.begin() as connection:
        connection.execute(text(f"drop schema {schema} cascade"))
    owner.dispose()


@pytest.fixture
def topics(kafka: str, topic_prefix: str, tmp_path: Path) -> Pipeline:
    """Topics of this test."""
    found = Pipeline(kafka, topic_prefix, tmp_path)
    found.create_topics()
    return found


def config(topics: Pipeline, url: str) -> SinkConfig:
    return SinkConfig(KafkaConnection(topics.brokers), url, from_millis, topics.prefix)


def changing(url: str, change: Callable[[Connection], object]) -> None:
    """Do something to the database from outside."""
    engine = connect(url)
    with engine.begin() as connection:
        change(connection)
    engine.dispose()


def gaps(url: str) -> set[tuple[str, str]]:
    """Topic and kind of the open ones."""
    engine = connect(url)
    with engine.connect() as connection:
        found: set[tuple[str, str]] = {(one.topic, one.kind) for one in position.open_gaps(connection)}
    engine.dispose()
    return found


def written(topics: Pipeline, url: str, told: list[Told]) -> None:
    """Let the events sink write until these are what SQL holds."""
    with running(config(topics, url), "events"):
        until(lambda: kept(url) == once(told), seconds=60)


@pytest.mark.parametrize("lost", ["all", "rows", "positions", "one table"])
def test_a_read_model_that_lost_its_rows_is_filled_from_the_log(topics: Pipeline, url: str, lost: str) -> None:
    told = history(20)
    topics.publish(told)
    written(topics, url, told)
    emptied = {
        "all": tables.metadata.sorted_tables,
        "rows": [tables.event, tables.publisher, tables.arrival_lag],
        "positions": [tables.read_position],
        "one table": [tables.event],
    }[lost]
    changing(url, lambda connection: [connection.execute(delete(table)) for table in emptied])
    written(topics, url, told)
    assert gaps(url) == set()


def test_an_older_state_put_under_a_running_sink_catches_up(topics: Pipeline, url: str) -> None:
    told = history(20)
    topics.publish(told)
    with running(config(topics, url), "events"):
        until(lambda: once(told).items() <= kept(url).items(), seconds=60)
        until(lambda: _positions(url) >= len(told), seconds=30)
        emptied = (tables.event, tables.publisher, tables.read_position)
        changing(url, lambda connection: [connection.execute(delete(table)) for table in emptied])
        until(lambda: once(told).items() <= kept(url).items(), seconds=60)
        more = history(10, 20)
        topics.publish(more)
        until(lambda: once(told + more).items() <= kept(url).items(), seconds=60)


def _positions(url: str) -> int:
    engine = connect(url)
    with engine.connect() as connection:
        found = connection.execute(select(func.sum(tables.read_position.c.next_offset))).scalar_one()
    engine.dispose()
    return int(found or 0)


def test_an_older_backup_catches_up_from_its_own_position(topics: Pipeline, tmp_path: Path) -> None:
    url, backup = f"sqlite:///{tmp_path / 'model.sqlite'}", tmp_path / "backup.sqlite"
    migrate(connect(url))
    before, after = history(10), history(10, 10)
    topics.publish(before)
    written(topics, url, before)
    changing(url, lambda connection: connection.exec_driver_sql(f"vacuum into '{backup}'"))
    topics.publish(after)
    written(topics, url, before + after)
    for name in ("model.sqlite", "model.sqlite-wal", "model.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(backup, tmp_path / "model.sqlite")
    written(topics, url, before + after)
    assert gaps(url) == set()


@pytest.mark.parametrize("moved_to", ["end", "beginning"])
def test_the_groups_offsets_decide_nothing(topics: Pipeline, url: str, moved_to: str) -> None:
    before, after = history(10), history(10, 10)
    topics.publish(before)
    written(topics, url, before)
    topics.publish(after)
    consumer = KafkaConsumer(
        bootstrap_servers=topics.brokers, group_id=f"{topics.prefix}reentry-sink-events", enable_auto_commit=False
    )
    with closing(consumer):
        places = [TopicPartition(named(topics.prefix, one), n) for one in EVENTS.topics for n in range(PARTITIONS)]
        consumer.assign(places)
        (consumer.seek_to_end if moved_to == "end" else consumer.seek_to_beginning)(*places)
        for place in places:
            consumer.position(place)
        consumer.commit()
    written(topics, url, before + after)


def test_records_removed_before_they_were_read_are_told(
    topics: Pipeline, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, lost, after = history(10), history(10, 10), history(10, 20)
    topics.publish(before)
    written(topics, url, before)
    topics.publish(lost)
    admin = KafkaAdminClient(bootstrap_servers=topics.brokers)
    admin.delete_records({TopicPartition(named(topics.prefix, RELEASE), n): -1 for n in range(PARTITIONS)})
    admin.close()
    topics.publish(after)
    written(topics, url, before + after)
    assert gaps(url) == {(RELEASE, "REMOVED")}
    assert said(caplog, "gap", RELEASE, "removed before they were read", "handover rebuild sql")
    assert metrics.GAPS.labels(RELEASE, "REMOVED")._value.get() > 0


def test_a_topic_made_anew_ends_no_sink_and_is_not_mixed_with_the_old_one(
    topics: Pipeline, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = history(20), history(1, 20)
    topics.publish(before)
    with running(config(topics, url), "events"):
        until(lambda: kept(url) == once(before), seconds=60)
        made_anew(topics, RELEASE)
        topics.publish(after)
        until(lambda: (RELEASE, "OTHER_TOPIC") in gaps(url), seconds=60)
        until(lambda: bool(said(caplog, "the topic was made anew")), seconds=20)
        assert kept(url) == once(before)
        until(lambda: any(b'"X10"' in value for value in topics.values(SYSTEM)), seconds=40)
        changing(url, lambda connection: position.forget(connection, [RELEASE]))  # as a rebuild does
        until(lambda: once(before + after).items() <= kept(url).items(), seconds=60)
        until(lambda: gaps(url) == set(), seconds=20)


@pytest.mark.parametrize("ask", [read_ends, read_firsts])
def test_a_partition_whose_leader_is_not_known_is_waited_for(
    topics: Pipeline, ask: Callable[[KafkaConsumer, list[TopicPartition]], object]
) -> None:
    name = named(topics.prefix, RELEASE)
    with closing(KafkaConsumer(bootstrap_servers=topics.brokers, group_id=None)) as consumer:
        with pytest.raises(KafkaError):  # a program's error would end the sink
            ask(consumer, [TopicPartition(name, 0), TopicPartition(name, PARTITIONS)])
        assert ask(consumer, [TopicPartition(name, 0)]) == {TopicPartition(name, 0): 0}


def made_anew(topics: Pipeline, topic: str) -> None:
    name = named(topics.prefix, topic)
    admin = KafkaAdminClient(bootstrap_servers=topics.brokers)
    admin.delete_topics([name])
    until(lambda: name not in admin.list_topics(), seconds=30)
    admin.create_topics({name: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.wait_for_topics([name], timeout_ms=30_000)
    admin.close()


def test_another_cluster_is_told_and_its_records_are_not_mixed_in(topics: Pipeline, url: str, tmp_path: Path) -> None:
    before = history(10)
    topics.publish(before)
    written(topics, url, before)
    with Broker(tmp_path / "kafka", port=free_ports(1)[0]) as broker:
        other = Pipeline(broker.bootstrap, topics.prefix, tmp_path)
        other.create_topics()
        other.publish(history(10, 10))
        with running(config(other, url), "events"):
            until(lambda: {kind for _, kind in gaps(url)} == {"OTHER_CLUSTER"}, seconds=60)
    assert kept(url) == once(before)


def test_of_two_sinks_each_record_is_written_by_one_and_none_moves_a_position_back(topics: Pipeline, url: str) -> None:
    told = history(30)
    topics.publish(told)
    with running(config(topics, url), "events"):
        until(lambda: bool(kept(url)), seconds=60)
        with running(config(topics, url), "events"):
            more = history(30, 30)
            topics.publish(more)
            until(lambda: kept(url) == once(told + more), seconds=60)
            until(lambda: _positions(url) >= len(told + more), seconds=30)
        last = history(10, 60)
        topics.publish(last)
        until(lambda: kept(url) == once(told + more + last), seconds=60)
    engine = connect(url)
    with engine.connect() as connection:
        stored = position.read(connection, EVENTS.topics)
    ahead = {place: (one.next_offset + 1, one.next_offset) for place, one in stored.items()}
    with pytest.raises(Overtaken), engine.begin() as connection:  # as one that was away too long
        position.move(connection, ahead)
    engine.dispose()
