"""Whether the pipeline keeps pace, whether publishers' clocks go right, and whether SQL equals the log."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import orjson
from sqlalchemy import select

from schemas.instants import instant
from schemas.parse import CLOCK_TOLERANCE
from schemas.payload import PIPELINE
from sinks.monitors.metrics.reading import Around, Reading
from sinks.readmodel.position import open_gaps
from sinks.readmodel.tables import dead_letter

SECOND_MS = 1_000


def pipeline_lag(around: Around) -> Iterator[Reading]:
    """A consumer group's first unread record is too old, or a message was dated in the future and still waits."""
    limit = around.rule.thresholds["above_seconds"]
    for lag in around.lags:
        since = around.until
        if lag.oldest_ms is not None:
            since = min(since, around.arrival(round(lag.oldest_ms + limit * SECOND_MS)))
        yield Reading(PIPELINE, "PIPELINE_LAG", lag.seconds > limit, round(lag.seconds, 1), limit, since, key=lag.group)
    ahead = list(_ahead(around))
    if ahead:
        since = min(received for _, received in ahead)
        most = max(seconds for seconds, _ in ahead)
        yield Reading(PIPELINE, "CLOCK_SKEW", most > limit, most, limit, since, key="clock", moves=True)


def read_model_gaps(around: Around) -> Iterator[Reading]:
    """What SQL shows of a topic does not equal the log, until the read model is rebuilt."""
    limit = around.rule.thresholds["above"]
    gaps = open_gaps(around.connection)
    for topic, count in sorted(Counter(one.topic for one in gaps).items()):
        yield Reading(PIPELINE, "READ_MODEL_GAPS", count > limit, count, limit, around.until, key=topic)


def _ahead(around: Around) -> Iterator[tuple[float, datetime]]:
    """By how much each waiting message was dated ahead of its arrival, and when it came."""
    wanted = select(dead_letter.c.value, dead_letter.c.received_at).where(
        dead_letter.c.state == "pending", dead_letter.c.reason == "CLOCK_AHEAD"
    )
    for value, received in around.connection.execute(wanted):
        yield max(_seconds_ahead(value, received), CLOCK_TOLERANCE.total_seconds()), received


def _seconds_ahead(value: bytes | None, received: datetime) -> float:
    """By the envelope's own time; a message in binary mode does not tell it here: then it is what made it a dead letter."""
    try:
        told = orjson.loads(value or b"")["time"]
        return (instant(told) - received).total_seconds()
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return 0.0
