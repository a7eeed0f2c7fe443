"""How far the workers have processed the log, as they say themselves on their topic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.output import warn
from schemas.topics import PROGRESS, named

if TYPE_CHECKING:
    from cli.settings import Settings
    from schemas.progress import Progress

SILENT_SECONDS = 15.0  # a worker writes each second; after such a silence none runs
_POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Report:
    """The newest progress of one partition and when the broker took it (ms)."""

    progress: Progress
    written_ms: int


class ProgressTopic:
    """Reads the topic from its beginning, and what is written while it is followed."""

    def __init__(self, client: Any, settings: Settings) -> None:
        """`client`: a consumer without a group, which this takes over."""
        from kafka import TopicPartition

        self._client, self._partitions = client, settings.partitions
        self._place = TopicPartition(named(settings.topic_prefix, PROGRESS), 0)
        self.newest: dict[int, Report] = {}
        self._is_there = bool(client.partitions_for_topic(self._place.topic))
        if self._is_there:
            client.assign([self._place])
            client.seek_to_beginning(self._place)

    def read(self) -> bool:
        """Read what stands there now; say whether anything new came."""
        if not self._is_there:
            return False
        end = self._client.end_offsets([self._place])[self._place]
        came = False
        while self._client.position(self._place) < end:
            for records in self._client.poll(timeout_ms=_POLL_MS).values():
                came = self._take(records) or came
        return came

    def _take(self, records: list[Any]) -> bool:
        from schemas.progress import read

        for record in records:
            try:
                one = read(record.value)
            except ValueError:
                continue  # no worker wrote it
            if one.partition < self._partitions:
                self.newest[one.partition] = Report(one, record.timestamp)
        return bool(records)

    @property
    def processed_until(self) -> datetime | None:
        """The least watermark of all partitions; None while one of them has never been reported."""
        return least_watermark(self.newest, self._partitions)


def least_watermark(newest: Mapping[int, Report], partitions: int) -> datetime | None:
    """The least watermark of `partitions` partitions; None where one of them has never been reported."""
    if len(newest) < partitions:
        return None
    return min(report.progress.processed_until for report in newest.values())


def await_watermark(client: Any, settings: Settings, until: datetime) -> datetime | None:
    """Wait until the workers have processed `until`, as long as they come nearer; return how far they have come.

    None: not all partitions have ever been reported.
    """
    topic = ProgressTopic(client, settings)
    moved, told = time.monotonic(), False
    before: datetime | None = None
    while True:
        topic.read()
        reached = topic.processed_until
        if reached != before:
            before, moved = reached, time.monotonic()
        if reached is not None and reached > until:
            return reached
        if not topic.newest or time.monotonic() - moved > SILENT_SECONDS:
            return reached
        if not told:
            warn("the workers have not come so far yet; waiting for them")
            told = True
        time.sleep(_POLL_MS / 1000)
