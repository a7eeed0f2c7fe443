"""The set of facts at an instant (semantics.md 3): no step depends on the order of arrival."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from handover.facts.fact import Fact, last, parse_date
from schemas.catalogue import SAME_WHEN
from schemas.instants import show

Key = tuple[str, str]  # (source, id): the identity of an event
_OPENING = ("release.scheduled", "release.assessment_shared")
_MERGED, _SPLIT = "release.person_merged", "release.person_split"
WHOLE_PERSON = frozenset((_MERGED, _SPLIT))
_TYING, _NOT_PLAIN = WHOLE_PERSON | {"dispute.reported"}, WHOLE_PERSON | {"release.reversed"}
_NOTED = _TYING | _NOT_PLAIN


@dataclass(slots=True)
class FactLog:
    """Everything told about one subject: per (source, id) the copies with different content, each with its earliest arrival."""

    copies: dict[Key, tuple[Fact, ...]] = field(default_factory=dict)
    plain: bool = True  # no copies, corrections, reversals, merges or splits: most cases, and a shorter way
    text: bytes | None = (
        None  # the facts as they were last written; None: something else than a new fact has come since
    )
    added: list[Fact] = field(default_factory=list)  # since then
    marks: bytes = b""  # the marks among them, as they were last written (handover/facts/thinning.py)
    thinned: int = 0  # how many events there were when they were last thinned
    ties: list[Fact] = field(default_factory=list)  # what names other subjects, corrected facts too

    def take(self, fact: Fact) -> bool:
        """Add a fact. False: it was known since no later, so nothing changed."""
        key = (fact.source, fact.id)
        known = self.copies.get(key, ())
        for index, copy in enumerate(known):
            if _same_content(copy, fact):
                if copy.arrival <= fact.arrival:
                    return False
                self.copies[key] = (*known[:index], fact, *known[index + 1 :])
                self.text = None
                return True
        self.copies[key] = (*known, fact)
        if known:
            self.text = None
        elif self.text is not None:
            self.added.append(fact)
        if fact.name in _NOTED:
            self._note(fact)
        if known or fact.corrects is not None:
            self.plain = False
        return True

    def _note(self, fact: Fact) -> None:
        if fact.name in _TYING:
            self.ties.append(fact)
        if fact.name in _NOT_PLAIN:
            self.plain = False

    def drop(self, fact: Fact) -> None:
        """Forget an event."""
        del self.copies[(fact.source, fact.id)]
        self.text = None

    def with_others(self, gone: Iterable[Fact], instead: Iterable[Fact]) -> "FactLog":
        """These facts but for some, and others instead; of two that are named alike the one known first."""
        keys = {(fact.source, fact.id) for fact in gone}
        copies = {key: copies for key, copies in self.copies.items() if key not in keys}
        for fact in instead:
            known = copies.get((fact.source, fact.id))
            copies[(fact.source, fact.id)] = (fact,) if known is None else (min(fact, known[0], key=_arrival),)
        ties = [tie for tie in self.ties if (tie.source, tie.id) not in keys]
        return FactLog(copies, self.plain, thinned=len(copies), ties=ties)

    def arrived(self, at: datetime) -> list[Fact]:
        """3.1: of each event the copy that counts, with the event's earliest arrival. In order."""
        if self.plain:
            found = [copies[0] for copies in self.copies.values() if copies[0].arrival <= at]
        else:
            found = [fact for copies in self.copies.values() if (fact := _counting(copies, at)) is not None]
        found.sort(key=_order)
        return found

    def facts(self) -> Iterator[Fact]:
        """Every copy of every event."""
        return (copy for copies in self.copies.values() for copy in copies)


_arrival = attrgetter("arrival")


def _order(fact: Fact) -> tuple[datetime, str, str]:
    return (fact.time, fact.source, fact.id)


def _same_content(one: Fact, other: Fact) -> bool:
    return one._replace(arrival=other.arrival) == other


def canonical(fact: Fact) -> str:
    """The text that decides between copies told at the same instant (3.1)."""
    body = {
        "source": fact.source,
        "id": fact.id,
        "type": f"reentry.{fact.name}.v1",
        "subject": fact.subject,
        "time": show(fact.time),
        "data": fact.data,
        "recordedtime": show(fact.recorded) if fact.recorded else None,
        "handoverid": fact.handoverid,
        "corrects": fact.corrects,
    }
    return json.dumps(
        {key: value for key, value in body.items() if value is not None}, sort_keys=True, ensure_ascii=False
    )


