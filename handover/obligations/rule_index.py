"""The rules for one kind of scope, found by the facts that concern them: what a fact cannot move is not asked again."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from handover.facts.fact import Fact, Pattern, pattern
from handover.feeds.feed_state import HEARTBEAT
from handover.rules.rulebook import Rule

_LOOK_ELSEWHERE = frozenset(("linked_dispute", "abolished_code", "feed_silent", "manifest_gap"))
_ALSO_READ: Mapping[str, tuple[str, ...]] = {"lost_contact": ("checkin.plan_set",)}

# Facts that move no handover, owner, date, kind or custody: only the rules that name them can notice.
LIGHT = frozenset(
    ("checkin.completed", "checkin.location_checked", "checkin.excused", "checkin.leave_approved", "checkin.leave_returned",
     "checkin.plan_set", "checkin.em_started", "checkin.em_extended", "checkin.em_ended", "intake.visit_done", "intake.help_answered",
     "intake.documents_received", "intake.documents_receipted", "intake.search_opened", "intake.search_closed", "intake.person_reported",
     "intake.registered", "intake.pickup_planned", "intake.pickup_completed", "release.education_completed",
     "release.admission_notice_sent", "release.admission_education_assessed")
)  # fmt: skip


class _Reader(NamedTuple):
    """A rule that looks at facts of a name: those that start its clock, and all that it reads."""

    number: int
    starts: tuple[Pattern, ...]
    reads: tuple[Pattern, ...]


class Ruleset:
    """Rules by number, and the numbers of those that a fact concerns."""

    def __init__(self, kind: str, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self._always = [number for number, rule in enumerate(rules) if not _is_started(rule)]
        self._started_by: dict[str, list[int]] = defaultdict(list)
        self._readers: dict[str, list[_Reader]] = defaultdict(list)
        self._startable: dict[frozenset[str], Sequence[int]] = {}  # cases have few different sets of names
        for number, rule in enumerate(rules):
            for name in dict.fromkeys(rule.anchor_names) if _is_started(rule) else ():
                self._started_by[name].append(number)
            starts, reads = _looked_at(rule, kind)
            for name in dict.fromkeys(one.name for one in reads):
                self._readers[name].append(_Reader(number, _named(starts, name), _named(reads, name)))

    def startable(self, names: Iterable[str]) -> Sequence[int]:
        """The rules whose clock may run where facts of these names are known, in the order of the book."""
        known = frozenset(names)
        found = self._startable.get(known)
        if found is None:
            started = (number for name in known for number in self._started_by.get(name, ()))
            found = self._startable[known] = sorted({*self._always, *started})
        return found

    def concerned(self, fact: Fact, asking: Container[int], *, all_readers: bool) -> list[int]:
        """The rules that a light fact can move. `asking`: those that ask for something now; `all_readers`: what is answered counts too.

        A rule that asks for nothing is moved only by what starts its clock: what answers it, cancels it or ends a run of its
        checks leaves it asking for nothing.
        """
        return [
            number
            for number, starts, reads in self._readers.get(fact.name, ())
            if any(one.fits(fact) for one in (reads if all_readers or number in asking else starts))
        ]


def _is_started(rule: Rule) -> bool:
    """Whether a fact of its own scope starts its clock."""
    return bool(rule.anchor) and rule.form not in _LOOK_ELSEWHERE


def _looked_at(rule: Rule, kind: str) -> tuple[tuple[Pattern, ...], tuple[Pattern, ...]]:
    """What starts its clock, and all that it reads. Every kind but U has been announced, which answers an orphan for good."""
    if rule.form == "feed_silent":
        return _BEATS, _BEATS
    if rule.form == "orphan":
        return (_ANY_LIGHT if kind == "U" else ()), _ANY_LIGHT
    return rule.anchor, (*rule.patterns, *map(pattern, _ALSO_READ.get(rule.form, ())))


def _named(patterns: Iterable[Pattern], name: str) -> tuple[Pattern, ...]:
    return tuple(one for one in patterns if one.name == name)


_BEATS = (pattern(HEARTBEAT),)
_ANY_LIGHT = tuple(map(pattern, sorted(LIGHT)))
