"""A consumer that is no SQL: it keeps its positions where it delivers to, and the runner gives it each record once."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from brokers.connection import KafkaConnection
from schemas.instants import from_millis
from schemas.topics import RELEASE
from sinks import metrics
from sinks.consumer import Batch, Delivery, SetAside, SinkUnavailable
from sinks.runner import Runner
from sinks.takeover import Log, OpenGap, Overtaken, Place, Start, Stored, Takeover, start_at
from tests.conditions import until
from tests.handover.histories import Told
from tests.integration.pipeline import Pipeline
from tests.integration.test_sinks import history, said

pytestmark = pytest.mark.servers


class Outbox:
    """Delivers the keys of records to a file. File and positions are replaced at once: they are the same file."""

    name, topics, destination, unmarked = "outbox", (RELEASE,), "the outbox", False

    def __init__(self, path: Path) -> None:
        self.path, self.is_away = path, False
        self.refused: str | None = None  # the key of a record that it cannot take

    def take_over(self, logs: Mapping[Place, Log]) -> Takeover:
        stored, lines = self._load()
        starts: dict[Place, Start] = {}
        for place, log in logs.items():
            starts[place] = start_at(stored.get(place), log)
            if place not in stored:
                stored[place] = Stored(log.first, log.cluster_id, log.topic_id)
        self._save(stored, lines)
        gaps = [
            OpenGap(*place, start.gap.kind, start.gap.first, start.gap.next, from_millis(0))
            for place, start in starts.items()
            if start.gap is not None
        ]
        return Takeover(starts, gaps)

    def read_positions(self) -> Mapping[Place, int]:
        return {place: one.next_offset for place, one in self._load()[0].items()}

    def deliver(self, batch: Batch) -> Delivery:
        stored, lines = self._load()
        for place, (before, after) in batch.moves.items():
            if stored[place].next_offset != before:
                raise Overtaken
            stored[place] = Stored(after, stored[place].cluster_id, stored[place].topic_id)
        aside = [
            SetAside(one, ValueError("no address"), "no address", is_bug=False)
            for one in batch.records
            if self.refused is not None and one.key == self.refused.encode()
        ]
        refused = {one.record.place for one in aside}
        lines += [(one.key or b"").decode() for one in batch.records if one.place not in refused]
        self._save(stored, lines)
        return Delivery(set_aside=aside)

    def _load(self) -> tuple[dict[Place, Stored], list[str]]:
        if self.is_away:
            raise SinkUnavailable("switched off")
        if not self.path.exists():
            return {}, []
        held = json.loads(self.path.read_text())
        return {Place(topic, number): Stored(**row) for topic, number, row in held["positions"]}, held["lines"]

    def _save(self, stored: Mapping[Place, Stored], lines: list[str]) -> None:
        if self.is_away:
            raise SinkUnavailable("switched off")
        fresh = self.path.with_suffix(".new")
        fresh.write_text(
            json.dumps({"positions": [(*place, asdict(one)) for place, one in stored.items()], "lines": lines})
        )
        fresh.replace(self.path)


def delivered(path: Path) -> Counter[str]:
    return Counter(json.loads(path.read_text())["lines"]) if path.exists() else Counter()


def subjects(told: list[Told]) -> Counter[str]:
    return Counter(event.subject for event, _ in told)


@contextmanager
def running(consumer: Outbox, topics: Pipeline) -> Iterator[Runner]:
    runner, stop = Runner(consumer, KafkaConnection(topics.brokers), topics.prefix, from_millis), threading.Event()
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        yield runner
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def topics(kafka: str, topic_prefix: str, tmp_path: Path) -> Pipeline:
    made = Pipeline(kafka, topic_prefix, tmp_path)
    made.create_topics()
    return made


def test_each_record_is_delivered_once_over_restarts_and_an_outage(
    topics: Pipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.json"
    first, second, third = history(10), history(10, 10), history(10, 20)
    topics.publish(first)
    with running(Outbox(path), topics) as runner:
        until(lambda: delivered(path) == subjects(first), seconds=60)
        until(lambda: runner.reached is not None, seconds=30)
    topics.publish(second)
    consumer = Outbox(path)
    with running(consumer, topics) as runner:
        until(lambda: delivered(path) == subjects(first + second), seconds=60)
        consumer.is_away = True
        topics.publish(third)
        until(lambda: bool(said(caplog, "outbox", "the outbox does not answer")), seconds=30)
        until(
            lambda: runner.pulse.lacks(runner.pulse.destination_at + 20)[-1:] == ["outbox: the outbox does not answer"]
        )
        consumer.is_away = False
        until(lambda: delivered(path) == subjects(first + second + third), seconds=60)
        until(lambda: bool(said(caplog, "outbox", "the outbox answers")), seconds=30)
        until(lambda: runner.behind == 0, seconds=30)
    assert len(said(caplog, "the outbox does not answer")) == 1


def test_what_it_cannot_take_is_counted_and_said_and_the_others_go_on(
    topics: Pipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    consumer, told = Outbox(tmp_path / "outbox.json"), history(5)
    consumer.refused = told[0][0].subject
    before = metrics.RECORDS.labels("outbox", "set_aside")._value.get()
    topics.publish(told)
    others = subjects(told)
    refused = others.pop(consumer.refused)
    with running(consumer, topics):
        until(lambda: delivered(consumer.path) == others, seconds=60)
        until(lambda: metrics.RECORDS.labels("outbox", "set_aside")._value.get() == before + refused, seconds=10)
    assert len(said(caplog, "outbox", "cannot be written, set aside", 'why="no address"')) == refused
