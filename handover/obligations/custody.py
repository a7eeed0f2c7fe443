"""Custody pauses obligations and moves their limits (semantics.md 6.8)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

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


class Detention(NamedTuple):
    """One detention of a person: since <= t < end. `opened_at`: when the handover was opened whose release ended it, if one did."""

    since: datetime
    end: datetime | None = None
    opened_at: datetime | None = None

    @property
    def overtakes(self) -> bool:
        """Whether the person came out of a later sentence: handovers from before the detention stay paused (6.8)."""
        return self.opened_at is not None and self.opened_at >= self.since


def detentions_of(
    notices: Iterable[Fact], released: Mapping[datetime, datetime], at: datetime
) -> tuple[tuple[Detention, ...], datetime | None]:
    """The detentions known at `at`, in order, and the next instant at which a notice's `since` is reached.

    `released`: instants at which the person left a prison, each with when the handover was opened that this belongs to.
    """
    told = sorted(notices, key=lambda fact: (fact.instant("since"), *fact.order))
    if not told:
        return (), None
    found: list[Detention] = []
    coming = next((since for fact in told if (since := fact.instant("since")) > at), None)
    leaving = sorted(released)
    for notice in told:
        since = notice.instant("since")
        if since > at:
            break
        if found:
            found[-1] = _left(found[-1], leaving, released, since)
        is_open = bool(found) and found[-1].end is None
        if notice.data["status"] == "DETAINED" and not is_open:
            found.append(Detention(since))
        elif notice.data["status"] == "RELEASED" and is_open:
            found[-1] = found[-1]._replace(end=since)
    if found:
        found[-1] = _left(found[-1], leaving, released, None)
    return tuple(found), coming


def _left(
    detention: Detention, leaving: Iterable[datetime], released: Mapping[datetime, datetime], until: datetime | None
) -> Detention:
    """An open detention, ended by the first release after its begin and not after `until`."""
    if detention.end is not None:
        return detention
    end = next((one for one in leaving if one > detention.since and (until is None or one <= until)), None)
    return detention if end is None else detention._replace(end=end, opened_at=released[end])


def custody_of(detentions: Iterable[Detention], opened_at: datetime) -> Custody:
    """The custody that a handover opened at an instant knows: it touches none that was opened during it or later."""
    times: list[tuple[datetime, datetime | None]] = []
    for one in detentions:
        if one.since <= opened_at:
            continue
        times.append((one.since, None if one.overtakes else one.end))
        if one.overtakes:
            break
    return Custody(tuple(times)) if times else FREE
