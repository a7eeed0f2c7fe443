"""Waiting for the workers: how far they have processed the log, as they say themselves on their topic."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.output import warn

if TYPE_CHECKING:
    from cli.settings import Settings

SILENT_SECONDS = 15.0  # a worker writes each second; after such a silence none runs
_AGAIN_SECONDS = 0.5


def await_watermark(client: Any, settings: Settings, until: datetime) -> datetime | None:
    """Wait until the workers have processed `until`, as long as they come nearer; return how far they have come.

    `client`: a consumer without a group, which this takes over. None: not all partitions have ever been reported.
    """
    from brokers.progress_topic import ProgressTopic, find_watermark

    topic = ProgressTopic(client, settings.topic_prefix)
    moved_at, has_warned = time.monotonic(), False
    before: datetime | None = None
    while True:
        topic.read()
        reached = find_watermark(topic.newest, settings.partitions)
        if reached != before:
            before, moved_at = reached, time.monotonic()
        if reached is not None and reached > until:
            return reached
        if not topic.newest or time.monotonic() - moved_at > SILENT_SECONDS:
            return reached
        if not has_warned:
            warn("the workers have not come so far yet; waiting for them")
            has_warned = True
        time.sleep(_AGAIN_SECONDS)
