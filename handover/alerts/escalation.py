"""Who is told when: the steps an unanswered alert climbs (semantics.md 8)."""

from datetime import datetime
from functools import cache
from typing import Literal, NamedTuple

from handover.agencies import code_of, type_of
from handover.calendar import Calendar, Span, Term, due_day_of, end_of

LadderName = Literal["normal", "CRIT"]
_ABOVE_PRISON = {"PRISON", "DETENTION"}


class Ladder(NamedTuple):
    """The ladder in force: step k > `start` is reached at `base` plus (offset k - offset start)."""

    name: LadderName
    base: datetime
    start: int

    def reached_at(self, step: int, offsets: tuple[Span, ...], calendar: Calendar) -> datetime:
        """The instant of a step above `start` (8.1)."""
        target, origin = offsets[step], offsets[self.start]
        if target.is_exact:
            return self.base + target.length - origin.length
        return end_of(calendar.count(due_day_of(self.base), _between(origin, target)).day)

    def climbed(self, step: int, now: datetime, offsets: tuple[Span, ...], calendar: Calendar) -> int:
        """The highest step reached by `now`, never below `step`."""
        for following in range(max(step, self.start) + 1, len(offsets)):
            if self.reached_at(following, offsets, calendar) > now:
                break
            step = following
        return step

    def next_after(self, step: int, offsets: tuple[Span, ...], calendar: Calendar) -> datetime | None:
        """When the next step will be reached; None at the top."""
        following = max(step, self.start) + 1
        return self.reached_at(following, offsets, calendar) if following < len(offsets) else None


@cache
def _between(origin: Span, target: Span) -> Span:
    """From one step counted in days to a later one."""
    first, last = origin.terms[0], target.terms[0]
    return Span((Term(last.count - first.count, last.unit),))


def told_at(step: int, owner: str) -> str:
    """Who is told at a step: the office itself, its county (or prison administration), the city, the province (domain.md 4.8)."""
    code = code_of(owner)
    if step == 0 or not code:
        return owner
    if type_of(owner) in _ABOVE_PRISON:
        return owner if step == 1 else f"PRISON_ADMIN-{code[:2]}0000-01"
    if step == 1:
        return f"COUNTY_JUSTICE-{code[:6]}-01" if len(code) > 6 else owner
    return f"CITY_JUSTICE-{code[:4]}00-01" if step == 2 else f"PROVINCE_JUSTICE-{code[:2]}0000-01"
