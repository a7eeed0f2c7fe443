"""Publishers use many clients: librdkafka's partitioner is not Kafka's, Java's console producer sends what it reads."""

import shutil
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Producer

from cli.stack.tools import console_producer
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.topics import CASE, DLQ, INTAKE, RELEASE, named
from tests.conditions import until
from tests.handover.histories import acknowledged, notice, scheduled
from tests.integration.pipeline import Pipeline, pipeline

pytestmark = pytest.mark.servers
SUBJECTS = [f"p1_{letter * 26}" for letter in "defghijk"]


def known(running: Pipeline) -> set[str]:
    """The ids of all facts in the newest snapshot of each case."""
    newest = {record.key: record.value for record in running.records(CASE)}
    return {fact[3] for value in newest.values() for fact in orjson.loads(value)["facts"]}


def told() -> list[Event]:
    """A release planned and announced for each person."""
    recent = f"{from_millis(round(time.time() * 1000)) - timedelta(days=2):%Y-%m-%d %H:%M}"
    return [
        event
        for ref in SUBJECTS
        for event in (scheduled(recent, "2027-12-30", subject=ref), notice(recent, subject=ref))
    ]


def test_librdkafka_with_its_own_partitioner_is_understood(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    events = told()
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        producer = Producer({"bootstrap.servers": kafka, "acks": "all", "compression.type": "zstd"})
        for event in events:
            producer.produce(named(topic_prefix, event.topic), orjson.dumps(event.wire()), event.subject)
        producer.flush(30)
        running.start("worker")
        until(lambda: known(running) == {event.id for event in events}, seconds=60, every=1)
        subjects = {record.key.decode() for record in running.records(CASE)}
        assert subjects == set(SUBJECTS)


def test_binary_mode_is_understood(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    event = scheduled("2026-11-01 10:00", "2027-12-30")
    attributes = {f"ce_{name}": value.encode() for name, value in event.wire().items() if name != "data"}
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        producer = Producer({"bootstrap.servers": kafka, "acks": "all"})
        producer.produce(named(topic_prefix, RELEASE), orjson.dumps(event.data), event.subject, headers=attributes)
        producer.flush(30)
        running.start("worker")
        until(lambda: known(running) == {event.id}, seconds=60, every=1)


def test_javas_console_producer_is_understood(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    events = [scheduled("2026-11-01 10:00", "2027-12-30"), acknowledged("2026-11-02 10:00")]
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        for event, topic in zip(events, (RELEASE, INTAKE), strict=True):
            _console(kafka, named(topic_prefix, topic), event)
        running.start("worker")
        until(lambda: known(running) == {event.id for event in events}, seconds=60, every=1)


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (Debian: apt-get install kcat)")
def test_kcat_is_understood(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    events = told()
    key_and_value = "".join(f"{event.subject}\t{orjson.dumps(event.wire()).decode()}\n" for event in events)
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        header = "content-type=application/cloudevents+json; charset=UTF-8"
        subprocess.run(
            ["kcat", "-P", "-b", kafka, "-t", named(topic_prefix, RELEASE), "-K", "\t", "-H", header, "-X", "acks=all"],
            input=key_and_value,
            text=True,
            check=True,
            timeout=60,
        )
        running.start("worker")
        until(lambda: known(running) == {event.id for event in events}, seconds=60, every=1)
        assert {record.key.decode() for record in running.records(CASE)} == set(SUBJECTS)
        assert running.values(DLQ) == []


def _console(kafka: str, topic: str, event: Event) -> None:
    console_producer(
        kafka,
        topic,
        [f"content-type:application/cloudevents+json\t{event.subject}\t{orjson.dumps(event.wire()).decode()}"],
    )
