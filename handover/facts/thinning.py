"""Location checks thin out as they arrive, so that a case has a bound whatever the rate (docs/adr/0017, semantics.md 11).

What stands between two IN_AREA checks less than `apart` from each other is in no run that a rule can see, and what comes there
later is neither. So only some of them need to stay, as marks: what was found and when, without the event's id.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from handover.facts.fact import Fact, sign_instant
from schemas.instants import from_millis, millis, show

CHECK = "checkin.location_checked"
WHOLE = 24  # the latest checks stay as they were told: most of what comes late comes among them
MANY = 2 * WHOLE  # facts; a shorter case has nothing worth thinning
_MARK, _TAIL = "~", 6  # how the id of a mark begins; characters of its subject in it
_IN, _OUT = "IN_AREA", "OUT_OF_AREA"


class Limits(NamedTuple):
    """How close checks must be for what is between them to be in no run that a rule sees: IN_AREA checks, and signs of life."""

    apart: timedelta
    signs: timedelta


class Row(NamedTuple):
    """Marks of one source and result: per mark its instant (the first absolute, then the steps), time - instant, arrival - time, in ms."""

    subject: str
    source: str
    result: str
    handoverid: str | None
    steps: list[int]


# --- what may be forgotten


def thin(
    checks: Iterable[Fact], pinned: Collection[str], settled: datetime | None, stale: datetime | None, limits: Limits
) -> list[Fact]:
    """What stays of the standing checks of one handover: pinned and late ones as they are, the others as marks.

    `pinned`: ids of those that must stay. `settled`: what arrived until then is never lived again in another order.
    `stale`: no check of before can come any more.
    """
    ordered = sorted(checks, key=_as_judged)
    latest = {fact.id for fact in ordered[-WHOLE:]} | set(pinned)
    others = [sign_instant(fact) for fact in ordered if fact.data["result"] != _IN]
    line = _Line(latest, settled, stale, limits.signs, others)
    inside = line.thin([fact for fact in ordered if fact.data["result"] == _IN], limits.apart)
    outside = [fact for fact in ordered if fact.data["result"] == _OUT]
    left = list(_runs(line.between(outside, inside, limits.apart), inside))
    outside = [fact for run in left for fact in _thin_run(line, run, limits.apart)]
    signs = sorted([*inside, *outside], key=_as_judged)
    failed = [fact for fact in ordered if fact.data["result"] not in (_IN, _OUT)]
    lost = list(_runs(line.between(failed, signs, limits.signs), signs))
    failed = [fact for run in lost for fact in line.thin(run, limits.apart)]
    latest.update(run[0].id for run in (*left, *lost))  # an alert names what opens its run
    return [fact if fact.id in latest else _settle(marked(fact), settled) for fact in (*signs, *failed)]


def _settle(mark: Fact, settled: datetime | None) -> Fact:
    """When it came does not matter any more, and is shorter to write where it is the instant of its telling."""
    return mark._replace(arrival=mark.time) if settled and mark.time < mark.arrival <= settled else mark


class _Line(NamedTuple):
    """Which checks must stay, whatever is around them."""

    pinned: Collection[str]
    settled: datetime | None
    stale: datetime | None
    signs: timedelta
    others: Sequence[datetime]  # the instants of checks that are not IN_AREA

    def is_close(self, kept: Fact, fact: Fact, after: Fact, limit: timedelta) -> bool:
        """Whether what stands around a check is close. Where nothing can come between any more, that is less narrow."""
        left, right = sign_instant(kept), sign_instant(after)
        if right - left < limit:
            return True
        if self.stale is None or after.time >= self.stale or right - left >= self.signs:
            return False
        return fact.data["result"] != _IN or bisect_left(self.others, left) == bisect_right(self.others, right)

    def may_go(self, fact: Fact, before: Fact) -> bool:
        """Whether a check may be forgotten beside an earlier one that stays: whenever it was known, that one was known too."""
        in_order = before.arrival <= fact.arrival or (self.settled is not None and fact.arrival <= self.settled)
        return in_order and fact.id not in self.pinned

    def thin(self, facts: Sequence[Fact], limit: timedelta) -> list[Fact]:
        """Keep the first and the last, and between them so many that neighbours closer than `limit` stay closer."""
        kept = list(facts[:1])
        for fact, after in pairwise(facts[1:]):
            if not (self.is_close(kept[-1], fact, after, limit) and self.may_go(fact, kept[-1])):
                kept.append(fact)
        return [*kept, *facts[1:][-1:]]

    def between(self, facts: Sequence[Fact], others: Sequence[Fact], limit: timedelta) -> list[Fact]:
        """Without those that stand between two others closer than `limit`."""
        found, instants = [], [sign_instant(other) for other in others]
        for fact in facts:
            at = sign_instant(fact)
            left, right = bisect_left(instants, at) - 1, bisect_right(instants, at)
            is_close = left >= 0 and right < len(instants) and instants[right] - instants[left] < limit
            if not (is_close and right == left + 1 and self.may_go(fact, others[left])):
                found.append(fact)
        return found


def _thin_run(line: _Line, run: Sequence[Fact], apart: timedelta) -> list[Fact]:
    """The first check of a run and the one that decides it stay."""
    begins = sign_instant(run[0])
    second = next((number for number, fact in enumerate(run) if sign_instant(fact) >= begins + apart), len(run) - 1)
    return [*line.thin(run[: second + 1], apart), *line.thin(run[second:], apart)[1:]]


def _runs(facts: Iterable[Fact], ended_by: Sequence[Fact]) -> Iterator[list[Fact]]:
    """Checks in order, as others break them into runs."""
    ends = [_as_judged(other) for other in ended_by]
    return (list(run) for _, run in groupby(facts, key=lambda fact: bisect_left(ends, _as_judged(fact))))


def _as_judged(fact: Fact) -> tuple[datetime, tuple[datetime, str, str]]:
    return sign_instant(fact), fact.order


# --- marks


def is_mark(fact: Fact) -> bool:
    """Whether a fact is a check that has lost its id."""
    return fact.name == CHECK and fact.id.startswith(_MARK)


def named(ids: Iterable[str]) -> Iterator[str]:
    """Those that are ids of events: a mark has none that others know."""
    return (id_ for id_ in ids if not id_.startswith(_MARK))


def marked(fact: Fact) -> Fact:
    """A check without its id: whoever tells the same again makes the same mark."""
    return fact if is_mark(fact) else _mark(fact, sign_instant(fact))


def _mark(fact: Fact, at: datetime) -> Fact:
    result = str(fact.data["result"])
    name = f"{_MARK}{result}.{millis(at)}.{fact.subject[-_TAIL:]}"
    return fact._replace(id=name, data={"result": result, "checked_at": show(at)}, recorded=None)


def marks_of(correction: Fact, facts: Iterable[Fact]) -> list[Fact]:
    """The marks that a correction takes back: those of its source and its instant; the id that it names is not known any more."""
    at = sign_instant(correction)
    return [one for one in facts if is_mark(one) and one.source == correction.source and sign_instant(one) == at]


def rows_of(marks: Iterable[Fact]) -> Iterator[Row]:
    """Marks as they are written."""
    grouped: dict[tuple[str, str, str, str], list[Fact]] = {}
    for fact in marks:
        key = (fact.subject, fact.source, str(fact.data["result"]), fact.handoverid or "")
        grouped.setdefault(key, []).append(fact)
    for (subject, source, result, handoverid), found in grouped.items():
        steps, before = list[int](), 0
        for fact in sorted(found, key=sign_instant):
            at, time = millis(sign_instant(fact)), millis(fact.time)
            steps += (at - before, time - at, millis(fact.arrival) - time)
            before = at
        yield Row(subject, source, result, handoverid or None, steps)


def facts_of(row: Row) -> Iterator[Fact]:
    """The marks that a row tells."""
    at, steps = 0, row.steps
    for step, told, known in zip(steps[::3], steps[1::3], steps[2::3], strict=True):
        at += step
        time = from_millis(at + told)
        arrival, data = from_millis(at + told + known), {"result": row.result}
        blank = Fact(CHECK, time, row.source, "", arrival, row.subject, data, None, row.handoverid)
        yield _mark(blank, from_millis(at))
