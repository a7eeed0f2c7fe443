"""The one loop of all sinks: read, write rows and position in one transaction, then tell the group how far."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError
from sqlalchemy import Connection, Engine

from brokers.connection import KafkaConnection
from brokers.refusal import refusal
from schemas.topics import named
from sinks import metrics
from sinks.consumer import Record, Sink, SinkUnavailable, Unwritable
from sinks.header_decoding import read_any_header_name
from sinks.health import Pulse
from sinks.log_state import ANSWER_MS, LogWatcher
from sinks.provenance import of_workers
from sinks.publisher import EventPublisher
from sinks.readmodel import position
from sinks.readmodel import unwritable as aside
from sinks.readmodel.position import Overtaken, Place, Reached, Start
from sinks.retry import DATABASE, KAFKA, Outage, Refused, database
from sinks.telemetry import Shown

log = logging.getLogger(__name__)

BATCH = 2_000
POLL_MS = 500
SURVEY_SECONDS = 1.0  # how often the ends of the partitions are asked for
COMPARED_EACH_SECONDS = 5.0  # how often the positions are held against the log
REPLICATION_MS = 1_000  # a record may be this old before it can be read
Arrival = Callable[[int], datetime]
Moves = Mapping[Place, tuple[int, int]]
Polled = Mapping[TopicPartition, Sequence[Any]]


class Runner:
    """Runs one sink until it is told to stop. What is told from its rows asks `written_until_ms` first."""

    def __init__(
        self,
        sink: Sink,
        engine: Engine,
        kafka: KafkaConnection,
        prefix: str,
        arrival: Arrival,
    ) -> None:
        self.sink, self.engine, self.prefix, self.arrival = sink, engine, prefix, arrival
        self.kafka = kafka
        self._reached: Reached | None = None
        self.behind = 0  # records not yet read
        self.pulse = Pulse(sink.name)
        self._last: dict[TopicPartition, int] = {}
        self._held: dict[TopicPartition, int] = {}  # where each partition is read on, as SQL says it too
        self._had_rows: bool | None = None
        self._outage = Outage(sink.name)
        self._group = f"{prefix}reentry-sink-{sink.name}"
        self._shown = Shown(sink.name, self._group)
        self._watcher = LogWatcher(kafka, prefix)
        self._teller = EventPublisher(kafka, prefix)
        self._is_due = threading.Event()  # to hold the positions against the log

    def run(self, stop: threading.Event) -> None:
        """Read, write, commit; while Kafka or the database is away, say so once and wait."""
        try:
            while not stop.is_set():
                self.pulse.beat()
                try:
                    consumer = self._consumer()
                except (KafkaError, OSError) as error:
                    self._outage.wait(KAFKA, Refused(told) if (told := refusal(self.kafka)) else error, stop)
                    continue
                try:
                    self._loop(consumer, stop)
                finally:
                    consumer.close(timeout_ms=2000)
        finally:
            self._watcher.close()
            self._teller.close()

    def _consumer(self) -> Any:
        read_any_header_name()
        consumer = KafkaConsumer(
            **self.kafka.reader(),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",  # positions are SQL's: none is ever guessed
            max_poll_records=BATCH,
            max_poll_interval_ms=3_600_000,  # a batch may wait for its database
            session_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
            bootstrap_timeout_ms=5_000,
            reconnect_backoff_max_ms=2_000,
        )
        self._held.clear()
        consumer.subscribe(
            [named(self.prefix, topic) for topic in self.sink.topics], listener=_Assigned(self, consumer)
        )
        return consumer

    def assigned(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        """Nothing is read of new partitions until SQL has said where."""
        for place in places:
            self._held.pop(place, None)
            consumer.seek(place, 0)  # else the group's offset would be asked for
        consumer.pause(*places)
        self._is_due.set()

    def _loop(self, consumer: Any, stop: threading.Event) -> None:
        surveyed = compared = 0.0
        while not stop.is_set():
            self.pulse.beat()
            try:
                polled = consumer.poll(timeout_ms=POLL_MS)
            except OffsetOutOfRangeError:
                polled = {}
                self._is_due.set()
            except KafkaError as error:
                self._outage.wait(KAFKA, error, stop)
                continue
            if not self._take(consumer, self._expected(polled), stop):
                return
            if self._is_due.is_set() or time.monotonic() - compared > COMPARED_EACH_SECONDS:
                self._compare(consumer, stop)
                compared = time.monotonic()
            if time.monotonic() - surveyed > SURVEY_SECONDS:
                self._survey(consumer, stop)
                surveyed = time.monotonic()

    def _expected(self, polled: Polled) -> Polled:
        """What follows the positions. Records that were on their way before a partition was assigned anew come again."""
        return {
            place: records
            for place, records in polled.items()
            if records and place in self._held and records[0].offset >= self._held[place]
        }

    def _take(self, consumer: Any, polled: Polled, stop: threading.Event) -> bool:
        """Write what was read. False: told to stop before."""
        if not polled:
            return True
        read = [record_of(one, self.prefix, self.arrival) for records in polled.values() for one in records]
        batch = self._of_workers(read)
        ends = {place: records[-1].offset + 1 for place, records in polled.items()}
        try:
            if not self._write(batch, self._moves(ends), stop):
                return False
        except Overtaken:
            log.warning("%s: somebody else has moved the positions; reads on from there", self.sink.name)
            self._held.clear()
            self._is_due.set()
            return True
        self._held |= ends
        for place, records in polled.items():
            self._last[place] = records[-1].timestamp
        self._commit(consumer)
        return True

    def _of_workers(self, batch: Sequence[Record]) -> Sequence[Record]:
        """Leave out, loudly, what somebody else wrote to a topic of the workers."""
        ours, foreign = of_workers(self.sink, batch)
        for one in foreign:
            place = f"{one.topic}[{one.partition}]@{one.offset}"
            log.error("%s: %s: no worker wrote this, passed over; find out who else writes here", self.sink.name, place)
            metrics.RECORDS.labels(self.sink.name, "foreign").inc()
        return ours

    def _place(self, place: TopicPartition) -> Place:
        return Place(place.topic.removeprefix(self.prefix), place.partition)

    def _moves(self, ends: Mapping[TopicPartition, int]) -> Moves:
        return {self._place(place): (self._held[place], end) for place, end in ends.items()}

    def _write(self, batch: Sequence[Record], moves: Moves, stop: threading.Event) -> bool:
        """Write until it is written. False: told to stop before. Raise Overtaken."""
        one_by_one = False
        while not stop.is_set():
            try:
                invalid, unwritable = self._transaction(batch, moves, one_by_one=one_by_one)
            except SinkUnavailable as error:
                self._outage.wait(DATABASE, error, stop)
            except KafkaError as error:  # a dead letter could not be sent
                self._outage.wait(KAFKA, error, stop)
            except _RecordFailed:
                one_by_one = True
            else:
                self._answered()
                self._count(batch, invalid, unwritable)
                return True
        return False

    def _count(self, batch: Sequence[Record], invalid: Sequence[Record], unwritable: Sequence[aside.Aside]) -> None:
        counted = {"written": len(batch) - len(invalid) - len(unwritable), "invalid": len(invalid)}
        for outcome, count in {**counted, "set_aside": len(unwritable)}.items():
            metrics.RECORDS.labels(self.sink.name, outcome).inc(count)
        for one in invalid:
            place = f"{one.topic}[{one.partition}]@{one.offset}"
            log.error("%s: %s cannot be read, passed over", self.sink.name, place)
        aside.tell(self.sink, unwritable)

    def _transaction(
        self, batch: Sequence[Record], moves: Moves, *, one_by_one: bool
    ) -> tuple[Sequence[Record], Sequence[aside.Aside]]:
        """Position first: its row is locked while the rows are written, so that of two processes one follows the other."""
        with self.pulse.asking(), database(), self.engine.begin() as connection:
            position.move(connection, moves)
            if one_by_one:
                invalid, unwritable = aside.write_all_but_unwritable(connection, self.sink, batch)
                aside.keep(connection, self.sink, unwritable, self._teller)
                return invalid, unwritable
            return self._write_whole(connection, batch), ()

    def _write_whole(self, connection: Any, batch: Sequence[Record]) -> Sequence[Record]:
        try:
            with database():
                return self.sink.write(connection, batch) if batch else ()
        except Exception as error:
            if aside.is_of_a_record(error):
                raise _RecordFailed from error
            raise

    def _answered(self) -> None:
        self.pulse.database_at = time.monotonic()
        self._outage.over(DATABASE)

    def _commit(self, consumer: Any) -> None:
        """Tell the group how far rows go, for tools that show lag."""
        offsets = {place: OffsetAndMetadata(offset, "", -1) for place, offset in self._held.items()}
        try:
            consumer.commit(offsets)
        except KafkaError as error:  # after a rebalance; nobody reads by it
            log.info("%s: not committed (%s)", self.sink.name, type(error).__name__)

    def _compare(self, consumer: Any, stop: threading.Event) -> None:
        """Hold the positions against the log, and read on where both allow it."""
        self._is_due.clear()
        places = consumer.assignment()
        try:
            logs = self._watcher.logs(consumer, places)
            self.pulse.kafka_at = time.monotonic()
            self._outage.over(KAFKA)
            starts = self._start(logs)
        except KafkaError as error:
            self._outage.wait(KAFKA, error, stop)
        except SinkUnavailable as error:
            self._outage.wait(DATABASE, error, stop)
        except (Overtaken, Unwritable):  # another process has made or moved the same position just now
            pass
        else:
            self._answered()
            before = dict(self._held)
            self._follow(consumer, {place: starts[self._place(place)] for place in places})
            if self._held != before:
                self._commit(consumer)
            return None
        return self._is_due.set()

    def _start(self, logs: Mapping[Place, position.Log]) -> Mapping[Place, Start]:
        with self.pulse.asking(), database(), self.engine.begin() as connection:
            lost = position.has_lost_rows(connection, self.sink)
            if lost and self._had_rows is not False:
                log.warning("%s: its tables are empty; reads the log from its beginning", self.sink.name)
                position.forget(connection, self.sink.topics)
            starts = position.take_over(connection, self.sink, logs)
            gaps = [one for one in position.open_gaps(connection) if one.topic in self.sink.topics]
        self._had_rows = not lost
        self.pulse.gaps = len(gaps)
        self._shown.gaps(gaps)
        return starts

    def _follow(self, consumer: Any, starts: Mapping[TopicPartition, Start]) -> None:
        self._held = {place: offset for place, offset in self._held.items() if place in starts}
        for place, start in starts.items():
            if start.offset is None:
                consumer.pause(place)
                self._held.pop(place, None)
            elif self._held.get(place) != start.offset:
                consumer.seek(place, start.offset)
                consumer.resume(place)
                self._held[place] = start.offset
                self._last.pop(place, None)
        self._shown.halted(len(starts) - len(self._held))

    def _survey(self, consumer: Any, stop: threading.Event) -> None:
        """Ask where the partitions end: how far behind we are, and before which instant everything has been written."""
        assigned, places = consumer.assignment(), sorted(self._held)
        asked = round(time.time() * 1000) - REPLICATION_MS
        try:
            ends = self._watcher.log_ends(places)
            self._pass_markers({place: consumer.position(place, timeout_ms=ANSWER_MS) for place in places})
            others = self._others_written(consumer, set(places))
            is_whole = bool(places) and assigned == set(places) and others is not None
        except KafkaError as error:
            self._is_due.set()
            return self._outage.wait(KAFKA, error, stop)
        except SinkUnavailable as error:
            return self._outage.wait(DATABASE, error, stop)
        except Overtaken:
            return self._is_due.set()
        lags = {place: max(0, ends[place] - self._held[place]) for place in places}
        self._shown.lags(lags)
        self.behind = sum(lags.values())
        known = [asked if not lag else self._last.get(place) for place, lag in lags.items()]
        whole = is_whole and None not in known
        held = {self._place(place): self._held[place] for place in places}
        until_ms = min((at for at in known if at is not None), default=0)
        self._reached = Reached(until_ms, held | dict(others or {})) if whole else None
        return None

    def written_until_ms(self, connection: Connection) -> int | None:
        """Everything appended before (broker time) is in what this connection sees, which is one snapshot; None: it is not known."""
        reached = self._reached
        if reached is None or not position.holds(connection, self.sink, reached):
            return None
        is_emptied = self._had_rows and position.has_lost_rows(connection, self.sink)
        return None if is_emptied else reached.until_ms

    def _pass_markers(self, at: Mapping[TopicPartition, int | None]) -> None:
        """Move positions past what is no record: compacted away, or the end of a transaction."""
        ends = {place: offset for place, offset in at.items() if offset is not None and offset > self._held[place]}
        if ends:
            with self.pulse.asking(), database(), self.engine.begin() as connection:
                position.move(connection, self._moves(ends))
            self._held |= ends

    def _others_written(self, consumer: Any, mine: set[TopicPartition]) -> Mapping[Place, int] | None:
        """Where the partitions end that other processes of this sink read; None where these have not written all of it."""
        topics = [named(self.prefix, topic) for topic in self.sink.topics]
        every = {TopicPartition(topic, one) for topic in topics for one in consumer.partitions_for_topic(topic) or ()}
        others = every - mine
        if not others:
            return {}
        ends = self._watcher.log_ends(others)
        with self.pulse.asking(), database(), self.engine.connect() as connection:
            stored = position.read(connection, self.sink.topics)
        after = {self._place(one): ends[one] for one in others}
        is_written = all(place in stored and stored[place].next_offset >= end for place, end in after.items())
        return after if is_written else None


def record_of(one: Any, prefix: str, arrival: Arrival) -> Record:
    """What a consumer gave, as sinks take it."""
    topic = one.topic.removeprefix(prefix)
    stamp = one.timestamp
    return Record(topic, one.partition, one.offset, one.key, one.value, one.headers or (), stamp, arrival(stamp))


class _RecordFailed(Exception):
    """A record of the batch cannot be written: it is looked for."""


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python tells no types
    def __init__(self, runner: Runner, consumer: Any) -> None:
        self._runner, self._consumer = runner, consumer

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Nothing to do: what was written stands with its position."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Before anything of them is fetched."""
        self._runner.assigned(self._consumer, list(assigned))
