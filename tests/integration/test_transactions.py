"""Publishers that write in transactions: what was taken back is no fact, and what is not decided yet waits, and is told."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from sqlalchemy import select

from brokers.connection import KafkaConnection
from cli.doctor import find_all
from cli.stack.ports import free_ports
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.topics import CASE, SOURCES, named
from sinks.monitors.metrics.lag import WORKER, Lags
from sinks.readmodel import tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.handover.histories import notice, scheduled
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline
from tests.integration.verified import verified

pytestmark = pytest.mark.servers
SUBJECTS = [f"p1_{letter * 26}" for letter in "defghijk"]


@cache
def told(subject: str, number: int = 0) -> Event:
    recent = f"{from_millis(round(time.time() * 1000)) - timedelta(days=2):%Y-%m-%d %H:%M}"
    made = (scheduled(recent, "2027-12-30", subject=subject), notice(recent, subject=subject))
    return made[number]


def writer(kafka: str, name: str) -> Producer:
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": name, "transaction.timeout.ms": 300_000})
    producer.init_transactions(30)
    return producer


def write(producer: Producer, prefix: str, events: Iterable[Event]) -> None:
    for event in events:
        producer.produce(named(prefix, event.topic), orjson.dumps(event.wire()), event.subject)
    producer.flush(30)


def cases(running: Pipeline) -> set[str]:
    return {record.key.decode() for record in running.records(CASE)}


def rows(folder: Path) -> set[str]:
    engine = connect(f"sqlite:///{folder / 'handover.sqlite'}")
    with engine.connect() as connection:
        found = set(connection.execute(select(tables.event.c.id)).scalars())
    engine.dispose()
    return found


def ends(running: Pipeline, isolation: str) -> dict[TopicPartition, int]:
    places = [TopicPartition(named(running.prefix, topic), one) for topic in SOURCES for one in range(PARTITIONS)]
    consumer = KafkaConsumer(bootstrap_servers=running.brokers, group_id=None, isolation_level=isolation)
    found: dict[TopicPartition, int] = consumer.end_offsets(places)
    consumer.close()
    return found


def unread(running: Pipeline, group: str) -> int:
    """Offsets that a group has not committed yet of partitions in which there is something."""
    admin = KafkaAdminClient(bootstrap_servers=running.brokers)
    name = f"{running.prefix}{group}"
    done = admin.list_group_offsets({name: None})[name]
    admin.close()
    at = {place: one.offset for place, one in done.items()}
    return sum(end - at.get(place, 0) for place, end in ends(running, "read_uncommitted").items())


def test_what_a_transaction_took_back_is_no_fact_and_leaves_no_lag(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    aborted, committed, plain = SUBJECTS[3:6]
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("worker")
        running.start("sink")
        producer = writer(kafka, f"{topic_prefix}one")
        for subject, end in ((aborted, producer.abort_transaction), (committed, producer.commit_transaction)):
            producer.begin_transaction()
            write(producer, topic_prefix, [told(subject)])
            end(30)
        running.publish([(told(plain), from_millis(round(time.time() * 1000)))])
        until(lambda: {committed, plain} <= cases(running), seconds=60, every=0.5)
        until(lambda: {told(committed).id, told(plain).id} <= rows(tmp_path), seconds=60, every=0.5)
        producer.begin_transaction()  # at the very end of the log too, and more of them than a poll brings
        write(producer, topic_prefix, [told(aborted), told(aborted, 1)])
        producer.abort_transaction(30)
        for group in ("reentry-worker", "reentry-sink-events"):
            until(lambda group=group: unread(running, group) == 0, seconds=30, every=0.5)  # type: ignore[misc]
        assert aborted not in cases(running)
        assert told(aborted).id not in rows(tmp_path)
        lags = Lags(KafkaConnection(kafka), topic_prefix, WORKER)
        until(lambda: [one.seconds for one in lags.now()] == [0.0], seconds=30, every=0.5)  # others write too
        lags.close()
        found = verified(running)
        assert found.returncode == 0, found.stdout
        command = [sys.executable, "-m", "cli", "dump", "--out", "-"]
        dumped = subprocess.run(command, env=running.env, capture_output=True, text=True, check=True).stdout
        assert f'"id":"{told(committed).id}"' in dumped
        assert f'"id":"{told(aborted).id}"' not in dumped


def test_an_open_transaction_holds_back_what_follows_and_is_told_until_it_is_decided(
    kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, held, behind = SUBJECTS[:3]
    port = free_ports(1)[0]
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("worker", REENTRY_WEB_PORT=str(port))
        running.start("sink")
        now = from_millis(round(time.time() * 1000))
        running.publish([(told(before), now)])
        until(lambda: cases(running) == {before}, seconds=60, every=0.5)
        producer = writer(kafka, f"{topic_prefix}two")
        producer.begin_transaction()
        write(producer, topic_prefix, [told(held)])
        running.publish([(told(held, 1), now), (told(behind), now)])  # behind it in its partition, and beside it
        log = tmp_path / "worker-0.log"
        until(lambda: "a transaction has been open" in log.read_text(), seconds=60, every=0.5)
        shown = metrics(port)
        [line] = [one for one in shown if one.startswith("reentry_undecided_transaction_seconds{")]
        assert float(line.split()[-1]) >= 10
        assert f"{topic_prefix}reentry.release.v1" in line
        assert cases(running) == {before}  # nothing of the partition, and no time for the others
        assert watermark(shown) < time.time() - 9
        for name, value in running.env.items():
            if name.startswith("REENTRY_"):
                monkeypatch.setenv(name, value)
        [problem] = [one for one in find_all() if one.what == "transactions"]
        assert problem.state == "problem"
        assert f"{topic_prefix}reentry.release.v1[" in problem.text
        assert f"transactional id {topic_prefix}two" in problem.text
        assert "kafka-transactions.sh" in problem.fix
        found = verified(running)  # what nobody may read yet is no loss
        assert found.returncode == 0, found.stdout
        producer.commit_transaction(30)
        until(lambda: cases(running) == {before, held, behind}, seconds=60, every=0.5)
        until(lambda: told(held).id in rows(tmp_path), seconds=60, every=0.5)
        until(lambda: "its open transaction has ended" in log.read_text(), seconds=30, every=0.5)
        until(lambda: watermark(metrics(port)) > time.time() - 5, seconds=30, every=0.5)
        assert not [one for one in metrics(port) if one.startswith("reentry_undecided_transaction_seconds{")]
        [fine] = [one for one in find_all() if one.what == "transactions"]
        assert fine.state == "ok"


def metrics(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode()).splitlines()


def watermark(lines: Iterable[str]) -> float:
    """The least of all partitions, in broker time."""
    return min(float(one.split()[-1]) for one in lines if one.startswith("reentry_watermark_timestamp_seconds{"))
