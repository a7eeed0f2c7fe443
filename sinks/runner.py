"""The one loop of all sinks: read, write in one transaction, then commit."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from sqlalchemy import Engine

from schemas.topics import named
from sinks import metrics
from sinks.header_names import read_any_header_name
from sinks.outage import DATABASE, KAFKA, Outage, database
from sinks.sink import Record, Sink, SinkUnavailable

log = logging.getLogger(__name__)

BATCH = 2_000
POLL_MS = 500
SURVEY_SECONDS = 1.0  # how often the ends of the partitions are asked for
ANSWER_MS = 5_000  # how long the broker may take to tell them
REPLICATION_MS = 1_000  # a record may be this old before it can be read
Arrival = Callable[[int], datetime]


class Runner:
    """Runs one sink until it is told to stop. `read_until_ms`: everything appended before (broker time) has been written."""

    def __init__(self, sink: Sink, engine: Engine, brokers: str, prefix: str, arrival: Arrival) -> None:
        self.sink, self.engine, self.prefix, self.arrival = sink, engine, prefix, arrival
        self.brokers = brokers
        self.read_until_ms: int | None = None
        self.behind = 0  # records not yet read
        self._last: dict[TopicPartition, int] = {}
        self._outage = Outage(sink.name)
        self._group = f"{prefix}reentry-sink-{sink.name}"
        self._lagging: set[TopicPartition] = set()

    def run(self, stop: threading.Event) -> None:
        """Read, write, commit; while Kafka or the database is away, say so once and wait."""
        while not stop.is_set():
            try:
                consumer = self._consumer()
            except KafkaError as error:
                self._outage.wait(KAFKA, error, stop)
                continue
            try:
                self._loop(consumer, stop)
            finally:
                consumer.close(timeout_ms=2000)

    def _consumer(self) -> Any:
        read_any_header_name()
        consumer = KafkaConsumer(
            bootstrap_servers=self.brokers.split(","),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=BATCH,
            max_poll_interval_ms=3_600_000,  # a batch may wait for its database
            session_timeout_ms=10_000,
            metadata_max_age_ms=10_000,
            bootstrap_timeout_ms=5_000,
            reconnect_backoff_max_ms=2_000,
        )
        consumer.subscribe([named(self.prefix, topic) for topic in self.sink.topics])
        return consumer

    def _loop(self, consumer: Any, stop: threading.Event) -> None:
        surveyed = 0.0
        while not stop.is_set():
            try:
                polled = consumer.poll(timeout_ms=POLL_MS)
            except KafkaError as error:
                self._outage.wait(KAFKA, error, stop)
                continue
            batch = [self._record(one) for records in polled.values() for one in records]
            if batch and not self._write(batch, stop):
                return
            for place, records in polled.items():
                self._last[place] = records[-1].timestamp
            if batch:
                self._commit(consumer)
            if time.monotonic() - surveyed > SURVEY_SECONDS:
                self._survey(consumer, stop)
                surveyed = time.monotonic()

    def _record(self, one: Any) -> Record:
        return Record(
            one.topic.removeprefix(self.prefix),
            one.partition,
            one.offset,
            one.key,
            one.value,
            one.headers or (),
            one.timestamp,
            self.arrival(one.timestamp),
        )

    def _write(self, batch: Sequence[Record], stop: threading.Event) -> bool:
        """Write until it is written. False: told to stop before."""
        while not stop.is_set():
            try:
                invalid = self._transaction(batch)
            except SinkUnavailable as error:
                self._outage.wait(DATABASE, error, stop)
                continue
            self._outage.over(DATABASE)
            metrics.RECORDS.labels(self.sink.name, "written").inc(len(batch) - len(invalid))
            for record in invalid:
                log.error(
                    "%s: %s[%d]@%d cannot be read, passed over",
                    self.sink.name,
                    record.topic,
                    record.partition,
                    record.offset,
                )
                metrics.RECORDS.labels(self.sink.name, "invalid").inc()
            return True
        return False

    def _transaction(self, batch: Sequence[Record]) -> Sequence[Record]:
        with database(), self.engine.begin() as connection:
            return self.sink.write(connection, batch)

    def _commit(self, consumer: Any) -> None:
        try:
            consumer.commit()
        except KafkaError as error:  # after a rebalance: somebody reads it again, and writes the same
            log.info("%s: not committed (%s)", self.sink.name, type(error).__name__)

    def _survey(self, consumer: Any, stop: threading.Event) -> None:
        """Ask where the partitions end: how far behind we are, and before which instant everything has been written."""
        places = sorted(consumer.assignment())
        asked = round(time.time() * 1000) - REPLICATION_MS
        try:
            ends = consumer.end_offsets(places, timeout_ms=ANSWER_MS) if places else {}
            at = {place: consumer.position(place, timeout_ms=ANSWER_MS) for place in places}
        except KafkaError as error:
            self._outage.wait(KAFKA, error, stop)
            return
        lags = {place: max(0, ends[place] - (at[place] or 0)) for place in places}
        self._show(lags)
        self.behind = sum(lags.values())
        if not places:
            self.read_until_ms = None
            return
        self._outage.over(KAFKA)
        known = [asked if not lag else self._last.get(place) for place, lag in lags.items()]
        written = None not in known and self._others_written(consumer, set(places))
        self.read_until_ms = min(at for at in known if at is not None) if written else None

    def _others_written(self, consumer: Any, mine: set[TopicPartition]) -> bool:
        """Whether what is read by other processes of this sink has been written too."""
        topics = [named(self.prefix, topic) for topic in self.sink.topics]
        every = {TopicPartition(topic, one) for topic in topics for one in consumer.partitions_for_topic(topic) or ()}
        others = sorted(every - mine)
        try:
            ends = consumer.end_offsets(others, timeout_ms=ANSWER_MS) if others else {}
            return all((consumer.committed(place) or 0) >= end for place, end in ends.items())
        except KafkaError:
            return False

    def _show(self, lags: dict[TopicPartition, int]) -> None:
        for place in self._lagging - lags.keys():  # another process tells it now
            metrics.LAG.remove(self._group, place.topic, str(place.partition))
        self._lagging = set(lags)
        for place, lag in lags.items():
            metrics.LAG.labels(self._group, place.topic, str(place.partition)).set(lag)
