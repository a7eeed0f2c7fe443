"""The worker's own step without a broker: what it writes is kept, and what it sends to itself comes back."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from faust.types import TP

from brokers.connection import KafkaConnection
from schemas.topics import ACTION, ALERT, CASE, DLQ, ROUTED, SOURCES, SYSTEM
from streams import metrics
from streams.app import PARTITION_TOPICS, WorkerConfig, create_app
from streams.clock import Clock
from streams.engine.transport import Output, Written
from streams.repartition import marker_of
from streams.shared_topic import SystemReader
from streams.step import Engine
from streams.watermark import Frontier
from tests.fuzz.records import PARTITIONS, Draft

BROKER_BYTES = 1_048_588  # message.max.bytes as a broker has it
FRAME_BYTES = 100  # of a batch and its only record
ROUNDS = 400  # steps in which what was read must have been lived through


class Stalled(AssertionError):
    """The step does not go on."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as a consumer hands it over."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, Any], ...]


class _Log:
    """Where a worker's outputs go: every topic but the sources is kept, records for ourselves wait to be read."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.consumer_generation_id = 1
        self.kept: dict[str, list[Output]] = defaultdict(list)
        self.waiting: dict[TP, list[Record]] = defaultdict(list)
        self.ends: Counter[TP] = Counter()
        self.broker_time = SimpleNamespace(now=lambda: self.now_ms / 1000)
        self.consumer = SimpleNamespace(read_until=lambda tp: self.now_ms / 1000, lease=self._lease)
        actives = [TP(topic, number) for topic in PARTITION_TOPICS for number in range(PARTITIONS)]
        self.assignor = SimpleNamespace(assigned_actives=lambda: actives)
        self.on_partitions_revoked = SimpleNamespace(connect=lambda handler: None)

    async def _lease(self) -> bool:
        return True

    async def send_batches(self, topic: str, outputs: Mapping[int, Sequence[Output]]) -> list[Written]:
        """As `streams.engine.transport.App` does; a record that a broker would refuse is refused."""
        found = []
        for partition, records in outputs.items():
            tp = TP(topic, partition)
            found.append(Written(partition, self.ends[tp], len(records)))
            for one in records:
                if _size(one) > BROKER_BYTES:
                    raise MessageSizeTooLargeError(f"{topic}: {_size(one)} bytes")
                self.add(tp, self.now_ms, one.key, one.value, tuple(one.headers), read=topic == ROUTED)
                if topic != ROUTED:
                    self.kept[topic].append(one)
        return found

    def add(self, tp: TP, at_ms: int, key: bytes | None, value: bytes | None, told: Any, *, read: bool) -> Record:
        """Append a record; return it."""
        record = Record(tp.topic, tp.partition, self.ends[tp], at_ms, key, value, told)
        self.ends[tp] += 1
        if read:
            self.waiting[tp].append(record)
        return record


def _size(output: Output) -> int:
    told = sum(len(name.encode()) + len(text or b"") + 4 for name, text in output.headers)
    return len(output.key or b"") + len(output.value or b"") + told + FRAME_BYTES


class _System(SystemReader):
    """Knows the system topic up to now."""

    log: _Log

    def bound(self) -> int | None:
        return self.log.now_ms


@dataclass
class Loop:
    """One worker that owns every partition."""

    folder: Path
    log: _Log = field(default_factory=_Log)
    longest_seconds: float = 0.0  # of processor time in one step

    def __post_init__(self) -> None:
        config = WorkerConfig(kafka=KafkaConnection("127.0.0.1:1"), data_dir=self.folder, partitions=PARTITIONS)
        app = create_app(config)
        clock = Clock()
        self.system = _System(config, app.engine.system.world, clock, app.broker_time)
        self.system.log = self.log
        places = [TopicPartition(topic, number) for topic in (SYSTEM, ACTION) for number in range(PARTITIONS)]
        self.system._frontiers = {place: Frontier() for place in places}
        self.table = app.engine.table
        self.engine = Engine(self.log, self.table, list(PARTITION_TOPICS), config, clock, self.system)  # type: ignore[arg-type]
        self.read: Counter[str] = Counter()  # records by topic, without our own markers
        self._counted = outcomes()

    async def feed(self, drafts: Iterable[tuple[int, Draft]]) -> None:
        """Hand records to the step, each at an instant (ms, never going back), until all is lived through."""
        if not self.engine.ready:
            await self.engine.rebuild()
        for at_ms, draft in drafts:
            self.log.now_ms = max(at_ms, self.log.now_ms)
            tp = TP(draft.topic, draft.place())
            self.log.add(tp, self.log.now_ms, draft.key, draft.value, tuple(draft.headers), read=True)
        self.log.now_ms += 1_000
        for _ in range(ROUNDS):
            self._poll()
            await self._step()
            if self._is_done():
                return
        raise Stalled(f"not lived through after {ROUNDS} steps; waiting: {self._waiting()}")

    def _poll(self) -> None:
        polled, self.log.waiting = self.log.waiting, defaultdict(list)
        for tp, records in polled.items():
            self.read[tp.topic] += sum(1 for one in records if not _is_marker(one))
            if tp.topic in (SYSTEM, ACTION):
                self.system._take(TopicPartition(*tp), records)
        self.engine.take(polled)
        self.engine.state.inbox.markers.written_at_ms = 0  # on a broker some time passes between two markers

    async def _step(self) -> None:
        if self.engine.stale:
            await self.engine.rebuild()
        began = time.process_time()
        good = await self.engine.step()
        self.longest_seconds = max(self.longest_seconds, time.process_time() - began)
        if not good:
            raise Stalled("a step was given up though nothing is wrong with the broker")

    def _is_done(self) -> bool:
        self.log.now_ms += 1_000
        inbox = self.engine.state.inbox
        idle = not any(one.facts for one in (*inbox.waiting.values(), *inbox.taken.values()))
        quiet = all(_is_marker(one) for records in self.log.waiting.values() for one in records)
        return idle and quiet and not self.engine.busy and not inbox.outputs

    def _waiting(self) -> list[Any]:
        inbox = self.engine.state.inbox
        return [told[2:] for one in (*inbox.waiting.values(), *inbox.taken.values()) for told in one.facts[:2]]

    # --- what came of it

    def counted(self) -> dict[str, Counter[str]]:
        """Per topic how many records ended in each outcome, since the loop began."""
        return {topic: found - self._counted.get(topic, Counter()) for topic, found in outcomes().items()}

    def uncounted(self) -> dict[str, int]:
        """Per topic how many records ended in no outcome (or, below zero, in more than one)."""
        counted = self.counted()
        missing = {topic: number - counted.get(topic, Counter()).total() for topic, number in self.read.items()}
        return {topic: number for topic, number in missing.items() if number}

    @property
    def dead_letters(self) -> list[Output]:
        return self.log.kept[DLQ]

    @property
    def alerts(self) -> list[Output]:
        return self.log.kept[ALERT]

    @property
    def cases(self) -> list[Output]:
        return self.log.kept[CASE]


def _is_marker(record: Record) -> bool:
    try:
        return record.topic == ROUTED and marker_of(record.headers) is not None
    except ValueError:
        return False


def outcomes() -> dict[str, Counter[str]]:
    """What the worker's own counter says: outcomes by topic."""
    found: dict[str, Counter[str]] = {topic: Counter() for topic in (*SOURCES, ROUTED)}
    for metric in metrics.RECORDS.collect():
        for sample in metric.samples:
            if sample.name == "reentry_records_total":
                found.setdefault(sample.labels["topic"], Counter())[sample.labels["outcome"]] += int(sample.value)
    return found
