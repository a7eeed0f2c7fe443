"""Custody pauses duties and moves their limits (semantics.md 6.8)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handover.calendar import DAY
from handover.facts.fact import Fact


@dataclass(frozen=True, slots=True)
class Custody:
    """The times a person was detained, as known at an instant; the last may not have ended."""

    times: tuple[tuple[datetime, datetime | None], ...] = ()

    @property
    def detained(self) -> bool:
        """Whether a detention has not ended."""
        return bool(self.times) and self.times[-1][1] is None

    def covers(self, at: datetime) -> bool:
        """Whether an instant lies in custody: since <= at < release."""
        return any(since <= at and (end is None or at < end) for since, end in self.times)

    def touches(self, start: date, until: date) -> bool:
        """Whether one of the days start <= day < until is a day of custody (day of detention to day of release, both included)."""
        return any(since.date() < until and (end is None or start <= end.date()) for since, end in self.times)

    def days_added(self, day0: date, due_day: Callable[[int], date]) -> int:
        """Natural days that finished custodies add to a due day; `due_day(shift)` is the rolled due day with a shift."""
        shift, counted = 0, day0
        for since, end in self.times:
            if end is None or since.date() > due_day(shift):
                continue
            begins = max(since.date(), counted + DAY)
            if end.date() >= begins:
                shift += (end.date() - begins).days + 1
                counted = end.date()
        return shift

    def time_added(self, anchor_at: datetime, length: timedelta) -> timedelta:
        """Exact time that finished custodies add to an hour clock."""
        added = timedelta()
        for since, end in self.times:
            if end is not None and since < anchor_at + length + added and end > anchor_at:
                added += end - max(since, anchor_at)
        return added


FREE = Custody()


def custody_of(notices: Iterable[Fact], at: datetime) -> tuple[Custody, datetime | None]:
    """The custody known at `at`, and the next instant at which a notice's `since` is reached."""
    told = sorted(notices, key=lambda fact: (fact.instant("since"), *fact.order))
    if not told:
        return FREE, None
    times: list[tuple[datetime, datetime | None]] = []
    coming = None
    for notice in told:
        since = notice.instant("since")
        if since > at:
            coming = since
            break
        open_since = times[-1][0] if times and times[-1][1] is None else None
        if notice.data["status"] == "DETAINED" and open_since is None:
            times.append((since, None))
        elif notice.data["status"] == "RELEASED" and open_since is not None:
            times[-1] = (open_since, since)
    return Custody(tuple(times)), coming
