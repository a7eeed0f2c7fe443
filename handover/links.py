"""Facts that concern other subjects than their own: disputes that name persons, merged refs, corrections (semantics.md 3.2, 3.4, D06)."""

from datetime import datetime
from typing import TYPE_CHECKING

from handover.facts import Fact
from schemas.envelope import Event

if TYPE_CHECKING:
    from handover.case import Case

Routed = tuple[str, Event, datetime]
TOLD_TOGETHER = 200  # persons of one dispute: telling each of all of them grows with the square of their number
WHOEVER_HOLDS_IT = "*"  # instead of a subject: the case that holds the event which is corrected, if there is one
_BY_REMOVED_REF = ("release.person_merged", "release.person_split")


def routes(event: Event) -> tuple[str, ...]:
    """Subjects besides its own whose case must get an event, told by the event alone."""
    if event.fact in _BY_REMOVED_REF:
        removed = str(event.data["removed_ref"])
        return (removed,) if removed != event.subject else ()
    return ()


def outbox(case: "Case") -> list[Routed]:
    """What facts taken since the last call must be told to other subjects' cases: (subject, event, arrival). Repeats are harmless."""
    sent, case.outgoing = case.outgoing, []
    return sent


def told_persons(case: "Case", event: Event, fact: Fact) -> list[Routed]:
    """A dispute's facts for the persons it names: that they came, not what they say."""
    if not fact.name.startswith("dispute."):
        return []  # an action on its alert is no matter of theirs
    known = [copy for copy in case.entries.facts() if copy.name.startswith("dispute.")]
    named = {ref for copy in known if copy.name == "dispute.reported" for ref in copy.data["person_refs"]}
    if fact.name != "dispute.reported":
        return [(ref, existence(event_of(fact), ref), fact.arrival) for ref in sorted(named)]
    new = set(fact.data["person_refs"])
    before = [(ref, existence(event_of(fact), ref), fact.arrival) for ref in sorted(named - new)]
    return before + [(ref, existence(event_of(copy), ref), copy.arrival) for ref in sorted(new) for copy in known]


def corrections(case: "Case", event: Event, fact: Fact) -> list[Routed]:
    """A correction may stand under another subject than what it corrects: then nobody knows whose case that is."""
    if fact.corrects is None or (fact.source, fact.corrects) in case.entries.copies:
        return []
    return [(WHOEVER_HOLDS_IT, event, fact.arrival)]


def existence(event: Event, ref: str) -> Event:
    """A dispute's event without its content, for one of the persons it names. Of very many each is told only of itself."""
    if event.fact != "dispute.reported":
        return _event(event, {})
    refs = event.data["person_refs"]
    return _event(event, {"person_refs": refs if len(refs) <= TOLD_TOGETHER else [ref]})


def survivors(case: "Case", event: Event, fact: Fact) -> list[Routed]:
    """All facts of a removed ref go to the survivors named for it, those told before and those to come."""
    if case.entries.plain:  # nothing has been merged
        return []
    known = _everything(case)
    own = [copy for copy in known if copy.name == "release.person_merged" and copy.data["removed_ref"] == case.subject]
    targets = {str(copy.data["survivor_ref"]) for copy in own} - {case.subject}
    if not targets:
        return []
    if fact in own:
        target = str(fact.data["survivor_ref"])
        return [(target, event_of(copy), copy.arrival) for copy in known] if target != case.subject else []
    return [(target, event_of(fact), fact.arrival) for target in sorted(targets)]


def _everything(case: "Case") -> list[Fact]:
    sets = (case.entries, *case.disputes.values())
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
