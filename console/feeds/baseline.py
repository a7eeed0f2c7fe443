"""How a feed beats: what is usual for it, the last 24 hours, numbers that are missing, day by day what came."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select

from handover.calendar import DAY
from schemas.instants import in_china
from sinks.readmodel.dialect import day_of, hour_of, read_hour, seconds_between
from sinks.readmodel.tables import event, publisher, verdict

HOURS = 24
LEAST = 20  # of fewer nothing usual is known
_SAMPLE = 1_000  # latest events that are learned from
_KEPT_SECONDS = 60.0
_GAP_SHARE, _LAG_SHARE = 0.99, 0.95
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual for a feed, learned from its latest events; None where they are too few. And what is missing."""

    gap: timedelta | None  # 99 of 100 gaps between two minutes with events are not longer
    lag: timedelta | None  # 95 of 100 events arrive not later after they happened
    numbers: Sequence["SequenceNumbers"]  # by topic


@dataclass(frozen=True, slots=True)
class SequenceNumbers:
    """The `sequence` of a feed on one topic: the last one, and the ranges that are missing among the latest."""

    topic: str
    last: int
    missing: Sequence[tuple[int, int]]

    @property
    def count(self) -> int:
        """How many are missing."""
        return sum(last - first + 1 for first, last in self.missing)


@dataclass(frozen=True, slots=True)
class FeedDay:
    """What came from a feed on one local day of arrival, and what its manifest of that day lacked."""

    day: date
    n: int
    lag: timedelta | None  # 95 of 100 arrived not later after they happened
    gap: timedelta | None  # the longest one that ended on this day
    missing: int | None  # None: no manifest was judged


class BaselineCache:
    """What was learned of each feed, a minute old at most: it changes slowly, and every feed is a query."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Baseline]] = {}

    def of(self, connection: Connection, sources: Iterable[str]) -> Mapping[str, Baseline]:
        """The habit of each of these feeds."""
        now, found = time.monotonic(), {}
        for source in sources:
            with self._lock:
                at, habit = self._kept.get(source, (0.0, None))
            if habit is None or now - at > _KEPT_SECONDS:
                habit = learn(connection, source)
                with self._lock:
                    self._kept[source] = (now, habit)
            found[source] = habit
        return found


def learn(connection: Connection, source: str) -> Baseline:
    """What the latest events of a feed teach. Its first day, when a publisher hands over what it has, is no measure."""
    mine = event.c.source == source
    first = connection.execute(select(event.c.arrival).where(mine).order_by(event.c.arrival).limit(1)).scalar()
    if first is None:
        return Baseline(None, None, ())
    latest = select(event.c.arrival, event.c.time).where(mine, event.c.arrival > first + DAY)
    rows = connection.execute(latest.order_by(event.c.arrival.desc()).limit(_SAMPLE)).all()
    minutes = sorted({row.arrival.replace(second=0, microsecond=0) for row in rows})
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    lags = [max(row.arrival - row.time, timedelta(0)) for row in rows]
    return Baseline(
        _find_quantile(gaps, _GAP_SHARE), _find_quantile(lags, _LAG_SHARE), read_numbers(connection, source)
    )


def _find_quantile(lengths: Sequence[timedelta], share: float) -> timedelta | None:
    """The smallest length that is not exceeded by this share of them."""
    if len(lengths) < LEAST:
        return None
    return sorted(lengths)[min(len(lengths) - 1, int(share * len(lengths)))]


def read_numbers(connection: Connection, source: str) -> list[SequenceNumbers]:
    """For each topic that the feed numbers: the last number, and what is missing among the latest thousand."""
    numbered = (publisher.c.source == source) & publisher.c.last_sequence.is_not(None)
    found = []
    for topic in connection.execute(select(publisher.c.topic).where(numbered).order_by(publisher.c.topic)).scalars():
        latest = select(event.c.sequence).where(
            event.c.source == source, event.c.topic == topic, event.c.sequence.is_not(None)
        )
        known = sorted(set(connection.execute(latest.order_by(event.c.sequence.desc()).limit(_SAMPLE)).scalars()))
        missing = [(one + 1, two - 1) for one, two in pairwise(known) if two - one > 1]
        found.append(SequenceNumbers(topic, known[-1], missing))
    return found


def count_hours(connection: Connection, sources: Sequence[str], now: datetime) -> Mapping[str, list[int]]:
    """How many events came in each of the last 24 hours of the clock, the present one last."""
    hour = hour_of(connection, event.c.arrival)
    first = in_china(now).replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    wanted = (
        select(event.c.source, hour.label("hour"), func.count().label("n"))
        .where(event.c.source.in_(sources), event.c.arrival >= first, event.c.arrival <= now)
        .group_by(event.c.source, hour)
    )
    found: dict[str, list[int]] = {source: [0] * HOURS for source in sources}
    for row in connection.execute(wanted):
        found[row.source][(read_hour(row.hour) - first) // HOUR] += row.n
    return found


def read_days(connection: Connection, source: str, now: datetime, count: int) -> list[FeedDay]:
    """The last days of a feed, the newest last; days on which nothing came are there too."""
    today = in_china(now).date()
    first = in_china(now).replace(hour=0, minute=0, second=0, microsecond=0) - (count - 1) * DAY
    came = {row.day: row for row in connection.execute(_select_days(connection, source, first, now))}
    missing = {
        row.day: sum(row.missing.values())
        for row in connection.execute(
            select(verdict.c.day, verdict.c.missing).where(
                verdict.c.source == source, verdict.c.day >= first.date().isoformat()
            )
        )
    }
    found = []
    for day in (today - (count - 1 - number) * DAY for number in range(count)):
        row, name = came.get(day.isoformat()), day.isoformat()
        found.append(
            FeedDay(
                day,
                row.n if row else 0,
                _to_length(row.lag) if row else None,
                _to_length(row.gap) if row else None,
                missing.get(name),
            )
        )
    return found


def _select_days(connection: Connection, source: str, first: datetime, now: datetime) -> Any:
    day = day_of(connection, event.c.arrival)
    lag = seconds_between(connection, event.c.time, event.c.arrival)
    before = func.lag(event.c.arrival).over(order_by=event.c.arrival)
    single = (
        select(
            day.label("day"),
            lag.label("lag"),
            func.cume_dist().over(partition_by=day, order_by=lag).label("share"),
            seconds_between(connection, before, event.c.arrival).label("gap"),
        )
        .where(event.c.source == source, event.c.arrival >= first, event.c.arrival <= now)
        .subquery()
    )
    longest = func.min(single.c.lag).filter(single.c.share >= _LAG_SHARE)
    return select(
        single.c.day, func.count().label("n"), longest.label("lag"), func.max(single.c.gap).label("gap")
    ).group_by(single.c.day)


def _to_length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=max(0, round(seconds)))
