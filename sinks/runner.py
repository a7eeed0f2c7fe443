"""The one loop of all consumers: read, deliver records and positions together, then tell the group how far."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from brokers.connection import KafkaConnection
from brokers.offsets import ANSWER_MS
from brokers.refusal import refusal
from schemas.topics import named
from sinks import metrics
from sinks.consumer import Batch, Consumer, Delivery, Moves, Record, SinkUnavailable
from sinks.header_decoding import read_any_header_name
from sinks.health import Pulse
from sinks.log_state import LogWatcher
from sinks.provenance import split_foreign
from sinks.retry import KAFKA, Outage, Refused
from sinks.takeover import Overtaken, Place, Reached, Start
from sinks.telemetry import Telemetry

log = logging.getLogger(__name__)

BATCH = 2_000
POLL_MS = 500
SURVEY_SECONDS = 1.0  # how often the ends of the partitions are asked for
COMPARED_EACH_SECONDS = 5.0  # how often the positions are held against the log
REPLICATION_MS = 1_000  # a record may be this old before it can be read
Arrival = Callable[[int], datetime]
Polled = Mapping[TopicPartition, Sequence[Any]]


class Runner:
    """Runs one consumer until it is told to stop. `behind`: how many records are not delivered yet; `reached`: None while it is not known."""

    def __init__(self, consumer: Consumer, kafka: KafkaConnection, prefix: str, arrival: Arrival) -> None:
        self.consumer, self.kafka, self.prefix, self.arrival = consumer, kafka, prefix, arrival
        self.reached: Reached | None = None
        self.behind = 0
        self.pulse = Pulse(consumer.name, consumer.destination)
        self._last: dict[TopicPartition, int] = {}
        self._held: dict[TopicPartition, int] = {}  # where each partition is read on, as the destination says it too
        self._outage = Outage(consumer.name)
        self._group = f"{prefix}reentry-sink-{consumer.name}"
        self._telemetry = Telemetry(consumer.name, self._group)
        self._watcher = LogWatcher(kafka, prefix)
        self._is_due = threading.Event()  # to hold the positions against the log

    def run(self, stop: threading.Event) -> None:
        """Read, deliver, commit; while Kafka or the destination is away, say so once and wait."""
        try:
            while not stop.is_set():
                self.pulse.beat()
                try:
                    client = self._connect()
                except (KafkaError, OSError) as error:
                    why = refusal(self.kafka)
                    self._outage.wait(KAFKA, Refused(why) if why else error, stop)
                    continue
                try:
                    self._loop(client, stop)
                finally:
                    client.close(timeout_ms=2000)
        finally:
            self._watcher.close()

    def _connect(self) -> Any:
        read_any_header_name()
        client = KafkaConsumer(
            **self.kafka.reader(),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",  # positions are the destination's: none is ever guessed
            max_poll_records=BATCH,
            max_poll_interval_ms=3_600_000,  # a batch may wait for its destination
            session_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
            bootstrap_timeout_ms=5_000,
            reconnect_backoff_max_ms=2_000,
        )
        self._held.clear()
        client.subscribe(
            [named(self.prefix, topic) for topic in self.consumer.topics], listener=_Assigned(self, client)
        )
        return client

    def assign(self, client: Any, places: Sequence[TopicPartition]) -> None:
        """Nothing is read of new partitions until the destination has said where."""
        for place in places:
            self._held.pop(place, None)
            client.seek(place, 0)  # else the group's offset would be asked for
        client.pause(*places)
        self._is_due.set()

    def _loop(self, client: Any, stop: threading.Event) -> None:
        surveyed = compared = 0.0
        while not stop.is_set():
            self.pulse.beat()
            try:
                polled = client.poll(timeout_ms=POLL_MS)
            except OffsetOutOfRangeError:
                polled = {}
                self._is_due.set()
            except KafkaError as error:
                self._outage.wait(KAFKA, error, stop)
                continue
            if not self._take(client, self._select_following(polled), stop):
                return
            if self._is_due.is_set() or time.monotonic() - compared > COMPARED_EACH_SECONDS:
                self._compare(client, stop)
                compared = time.monotonic()
            if time.monotonic() - surveyed > SURVEY_SECONDS:
                self._survey(client, stop)
                surveyed = time.monotonic()

    def _select_following(self, polled: Polled) -> Polled:
        """What follows the positions. Records that were on their way before a partition was assigned anew come again."""
        return {
            place: records
            for place, records in polled.items()
            if records and place in self._held and records[0].offset >= self._held[place]
        }

    def _take(self, client: Any, polled: Polled, stop: threading.Event) -> bool:
        """Deliver what was read. False: told to stop before."""
        if not polled:
            return True
        read = [record_of(one, self.prefix, self.arrival) for records in polled.values() for one in records]
        ends = {place: records[-1].offset + 1 for place, records in polled.items()}
        try:
            if not self._deliver(Batch(self._leave_out_foreign(read), self._moves(ends)), stop):
                return False
        except Overtaken:
            self._log(logging.WARNING, "somebody else has moved the positions; reads on from there")
            self._held.clear()
            self._is_due.set()
            return True
        self._held |= ends
        for place, records in polled.items():
            self._last[place] = records[-1].timestamp
        self._commit(client)
        return True

    def _leave_out_foreign(self, batch: Sequence[Record]) -> Sequence[Record]:
        """Leave out, loudly, what somebody else wrote to a topic of the workers."""
        ours, foreign = split_foreign(batch, unmarked=self.consumer.unmarked)
        for one in foreign:
            text = "no worker wrote this, passed over; find out who else writes here"
            self._log(logging.ERROR, text, place=one.place)
            metrics.RECORDS.labels(self.consumer.name, "foreign").inc()
        return ours

    def _place(self, place: TopicPartition) -> Place:
        return Place(place.topic.removeprefix(self.prefix), place.partition)

    def _moves(self, ends: Mapping[TopicPartition, int]) -> Moves:
        return {self._place(place): (self._held[place], end) for place, end in ends.items()}

    def _deliver(self, batch: Batch, stop: threading.Event) -> bool:
        """Deliver until it is delivered. False: told to stop before. Raise Overtaken."""
        while not stop.is_set():
            try:
                with self.pulse.asking():
                    delivery = self.consumer.deliver(batch)
            except SinkUnavailable as error:
                self._outage.wait(self.consumer.destination, error, stop)
            except KafkaError as error:  # a dead letter could not be sent
                self._outage.wait(KAFKA, error, stop)
            else:
                self._note_answer()
                self._count(batch, delivery)
                return True
        return False

    def _count(self, batch: Batch, delivery: Delivery) -> None:
        """Each record has one outcome; say of each that was not delivered where it stands and why."""
        name, invalid, aside = self.consumer.name, len(delivery.invalid), len(delivery.set_aside)
        counts = {"written": len(batch.records) - invalid - aside, "invalid": invalid, "set_aside": aside}
        for outcome, count in counts.items():
            metrics.RECORDS.labels(name, outcome).inc(count)
        for record in delivery.invalid:
            self._log(logging.ERROR, "cannot be read, passed over", place=record.place)
        for one in delivery.set_aside:
            trace, where = one.error if one.is_bug else None, {"place": one.record.place, "why": one.why}
            self._log(logging.ERROR, "cannot be written, set aside", trace, **where)

    def _log(self, level: int, event: str, trace: Exception | None = None, **keys: str) -> None:
        log.log(level, event, exc_info=trace, extra={"sink": self.consumer.name, **keys})

    def _note_answer(self) -> None:
        self.pulse.destination_at = time.monotonic()
        self._outage.over(self.consumer.destination)

    def _commit(self, client: Any) -> None:
        """Tell the group how far it is delivered, for tools that show lag."""
        offsets = {place: OffsetAndMetadata(offset, "", -1) for place, offset in self._held.items()}
        try:
            client.commit(offsets)
        except KafkaError as error:  # after a rebalance; nobody reads by it
            self._log(logging.INFO, "not committed", error=type(error).__name__)

    def _compare(self, client: Any, stop: threading.Event) -> None:
        """Hold the positions against the log, and read on where both allow it."""
        self._is_due.clear()
        places = client.assignment()
        try:
            logs = self._watcher.logs(client, places)
            self.pulse.kafka_at = time.monotonic()
            self._outage.over(KAFKA)
            with self.pulse.asking():
                takeover = self.consumer.take_over(logs)
        except KafkaError as error:
            self._outage.wait(KAFKA, error, stop)
        except SinkUnavailable as error:
            self._outage.wait(self.consumer.destination, error, stop)
        except Overtaken:  # another process has made or moved the same position just now
            pass
        else:
            self._note_answer()
            self.pulse.gaps = len(takeover.gaps)
            self._telemetry.show_gaps(takeover.gaps)
            before = dict(self._held)
            self._follow(client, {place: takeover.starts[self._place(place)] for place in places})
            if self._held != before:
                self._commit(client)
            return None
        return self._is_due.set()

    def _follow(self, client: Any, starts: Mapping[TopicPartition, Start]) -> None:
        self._held = {place: offset for place, offset in self._held.items() if place in starts}
        for place, start in starts.items():
            if start.offset is None:
                client.pause(place)
                self._held.pop(place, None)
            elif self._held.get(place) != start.offset:
                client.seek(place, start.offset)
                client.resume(place)
                self._held[place] = start.offset
                self._last.pop(place, None)
        self._telemetry.show_halted(len(starts) - len(self._held))

    def _survey(self, client: Any, stop: threading.Event) -> None:
        """Ask where the partitions end: how far behind we are, and before which instant everything has been delivered."""
        assigned, places = client.assignment(), sorted(self._held)
        asked = round(time.time() * 1000) - REPLICATION_MS
        try:
            ends = self._watcher.log_ends(places)
            self._pass_markers({place: client.position(place, timeout_ms=ANSWER_MS) for place in places})
            others = self._read_others(client, set(places))
            is_whole = bool(places) and assigned == set(places) and others is not None
        except KafkaError as error:
            self._is_due.set()
            return self._outage.wait(KAFKA, error, stop)
        except SinkUnavailable as error:
            return self._outage.wait(self.consumer.destination, error, stop)
        except Overtaken:
            return self._is_due.set()
        lags = {place: max(0, ends[place] - self._held[place]) for place in places}
        self._telemetry.show_lags(lags)
        self.behind = sum(lags.values())
        known = [asked if not lag else self._last.get(place) for place, lag in lags.items()]
        whole = is_whole and None not in known
        held = {self._place(place): self._held[place] for place in places}
        until_ms = min((at for at in known if at is not None), default=0)
        self.reached = Reached(until_ms, held | dict(others or {})) if whole else None
        return None

    def _pass_markers(self, at: Mapping[TopicPartition, int | None]) -> None:
        """Move positions past what is no record: compacted away, or the end of a transaction."""
        ends = {place: offset for place, offset in at.items() if offset is not None and offset > self._held[place]}
        if ends:
            with self.pulse.asking():
                self.consumer.deliver(Batch((), self._moves(ends)))
            self._held |= ends

    def _read_others(self, client: Any, mine: set[TopicPartition]) -> Mapping[Place, int] | None:
        """Where the partitions end that other processes of this consumer read; None where these have not delivered all of it."""
        topics = [named(self.prefix, topic) for topic in self.consumer.topics]
        every = {TopicPartition(topic, one) for topic in topics for one in client.partitions_for_topic(topic) or ()}
        others = every - mine
        if not others:
            return {}
        ends = {self._place(place): end for place, end in self._watcher.log_ends(others).items()}
        with self.pulse.asking():
            positions = self.consumer.read_positions()
        is_delivered = all(positions.get(place, -1) >= end for place, end in ends.items())
        return ends if is_delivered else None


def record_of(one: Any, prefix: str, arrival: Arrival) -> Record:
    """A record of the client, as consumers take it."""
    topic = one.topic.removeprefix(prefix)
    stamp = one.timestamp
    return Record(topic, one.partition, one.offset, one.key, one.value, one.headers or (), stamp, arrival(stamp))


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    def __init__(self, runner: Runner, client: Any) -> None:
        self._runner, self._client = runner, client

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Nothing to do: what was delivered stands with its position."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Before anything of them is fetched."""
        self._runner.assign(self._client, list(assigned))
