"""When the feeds of agencies were down (semantics.md 9.3): known for every instant, however many there were."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handover.agencies import Successors
from handover.facts.fact import agency_of


@dataclass(slots=True)
class Downtime:
    """The system alerts of one source: since when each fires, and from when to when the others have held (`settle` included)."""

    firing: dict[str, datetime] = field(default_factory=dict)
    begins: list[datetime] = field(default_factory=list)  # of those that ended, in order
    ends: list[datetime] = field(default_factory=list)  # beside their beginnings
    latest: list[datetime] = field(default_factory=list)  # the latest end up to each
    moves: list[datetime] = field(default_factory=list)  # the instants at which one begins or ceases to hold, in order

    def began(self, alert: str, at: datetime) -> None:
        """An alert holds from `at` on."""
        self.firing[alert] = at
        insort(self.moves, at)

    def ended(self, alert: str, end: datetime) -> None:
        """An alert that began holds until just before `end`."""
        begin = self.firing.pop(alert)
        insort(self.moves, end)
        place = bisect_right(self.begins, begin)
        self.begins.insert(place, begin)
        self.ends.insert(place, end)
        del self.latest[place:]
        for one in self.ends[place:]:
            self.latest.append(max(one, self.latest[-1]) if self.latest else one)

    def is_down(self, now: datetime) -> bool:
        """Whether one of them holds."""
        before = bisect_right(self.begins, now)
        return (before > 0 and now < self.latest[before - 1]) or any(since <= now for since in self.firing.values())


class Downtimes:
    """All sources. What has been asked for an instant stays true when alerts of later instants come."""

    def __init__(self, settle: timedelta) -> None:
        """`settle`: how long a feed that is back still counts as down."""
        self._settle = settle
        self._sources: dict[str, Downtime] = {}
        self._of_agency: dict[str, list[Downtime]] = {}
        self._moves: list[datetime] = []  # the instants at which a feed goes down or comes back, in order

    def note(self, source: str, alert: str, at: datetime, *, firing: bool) -> None:
        """A system alert of a source began or stopped firing."""
        known = self._sources.get(source)
        if known is None:
            known = self._sources[source] = Downtime()
            self._of_agency.setdefault(agency_of(source), []).append(known)
        if firing is (alert in known.firing):
            return
        move = at if firing else at + self._settle
        if firing:
            known.began(alert, move)
        else:
            known.ended(alert, move)
        insort(self._moves, move)

    def is_down(self, agency: str, now: datetime, successors: Successors) -> bool:
        """Whether a system alert of one of the agency's sources fires, or ended less than `settle` ago."""
        return any(one.is_down(now) for one in self._of(agency, successors))

    def _of(self, agency: str, successors: Successors) -> Iterable[Downtime]:
        if not successors.into:
            return self._of_agency.get(agency, ())
        return [one for name, found in self._of_agency.items() if successors.agency(name) == agency for one in found]

    def next_move(self, after: datetime) -> datetime | None:
        """The first instant after `after` at which a feed goes down or comes back."""
        return _next(self._moves, after)

    def next_move_of(self, agencies: Collection[str], after: datetime, successors: Successors) -> datetime | None:
        """The same of the feeds of some agencies."""
        found = (_next(one.moves, after) for agency in agencies for one in self._of(agency, successors))
        return min((at for at in found if at is not None), default=None)

    def moved(self, after: datetime, before: datetime) -> list[str]:
        """The agencies of which a feed went down or came back at an instant t with `after` <= t < `before`."""
        if not _within(self._moves, after, before):
            return []
        return [
            name for name, found in self._of_agency.items() if any(_within(one.moves, after, before) for one in found)
        ]


def _within(moves: Sequence[datetime], after: datetime, before: datetime) -> bool:
    return bisect_left(moves, after) < bisect_left(moves, before)


def _next(moves: Sequence[datetime], after: datetime) -> datetime | None:
    place = bisect_right(moves, after)
    return moves[place] if place < len(moves) else None
