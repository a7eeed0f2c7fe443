"""Says of each record on the event topics whether it was applied or refused, on `reentry.receipt.v1`.

A record is decided once all partitions are processed past its arrival: workers report that only after every dead letter of
theirs from before is acknowledged. So the dead letters are read to their end after the report, and then looked into.
Its offsets are committed once receipts are acknowledged: after a crash some come twice, with the same id and state.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast, get_args

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from brokers.connection import KafkaConnection
from brokers.offsets import await_offsets, read_ends
from brokers.progress_topic import ProgressTopic, find_watermark, open_topic
from gateway.receipts import encode, identify, make_receipt, sign
from gateway.signing import Signer
from schemas.dead_letter import MESSAGE, OFFSET, PARTITION, REASON, TOPIC
from schemas.invalid import Reason
from schemas.topics import DLQ, PROGRESS, RECEIPT, RELEASE, ROUTED, SOURCES, named

log = logging.getLogger(__name__)
GROUP = "reentry-receipts"
ROUND_SECONDS, AGAIN_SECONDS, ACK_SECONDS = 0.5, 2.0, 30.0
MOST_PENDING = 20_000  # records that wait for their decision; then no more are read
_BATCH, _POLL_MS, _LEADER_SECONDS = 2_000, 200, 10.0
_SKEW_MS = 60_000  # between the clocks of a worker and a broker
_NOT_WORKERS = "UNWRITABLE"  # a database could not hold the record; workers have applied it
Place = tuple[str, int, int]  # topic with prefix, partition, offset


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it stands itself, when it was written, and why."""

    partition: int
    offset: int
    timestamp_ms: int
    reason: Reason
    message: str


@dataclass
class Letters:
    """The dead letters of records that are not decided yet: by place, or by identity where the record was sent on before."""

    by_place: dict[Place, Letter] = field(default_factory=dict)
    by_identity: dict[tuple[str, str], Letter] = field(default_factory=dict)

    def take(self, record: Any, routed: str) -> None:
        """Note one."""
        told = {name: (text or b"").decode(errors="replace") for name, text in record.headers}
        reason = told.get(REASON, "")
        if reason == _NOT_WORKERS or not told.get(PARTITION, "").isdecimal() or not told.get(OFFSET, "").isdecimal():
            return
        known = cast("Reason", reason if reason in get_args(Reason) else "FAILED")
        letter = Letter(record.partition, record.offset, record.timestamp, known, told.get(MESSAGE, ""))
        if told.get(TOPIC) == routed:
            source, event_id, _ = identify(record.value, record.headers)
            self.by_identity[source, event_id] = letter
        else:
            self.by_place[told.get(TOPIC, ""), int(told[PARTITION]), int(told[OFFSET])] = letter

    def find(self, record: Any) -> Letter | None:
        """Return the dead letter of a record of an event topic."""
        found = self.by_place.get((record.topic, record.partition, record.offset))
        if found is None and self.by_identity:
            found = self.by_identity.get(identify(record.value, record.headers)[:2])
        return found

    def forget(self, decided: Mapping[TopicPartition, int], before_ms: float) -> None:
        """Drop those of records before these offsets; those without a place where they were written before an instant."""
        self.by_place = {
            place: letter
            for place, letter in self.by_place.items()
            if place[2] >= decided.get(TopicPartition(place[0], place[1]), 0)
        }
        self.by_identity = {who: one for who, one in self.by_identity.items() if one.timestamp_ms >= before_ms}

    def first(self, partition: int) -> int | None:
        """Return the offset of the first one of a partition of the dead letter topic that is still needed."""
        every = (*self.by_place.values(), *self.by_identity.values())
        return min((one.offset for one in every if one.partition == partition), default=None)


class ReceiptFollower:
    """One thread. Two at once do no harm: each receipt then comes twice."""

    def __init__(self, kafka: KafkaConnection, prefix: str, arrival: Callable[[int], datetime], signer: Signer) -> None:
        """`arrival` maps broker time (ms) to the time that facts are judged in."""
        self._kafka, self._prefix, self._arrival, self._signer = kafka, prefix, arrival, signer
        self.beat_at = time.monotonic()  # when it last heard of the brokers

    def run(self, stop: threading.Event) -> None:
        """Follow until it is told to stop; while Kafka is away, say so once and begin again."""
        is_away = False
        while not stop.is_set():
            try:
                self._follow(stop)
            except (KafkaError, OSError) as error:
                if not is_away:
                    log.warning("receipts wait: Kafka does not answer", extra={"error": type(error).__name__})
                is_away = True
                stop.wait(AGAIN_SECONDS)
            else:
                is_away = False

    def _follow(self, stop: threading.Event) -> None:
        consumer = KafkaConsumer(
            **self._kafka.reader(),
            group_id=f"{self._prefix}{GROUP}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=_BATCH,
            bootstrap_timeout_ms=5_000,
            allow_auto_create_topics=False,
        )
        with closing(_Quietly(consumer)), open_topic(self._kafka, self._prefix) as progress:
            producer = KafkaProducer(**self._kafka.client(), acks="all", linger_ms=5, allow_auto_create_topics=False)
            with closing(producer):
                _Round(self, consumer, progress, producer).run(stop)


