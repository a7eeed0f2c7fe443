"""What the workers report on their topic: how far each partition is processed, and what its worker runs with."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from brokers.clients import open_consumer
from brokers.connection import KafkaConnection
from brokers.offsets import await_offsets, read_ends
from schemas import progress
from schemas.progress import Progress
from schemas.topics import PROGRESS, named

log = logging.getLogger(__name__)
LEADER_SECONDS = 10.0  # how long the topic may be without a leader
_POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Report:
    """The progress of one partition, and when the broker took it (ms)."""

    progress: Progress
    written_ms: int


class ProgressTopic:
    """Reads the topic from its beginning, and what is written while it is followed. `newest`: the last report of each partition."""

    def __init__(self, client: Any, prefix: str) -> None:
        """`client`: a consumer without a group, which this takes over. A topic that is not made yet holds no report."""
        self._client, self._place = client, TopicPartition(named(prefix, PROGRESS), 0)
        self.newest: dict[int, Report] = {}
        self._is_there = bool(client.partitions_for_topic(self._place.topic))
        if self._is_there:
            client.assign([self._place])
            client.seek_to_beginning(self._place)

    def read(self) -> list[Report]:
        """What has come since the last time, up to where the topic ends now. Raise KafkaError."""
        if not self._is_there:
            return []
        end, fresh = await_offsets(read_ends, self._client, [self._place], LEADER_SECONDS)[self._place], list[Report]()
        while self._client.position(self._place) < end:
            for records in self._client.poll(timeout_ms=_POLL_MS).values():
                fresh += [report for record in records if (report := _read_report(record)) is not None]
        self.newest |= {one.progress.partition: one for one in fresh}
        return fresh


def _read_report(record: Any) -> Report | None:
    try:
        return Report(progress.read(record.value), record.timestamp)
    except ValueError:
        where = {"topic": record.topic, "offset": record.offset}
        log.info("no worker wrote this, passed over", extra=where)
        return None


@contextmanager
def open_topic(kafka: KafkaConnection, prefix: str) -> Iterator[ProgressTopic]:
    """The topic, on a client of its own. Raise KafkaError."""
    with open_consumer(kafka) as client:
        yield ProgressTopic(client, prefix)


def read_newest(kafka: KafkaConnection, prefix: str) -> Mapping[int, Report]:
    """The newest report of each partition, as it stands now. Raise KafkaError."""
    with open_topic(kafka, prefix) as topic:
        topic.read()
        return topic.newest


def find_watermark(newest: Mapping[int, Report], partitions: int) -> datetime | None:
    """The least watermark of `partitions` partitions; None where one of them has never been reported."""
    reports = [newest.get(number) for number in range(partitions)]
    return None if None in reports else min(one.progress.processed_until for one in reports if one is not None)
