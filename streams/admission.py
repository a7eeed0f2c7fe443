"""What this worker runs with, and whether it may join the workers that run already."""

import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterator
from importlib.metadata import version
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from brokers.connection import KafkaConnection
from handover.calendar import Calendar
from handover.rules.rulebook import RuleBook
from schemas import progress
from schemas.progress import Setup
from schemas.topics import PROGRESS, named
from streams.clock import Clock

log = logging.getLogger(__name__)
_POLL_MS = 500


class DifferentSetup(RuntimeError):
    """Another worker of this pipeline runs with something else: two of them would raise alerts by different rules."""

    def __init__(self, differences: list[str]) -> None:
        super().__init__(
            f"another worker of this pipeline runs with {'; '.join(differences)}: start all with the same settings and "
            "release, or stop the others first"
        )


def describe(
    book: RuleBook, calendar: Calendar, clock: Clock, partitions: int, publishers: Collection[str] | None
) -> Setup:
    """The setup of a worker, whose cluster is not yet known. `publishers`: the register; None: there is none."""
    years = {
        str(number): [sorted(map(str, year.holidays)), sorted(map(str, year.workdays))]
        for number, year in calendar.years.items()
    }
    segments = [[one.log_start, one.time_start, one.rate] for one in clock.segments]
    return Setup(
        book=book.book,
        book_digest=_digest(book.raw),
        calendar_digest=_digest(years),
        clock_digest=_digest(segments),
        partitions=partitions,
        version=".".join(version("reentry-handover").split(".")[:2]),
        cluster="",
        publishers_digest=_digest(None if publishers is None else sorted(publishers)),
    )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cluster_of(kafka: KafkaConnection) -> str:
    """The id of the Kafka cluster. Raise KafkaError."""
    admin = KafkaAdminClient(**kafka.client())
    try:
        return str(admin.describe_cluster()["cluster_id"])
    finally:
        admin.close()


def refuse_different(kafka: KafkaConnection, prefix: str, own: Setup, patience_seconds: float) -> None:
    """Return when no worker with another setup runs. Raise DifferentSetup, KafkaError.

    What a dead worker has left differs too, so a difference counts only once its worker has written again within
    `patience_seconds` (every worker writes each second).
    """
    consumer = KafkaConsumer(**kafka.reader(), group_id=None)
    try:
        place = TopicPartition(named(prefix, PROGRESS), 0)
        if not consumer.partitions_for_topic(place.topic):
            return  # the topics are not made yet: the worker says so itself
        if not any(one.setup.differences(own) for one in _newest(consumer, place).values()):
            return
        until = time.monotonic() + patience_seconds
        while time.monotonic() < until:
            for one in _read(consumer):
                if differences := one.setup.differences(own):
                    raise DifferentSetup(differences)
    finally:
        consumer.close(timeout_ms=2000)


def newest_reports(kafka: KafkaConnection, prefix: str) -> dict[int, progress.Progress]:
    """The newest report of each partition, as it stands now. Raise KafkaError."""
    consumer = KafkaConsumer(**kafka.reader(), group_id=None)
    try:
        place = TopicPartition(named(prefix, PROGRESS), 0)
        if not consumer.partitions_for_topic(place.topic):
            return {}
        return _newest(consumer, place)
    finally:
        consumer.close(timeout_ms=2000)


def _newest(consumer: Any, place: TopicPartition) -> dict[int, progress.Progress]:
    """The newest report of each partition; the consumer stands behind them."""
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end = consumer.end_offsets([place])[place]
    newest: dict[int, progress.Progress] = {}
    while consumer.position(place) < end:
        for one in _read(consumer):
            newest[one.partition] = one
    return newest


def _read(consumer: Any) -> Iterator[progress.Progress]:
    for records in consumer.poll(timeout_ms=_POLL_MS).values():
        for record in records:
            try:
                yield progress.read(record.value)
            except ValueError:
                log.warning("%s@%d: passed over, no worker wrote this", record.topic, record.offset)
