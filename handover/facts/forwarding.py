"""Facts that concern other subjects than their own: disputes that name persons, merged refs, corrections (semantics.md 3.2, 3.4)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from handover.facts.fact import Fact
from handover.facts.fact_log import FactLog
from schemas.envelope import Event

Routed = tuple[str, Event, datetime]
TOLD_TOGETHER = 200  # persons of one dispute: telling each of all of them grows with the square of their number
WHOEVER_HOLDS_IT = "*"  # instead of a subject: the case that holds the event which is corrected, if there is one
_MERGED, _SPLIT = "release.person_merged", "release.person_split"


def routes(event: Event) -> tuple[str, ...]:
    """Subjects besides its own whose case must get an event, told by the event alone."""
    if event.fact in (_MERGED, _SPLIT):
        removed = str(event.data["removed_ref"])
        return (removed,) if removed != event.subject else ()
    return ()


def told_persons(entries: FactLog, event: Event, fact: Fact) -> list[Routed]:
    """A dispute's facts for the persons it names: that they came, not what they say. Actions on its alerts stay with it."""
    if not fact.name.startswith("dispute."):
        return []
    reports = [tie for tie in entries.ties if tie.name == "dispute.reported"]
    named = {ref for report in reports for ref in report.data["person_refs"]}
    if fact.name != "dispute.reported":
        return [(ref, existence(event_of(fact), ref), fact.arrival) for ref in sorted(named)]
    known = [copy for copy in entries.facts() if copy.name.startswith("dispute.")]
    new = set(fact.data["person_refs"])
    before = [(ref, existence(event_of(fact), ref), fact.arrival) for ref in sorted(named - new)]
    return before + [(ref, existence(event_of(copy), ref), copy.arrival) for ref in sorted(new) for copy in known]


def corrections(subject: str, entries: FactLog, event: Event, fact: Fact) -> list[Routed]:
    """A correction may stand under another subject than what it corrects: then nobody knows whose case that is."""
    if fact.corrects is None or holds(subject, entries, fact.source, fact.corrects):
        return []
    return [(WHOEVER_HOLDS_IT, event, fact.arrival)]


def holds(subject: str, entries: FactLog, source: str, id_: str) -> bool:
    """Whether an event is a fact of the subject's own, not one that its case was told of another."""
    return any(copy.subject == subject for copy in entries.copies.get((source, id_), ()))


def existence(event: Event, ref: str) -> Event:
    """A dispute's event without its content, for one of the persons it names. Of very many each is told only of itself."""
    if event.fact != "dispute.reported":
        return _event(event, {})
    refs = event.data["person_refs"]
    return _event(event, {"person_refs": refs if len(refs) <= TOLD_TOGETHER else [ref]})


def relatives(subject: str, sets: Sequence[FactLog], event: Event, fact: Fact) -> list[Routed]:
    """What the cases of tied refs must know too: all that was told before a merge or split tied them, and all that is to come.

    A merge ties the removed ref to its survivor; a split ties both ways, for what moves goes on as it stood.
    `sets`: the subject's own facts first, then those of the disputes that name it.
    """
    ties = sets[0].ties
    if not ties:
        return []
    targets = _tied(subject, ties)
    new = targets - _tied(subject, [tie for tie in ties if tie != fact]) if fact in ties else set()
    told = [(target, event_of(fact), fact.arrival) for target in sorted(targets - new)]
    told += [(target, event_of(copy), copy.arrival) for target in sorted(new) for copy in _everything(sets)]
    return told + _untied(subject, sets[0], fact)


def _untied(subject: str, entries: FactLog, fact: Fact) -> list[Routed]:
    """Corrections of a merge or split go wherever that went."""
    found = []
    for tie in entries.ties:
        if fact == tie:
            known = [copy for copy in entries.facts() if (copy.source, copy.corrects) == (tie.source, tie.id)]
        else:
            known = [fact] if (fact.source, fact.corrects) == (tie.source, tie.id) else []
        sides = {str(tie.data["removed_ref"]), str(tie.data["survivor_ref"])} - {subject}
        found += [(side, event_of(copy), copy.arrival) for side in sorted(sides) for copy in known]
    return found


def _tied(subject: str, ties: Sequence[Fact]) -> set[str]:
    """The refs whose cases must know what the case of a ref knows: also of one merged into it first, and into another later.

    Of two merges against each other one corrects the other; which one, is not asked here: both sides are told.
    """
    sides = [(tie.name, str(tie.data["removed_ref"]), str(tie.data["survivor_ref"])) for tie in ties]
    merges = [(removed, survivor) for name, removed, survivor in sides if name == _MERGED]
    own = _leading_to(subject, merges)
    ahead = _leading_to(subject, [(survivor, removed) for removed, survivor in merges])
    found = {survivor for removed, survivor in merges if removed in own} - (own - ahead)
    for name, removed, survivor in sides:
        if name == _SPLIT and (removed in own or survivor in own):
            found |= {removed, survivor}
    return found - {subject}


def _leading_to(subject: str, steps: Iterable[tuple[str, str]]) -> set[str]:
    """A ref and all from which steps (from, to), of which any may have been corrected, lead to it."""
    origins: dict[str, list[str]] = {}
    for origin, target in steps:
        origins.setdefault(target, []).append(origin)
    found, front = {subject}, [subject]
    while front:
        new = [ref for ref in origins.get(front.pop(), ()) if ref not in found]
        found.update(new)
        front += new
    return found


def _everything(sets: Iterable[FactLog]) -> list[Fact]:
    return [fact for entries in sets for fact in entries.facts()]


def event_of(fact: Fact) -> Event:
    """The event that tells a fact."""
    return Event(
        id=fact.id,
        source=fact.source,
        type=f"reentry.{fact.name}.v1",
        subject=fact.subject,
        time=fact.time,
        data=fact.data,
        recordedtime=fact.recorded,
        handoverid=fact.handoverid,
        corrects=fact.corrects,
    )


def _event(event: Event, data: dict[str, object]) -> Event:
    return Event(
        id=event.id, source=event.source, type=event.type, subject=event.subject, time=event.time, data=data, recordedtime=event.recordedtime,
        corrects=event.corrects,
    )  # fmt: skip