def _counting(copies: Sequence[Fact], at: datetime) -> Fact | None:
    known = [copy for copy in copies if copy.arrival <= at]
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    chosen = max(known, key=lambda copy: (copy.recorded or copy.time, canonical(copy)))
    return chosen._replace(arrival=min(copy.arrival for copy in known))


def standing(arrived: Iterable[Fact], late_limit: Mapping[str, timedelta]) -> list[Fact]:
    """1.6, 3.2, 3.3: without what was told too late, what was corrected away, reversed releases, and reports of what did not happen."""
    facts = [
        fact for fact in arrived if (limit := late_limit.get(fact.name)) is None or fact.arrival <= fact.time + limit
    ]
    corrected = {(fact.source, fact.corrects) for fact in facts if fact.corrects is not None}
    if corrected:
        facts = [fact for fact in facts if (fact.source, fact.id) not in corrected]
    reversed_ = {(fact.source, fact.data["reverses_event_id"]) for fact in facts if fact.name == "release.reversed"}
    return [fact for fact in facts if (test := _HAPPENED.get(fact.name)) is None or test(fact, reversed_)]


def _is_release(fact: Fact, reversed_: set[Key]) -> bool:
    return fact.data["reason"] == "RELEASED" and (fact.source, fact.id) not in reversed_


def _is_report(fact: Fact, reversed_: set[Key]) -> bool:
    return bool(fact.data["report_type"] != "NOT_REPORTED")


_HAPPENED: Mapping[str, Callable[[Fact, set[Key]], bool]] = {
    "release.occurred": _is_release,
    "intake.person_reported": _is_report,
}


class Link(NamedTuple):
    """A merge that counts: facts of its removed ref are facts of `to`, those of a `time` before `cut_at` only."""

    merge: Fact
    to: str
    cut_at: datetime | None = None  # the `time` of a split of the two refs


@dataclass(frozen=True, slots=True)
class Merges:
    """Which ref's facts are whose, given the merges and splits known (3.4): of each removed ref the merge that counts, never in a circle."""

    by_removed: Mapping[str, Link]

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "Merges":
        """From the standing facts: in order, at one `time` merges before splits."""
        ties = [one for one in facts if one.name in WHOLE_PERSON]
        found = cls({})
        for tie in sorted(ties, key=lambda one: (one.time, one.name == _SPLIT)):
            found = found._split(tie) if tie.name == _SPLIT else found._merged(tie)
        return found

    def _merged(self, merge: Fact) -> "Merges":
        """With one more merge. One that would close a circle is ignored, unless a link of the circle is cut: that falls away."""
        removed, to = str(merge.data["removed_ref"]), str(merge.data["survivor_ref"])
        others = {ref: link for ref, link in self.by_removed.items() if ref != removed}
        path = Merges(others).chain(to)
        if removed == to:
            return self
        if removed in path:
            cut = [ref for ref in path if ref in others and others[ref].cut_at is not None]
            if not cut:
                return self
            others = {ref: link for ref, link in others.items() if ref not in cut}
        return Merges({**others, removed: Link(merge, to)})

    def _split(self, split: Fact) -> "Merges":
        """With the link between the two refs cut: that out of the removed ref, or of the survivor where the chain runs that way."""
        removed, survivor = str(split.data["removed_ref"]), str(split.data["survivor_ref"])
        ahead, back = self.chain(removed, split.time), self.chain(survivor, split.time)
        if ahead[-1] != back[-1] or removed == survivor:
            return self
        end = survivor if removed in back else removed
        return Merges({**self.by_removed, end: self.by_removed[end]._replace(cut_at=split.time)})

    def chain(self, ref: str, at: datetime | None = None) -> list[str]:
        """The refs from one to its survivor, both included. `at`: the `time` of a fact; None: as if no link were cut."""
        path = [ref]
        while (link := self.by_removed.get(path[-1])) is not None and (
            at is None or link.cut_at is None or at < link.cut_at
        ):
            path.append(link.to)
        return path

    def survivor(self, ref: str, at: datetime | None = None) -> str:
        """Whose the facts of a ref are. `at`: their `time`; None: those told before any split."""
        return self.chain(ref, at)[-1]


