"""What this worker runs with, and whether it may join the workers that run already."""

import hashlib
import json
import time
from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from brokers.clients import open_admin
from brokers.connection import KafkaConnection
from brokers.progress_topic import open_topic
from handover.calendar import Calendar
from handover.rules.rulebook import RuleBook
from schemas.progress import Setup
from streams.clock import Clock

_AGAIN_SECONDS = 0.5


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
    with open_admin(kafka) as admin:
        return str(admin.describe_cluster()["cluster_id"])


def refuse_different(kafka: KafkaConnection, prefix: str, own: Setup, patience_seconds: float) -> None:
    """Return when no worker with another setup runs. Raise DifferentSetup, KafkaError.

    What a dead worker has left differs too, so a difference counts only once its worker has written again within
    `patience_seconds` (every worker writes each second).
    """
    with open_topic(kafka, prefix) as topic:
        topic.read()
        if not any(one.progress.setup.differences(own) for one in topic.newest.values()):
            return
        until = time.monotonic() + patience_seconds
        while time.monotonic() < until:
            for report in topic.read():
                if differences := report.progress.setup.differences(own):
                    raise DifferentSetup(differences)
            time.sleep(_AGAIN_SECONDS)
