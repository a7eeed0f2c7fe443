"""The set of facts at an instant (semantics.md 3): no step depends on the order of arrival."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import attrgetter

from handover.facts.fact import Fact, last, parse_date
from schemas.catalogue import SAME_WHEN
from schemas.instants import show

Key = tuple[str, str]  # (source, id): the identity of an event
_OPENING = ("release.scheduled", "release.assessment_shared")
WHOLE_PERSON = frozenset(("release.person_merged", "release.person_split"))
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
    """1.6, 3.2, 3.3: without what was told too late, what was corrected away, reversed releases, and absences that are no release."""
    facts = [
        fact for fact in arrived if (limit := late_limit.get(fact.name)) is None or fact.arrival <= fact.time + limit
    ]
    corrected = {(fact.source, fact.corrects) for fact in facts if fact.corrects is not None}
    if corrected:
        facts = [fact for fact in facts if (fact.source, fact.id) not in corrected]
    reversed_ = {(fact.source, fact.data["reverses_event_id"]) for fact in facts if fact.name == "release.reversed"}
    return [fact for fact in facts if fact.name != "release.occurred" or _is_release(fact, reversed_)]


def _is_release(fact: Fact, reversed_: set[Key]) -> bool:
    return fact.data["reason"] == "RELEASED" and (fact.source, fact.id) not in reversed_


@dataclass(frozen=True, slots=True)
class Merges:
    """Which ref's facts are whose, given the merges known (3.4): of each removed ref the merge that counts, never in a circle."""

    by_removed: Mapping[str, Fact]

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "Merges":
        """From the standing facts, in order; one that would close a circle is ignored."""
        found: dict[str, Fact] = {}
        for merge in [one for one in facts if one.name == "release.person_merged"]:
            removed = merge.data["removed_ref"]
            earlier = found.pop(removed, None)
            closes = cls(found).survivor(merge.data["survivor_ref"]) == removed
            kept = earlier if closes else merge
            if kept is not None:
                found[removed] = kept
        return cls(found)

    def survivor(self, ref: str, after: datetime | None = None) -> str:
        """Follow the chain from a ref, over merges later than `after` only."""
        while (merge := self.by_removed.get(ref)) is not None and (after is None or merge.time > after):
            ref = merge.data["survivor_ref"]
        return ref


def by_person(facts: Sequence[Fact]) -> tuple[dict[str, list[Fact]], Merges]:
    """3.4: the standing facts of each person, as merges and splits leave them. In order within each."""
    merges = Merges.of(facts)
    if not merges.by_removed and not any(fact.name == "release.person_split" for fact in facts):
        return _by_subject(facts), merges
    moving: dict[str, list[Fact]] = {}  # by event id, in order: of several splits the latest counts
    for split in (fact for fact in facts if fact.name == "release.person_split"):
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
    owner = merges.survivor(fact.subject)
    sides = {fact.subject, owner}
    for split in splits:
        removed = split.data["removed_ref"]
        if sides & {split.data["survivor_ref"], removed}:
            owner = merges.survivor(removed, split.time)
            sides |= {removed, owner}
    return owner


def settled(facts: Sequence[Fact], at: datetime, settle: timedelta) -> tuple[list[Fact], datetime | None]:
    """3.5: without releases that still settle; and the next instant at which one will have settled.

    A release on the known day of a key person counts at once.
    """
    waiting = [fact for fact in facts if fact.name == "release.occurred" and fact.arrival + settle > at]
    if not waiting:
        return list(facts), None
    expected = _release_date(facts) if _is_key_person(facts) else None
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


def _is_key_person(facts: Sequence[Fact]) -> bool:
    flagged = last(fact for fact in facts if fact.name in _OPENING and fact.data.get("key_person") is not None)
    return flagged is not None and flagged.data["key_person"] is True


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