class _Quietly:
    """Closes a consumer without committing what is not decided."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=2_000)


class _Round:
    """What is known between two beginnings: undecided records, their dead letters, and how far workers are."""

    def __init__(self, follower: ReceiptFollower, consumer: Any, progress: ProgressTopic, producer: Any) -> None:
        self._own, self._consumer, self._progress, self._producer = follower, consumer, progress, producer
        self._prefix = follower._prefix  # noqa: SLF001 one module
        self._pending: dict[TopicPartition, deque[Any]] = {}
        self._letters = Letters()
        self._committed: dict[TopicPartition, int] = {}
        self._partitions = 0
        self._dlq, self._routed = named(self._prefix, DLQ), named(self._prefix, ROUTED)

    def run(self, stop: threading.Event) -> None:
        """Raise KafkaError."""
        self._assign()
        while not stop.is_set():
            self._own.beat_at = time.monotonic()
            self._progress.read()
            until = find_watermark(self._progress.newest, self._partitions)
            places = list(self._consumer.assignment())
            ends = await_offsets(read_ends, self._consumer, places, _LEADER_SECONDS)
            self._read_until(ends, stop)
            if until is not None and not stop.is_set():
                self._decide(until, ends)
            self._hold_back()

    def _assign(self) -> None:
        counted = self._consumer.partitions_for_topic(named(self._prefix, RELEASE)) or set()
        if not counted or not self._consumer.partitions_for_topic(named(self._prefix, PROGRESS)):
            raise KafkaError("the topics are not made yet")
        self._partitions = len(counted)
        sources = [TopicPartition(named(self._prefix, one), number) for one in SOURCES for number in sorted(counted)]
        self._pending = {place: deque() for place in sources}
        self._consumer.assign([*sources, *(TopicPartition(self._dlq, number) for number in sorted(counted))])

    def _read_until(self, ends: Mapping[TopicPartition, int], stop: threading.Event) -> None:
        """Read for half a second, and in any case the dead letters up to their ends."""
        over = time.monotonic() + ROUND_SECONDS
        letters = {place: end for place, end in ends.items() if place.topic == self._dlq}
        while not stop.is_set():
            for place, records in self._consumer.poll(timeout_ms=_POLL_MS).items():
                if place.topic == self._dlq:
                    for record in records:
                        self._letters.take(record, self._routed)
                else:
                    self._pending[place].extend(records)
            if time.monotonic() > over and all(self._consumer.position(place) >= end for place, end in letters.items()):
                return

    def _hold_back(self) -> None:
        """Read no more events while too many wait; dead letters always."""
        sources = list(self._pending)
        if sum(map(len, self._pending.values())) > MOST_PENDING:
            self._consumer.pause(*sources)
        elif self._consumer.paused():
            self._consumer.resume(*sources)

    def _decide(self, until: datetime, ends: Mapping[TopicPartition, int]) -> None:
        sent = [self._send(record) for record in self._decided(until)]
        self._producer.flush(timeout=ACK_SECONDS)
        for future in sent:
            if future is not None:
                future.get(timeout=ACK_SECONDS)
        following = {
            place: waiting[0].offset if waiting else self._consumer.position(place)
            for place, waiting in self._pending.items()
        }
        self._letters.forget(following, self._first_ms(following, ends) - _SKEW_MS)
        for number in range(self._partitions):
            place = TopicPartition(self._dlq, number)
            first = self._letters.first(number)
            following[place] = self._consumer.position(place) if first is None else first
        self._commit(following)

    def _decided(self, until: datetime) -> Iterator[Any]:
        arrival = self._own._arrival  # noqa: SLF001 one module
        for waiting in self._pending.values():
            while waiting and arrival(waiting[0].timestamp) < until:
                yield waiting.popleft()

    def _send(self, record: Any) -> Any:
        letter = self._letters.find(record)
        place = (record.topic.removeprefix(self._prefix), record.partition, record.offset)
        reason, message = (None, "") if letter is None else (letter.reason, letter.message)
        state = "applied" if letter is None else "refused"
        receipt = make_receipt(state, place, record.timestamp, record.value, record.headers, reason, message)  # type: ignore[arg-type]
        if not receipt.source and letter is None:
            return None  # what the pipeline tells itself
        value = encode(sign(receipt, self._own._signer))  # noqa: SLF001 one module
        return self._producer.send(
            named(self._prefix, RECEIPT), value, receipt.source.encode(), [("content-type", b"application/json")]
        )

    def _first_ms(self, following: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> float:
        """The broker's timestamp before which every record of the event topics is decided."""
        return min(self._left_ms(place, offset, ends) for place, offset in following.items())

    def _left_ms(self, place: TopicPartition, offset: int, ends: Mapping[TopicPartition, int]) -> float:
        waiting: Sequence[Any] = self._pending[place]
        if waiting:
            return float(waiting[0].timestamp)
        return float("inf") if offset >= ends[place] else 0.0

    def _commit(self, following: Mapping[TopicPartition, int]) -> None:
        moved = {place: offset for place, offset in following.items() if self._committed.get(place) != offset}
        if moved:
            self._consumer.commit({place: OffsetAndMetadata(offset, "", -1) for place, offset in moved.items()})
            self._committed |= moved