def by_person(facts: Sequence[Fact]) -> tuple[dict[str, list[Fact]], Merges]:
    """3.4: the standing facts of each person, as merges and splits leave them. In order within each."""
    merges = Merges.of(facts)
    if not merges.by_removed and not any(fact.name == _SPLIT for fact in facts):
        return _by_subject(facts), merges
    moving: dict[str, list[Fact]] = {}  # by event id, in order: of several splits the latest counts
    for split in (fact for fact in facts if fact.name == _SPLIT):
        for id_ in dict.fromkeys(split.data["event_ids"]):
            moving.setdefault(id_, []).append(split)
    persons: dict[str, list[Fact]] = {}
    for fact in facts:
        persons.setdefault(_owner(fact, merges, moving.get(fact.id, ())), []).append(fact)
    return persons, merges


def _by_subject(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.subject, []).append(fact)
    return found


def _owner(fact: Fact, merges: Merges, splits: Sequence[Fact]) -> str:
    """Whose a fact is. `splits`: those that name it, in order; each moves it if it has been a fact of one of its two refs."""
    owner = merges.survivor(fact.subject, fact.time)
    sides = {fact.subject, owner, merges.survivor(fact.subject)}
    for split in splits:
        removed = str(split.data["removed_ref"])
        if sides & {str(split.data["survivor_ref"]), removed}:
            owner = merges.survivor(removed, max(split.time, fact.time))
            sides |= {removed, owner}
    return owner


def settled(facts: Sequence[Fact], at: datetime, settle: timedelta) -> tuple[list[Fact], datetime | None]:
    """3.5: without releases that still settle; and the next instant at which one will have settled.

    A release on the known day of a key person counts at once.
    """
    waiting = [fact for fact in facts if fact.name == "release.occurred" and fact.arrival + settle > at]
    if not waiting:
        return list(facts), None
    expected = _release_date(facts) if is_key_person(facts) else None
    waiting = [fact for fact in waiting if fact.time.date() != expected]
    if not waiting:
        return list(facts), None
    return [fact for fact in facts if fact not in waiting], min(fact.arrival + settle for fact in waiting)


def _release_date(facts: Sequence[Fact]) -> date | None:
    dated = last(fact for fact in facts if fact.name in ("release.scheduled", "release.date_changed"))
    return date_set_by(dated) if dated else None


def date_set_by(fact: Fact) -> date:
    """The release date that a `scheduled` or `date_changed` fact sets."""
    return parse_date(fact.data["release_date" if fact.name == "release.scheduled" else "new_date"])


def is_key_person(facts: Iterable[Fact]) -> bool:
    """Whether a person must be fetched (4.6): as the latest word says, and every minor."""
    told = [fact for fact in facts if fact.name in _OPENING]
    flagged = last(fact for fact in told if fact.data.get("key_person") is not None)
    scheduled = last(fact for fact in told if fact.name == "release.scheduled")
    return (flagged is not None and flagged.data["key_person"] is True) or (
        scheduled is not None and scheduled.data["minor"] is True
    )


def business_facts(facts: Sequence[Fact]) -> list[Fact]:
    """3.6: the same business fact told twice is one: the latest telling stands, with the `time` of the earliest. In order."""
    groups: dict[tuple[object, ...], list[Fact]] = {}
    single: list[Fact] = []
    for fact in facts:
        fields = SAME_WHEN.get(fact.name)
        if fields is None:
            single.append(fact)
        else:
            groups.setdefault(_sameness(fact, fields), []).append(fact)
    if not any(len(group) > 1 for group in groups.values()):
        return list(facts)
    merged = [group[0] if len(group) == 1 else _merged(group) for group in groups.values()]
    return sorted([*single, *merged], key=_order)


def _sameness(fact: Fact, fields: Sequence[str]) -> tuple[object, ...]:
    values = [fact.data.get(name) if name != "since" else fact.instant("since") for name in fields]
    return (fact.name, fact.handoverid, fact.time.date(), *map(str, values))


def _merged(group: Sequence[Fact]) -> Fact:
    stands = max(group, key=lambda fact: (fact.recorded or fact.time, fact.source, fact.id))
    return stands._replace(time=min(fact.time for fact in group))
