"""The handovers of a person: the walk over the facts that says which fact belongs to which (semantics.md 4)."""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from handover.facts.fact import Fact
from handover.facts.fact_log import date_set_by, is_key_person
from handover.ids import child_handover_id, handover_id, survey_handover_id, transfer_handover_id

OPENING = frozenset(("release.scheduled", "release.decision_effective", "release.occurred"))
CLOSING = frozenset(("intake.closed", "release.cancelled", "intake.death_notified"))
SURVEY = frozenset(("release.survey_requested", "intake.survey_answered"))
NO_HANDOVER = frozenset(("release.reversed", "release.person_merged", "release.person_split"))
CLOSED_LATELY = timedelta(days=30)
PRISON_LEG = frozenset(("P", "A", "A+", "B1", "B2"))
SUPERVISION = frozenset(("B1", "B2", "B3"))
HANDED_ON = frozenset(("C", "M"))  # opened where another was closed
HELP = frozenset(("A", "A+")) | HANDED_ON
_PRISON_FACTS = frozenset(
    ("release.admission_notice_sent", "release.admission_education_assessed",
     "release.date_changed", "release.notice_sent", "release.assessment_shared", "release.education_completed", "release.cancelled",
     "intake.pickup_planned", "intake.pickup_completed", "intake.verification_returned", "intake.returned")
)  # fmt: skip
PICKUP = "intake.pickup_planned"
_SUPERVISION_FACTS = frozenset(
    ("release.decision_notice_sent", "release.decision_documents_sent", "release.revocation_ruled", "intake.documents_received",
     "intake.documents_receipted", "intake.measure_applied")
)  # fmt: skip
_END_OF_TERM = frozenset(("TERM_END", "REVOKED", "PARDON"))
_CLOSED_BY = {"TERM_END": SUPERVISION, "REVOKED": SUPERVISION, "PARDON": SUPERVISION, "HELP_END": HELP}
_FROM_PRISON = frozenset(("release.scheduled", "release.admitted", "release.occurred"))
_KIND_OF_RELEASE = {"PAROLE": "B1", "TEMP_EXEC": "B2"}


class Closed(NamedTuple):
    """All that is kept of a handover that was closed long ago: its place in the order of opening, and its id."""

    explicit_id: str | None
    opened_at: datetime
    closed_at: datetime
    transfers: tuple[str, ...] = ()  # ids of the transfers that it, or one before it, had, and of surveys
    other_name: str | None = None  # the id that publishers give to what was handed on
    awaits_place: bool = False  # closed by a move that names no place


@dataclass(slots=True)
class Handover:
    """One handover as the walk builds it. Facts stand in order of (time, source, id)."""

    number: int
    opened_at: datetime
    subject: str
    explicit_id: str | None = None
    closed_at: datetime | None = None
    facts: list[Fact] = field(default_factory=list)
    by_name: dict[str, list[Fact]] = field(default_factory=dict)
    scheduled: Fact | None = None  # the latest of each, as far as walked
    decision: Fact | None = None
    occurred: Fact | None = None
    key_person: bool = False
    revoked: Fact | None = None  # the first ruling that sends the person back to prison
    transferred: Fact | None = None  # the latest move to another prison
    awaits_prison: bool = False  # it waits for the next prison to schedule a release
    awaits_place: bool = False  # closed by a move that names no place
    died: bool = False
    transfer_id: str | None = None  # set on the child that a transfer opens
    survey_id: str | None = None
    handed_on: str = ""  # kind C or M: opened by what closed its parent
    other_name: str | None = None  # of C and M: the id that publishers give to it
    parent: "Handover | None" = None  # of T, C and M

    @property
    def is_open(self) -> bool:
        """No closing fact walked yet."""
        return self.closed_at is None

    @property
    def is_numbered(self) -> bool:
        """Whether it counts in the order of opening (4.5)."""
        return self.survey_id is None and self.transfer_id is None

    @property
    def takes_all(self) -> bool:
        """Whether it is open to facts that name no handover."""
        return self.is_open and self.is_numbered

    @property
    def kind(self) -> str:
        """4.6, by the facts walked so far."""
        if self.transfer_id is not None:
            return "T"
        if self.survey_id is not None:
            return "S"
        if self.handed_on:
            return self.handed_on
        if self.decision is not None:
            return _kind_of_decision(self.decision)
        if self.scheduled is not None:
            release = _KIND_OF_RELEASE.get(self.scheduled.data["release_kind"])
            return release or ("A+" if self.key_person else "A")
        if self.occurred is not None:
            return "A+" if self.key_person else "A"
        return "P" if "release.admitted" in self.by_name else "U"

    @property
    def began_at(self) -> datetime:
        """When it was opened; of one that goes on for another, when that was (6.8)."""
        return self.parent.began_at if self.parent is not None else self.opened_at

    @property
    def names(self) -> tuple[str | None, ...]:
        """The ids by which publishers may name it."""
        return (self.handover_id, self.other_name) if self.handed_on else (self.explicit_id, self.other_name)

    @property
    def handover_id(self) -> str:
        """4.5, 4.7."""
        if self.transfer_id is not None:
            return transfer_handover_id(self.subject, self.transfer_id)
        if self.survey_id is not None:
            return survey_handover_id(self.subject, self.survey_id)
        if self.handed_on and self.parent is not None:
            return child_handover_id(self.subject, self.handed_on, self.parent.handover_id)
        return self.explicit_id or handover_id(self.subject, self.number)

    @property
    def dated_by(self) -> Fact | None:
        """The fact that set the release date: the latest of scheduled and date_changed (4.8)."""
        changes = self.by_name.get("release.date_changed")
        if not changes:
            return self.scheduled
        change = changes[-1]
        return change if self.scheduled is None or change.order > self.scheduled.order else self.scheduled

    @property
    def release_date(self) -> date | None:
        """4.8."""
        dated = self.dated_by
        return date_set_by(dated) if dated else None

    def release_date_at(self, fact: Fact) -> date | None:
        """The release date by its facts up to and including one, in the order of 3.7."""
        known = [one for one in self.of("release.scheduled", "release.date_changed") if one.order <= fact.order]
        return date_set_by(known[-1]) if known else None

    def add(self, fact: Fact) -> None:
        """Walk one fact into this handover."""
        self.facts.append(fact)
        self.by_name.setdefault(fact.name, []).append(fact)
        if fact.name == "release.scheduled":
            self.scheduled = fact
            if self.awaits_prison:
                self._change_gate()
            self._note_key_person()
        elif fact.name == "release.assessment_shared":
            self._note_key_person()
        elif fact.name == "release.decision_effective":
            self.decision = fact
        elif fact.name == "release.occurred":
            self.occurred = fact
        elif fact.name == "release.cancelled" and not _closes(fact):
            self.transferred, self.awaits_prison = fact, True
        elif fact.name == "release.revocation_ruled" and fact.data["granted"] and fact.data["kind"] != "ARREST":
            self.revoked = self.revoked or fact

    def _note_key_person(self) -> None:
        self.key_person = is_key_person(self.of("release.scheduled", "release.assessment_shared"))

    def _change_gate(self) -> None:
        """A pick-up planned before the move to another prison names the gate of the old one."""
        self.awaits_prison = False
        planned = [fact for fact in self.by_name.pop(PICKUP, ()) if not self.names_old_gate(fact)]
        if planned:
            self.by_name[PICKUP] = planned

    def names_old_gate(self, fact: Fact) -> bool:
        """Whether a fact plans a pick-up at a prison that the person has left, as far as a new one is known."""
        moved = self.transferred
        return fact.name == PICKUP and moved is not None and not self.awaits_prison and fact.order < moved.order

    def insert(self, fact: Fact) -> None:
        """Add a fact that was told late, keeping the order; not one that opens, closes, dates or decides."""
        insort(self.facts, fact, key=_order)
        insort(self.by_name.setdefault(fact.name, []), fact, key=_order)

    def of(self, *names: str) -> list[Fact]:
        """Its facts of these names, in order."""
        if len(names) == 1:
            return self.by_name.get(names[0], [])
        lists = [found for name in names if (found := self.by_name.get(name))]
        if len(lists) <= 1:
            return lists[0] if lists else []
        return sorted((fact for found in lists for fact in found), key=_order)

    def latest(self, name: str) -> Fact | None:
        """Its latest fact of a name."""
        found = self.by_name.get(name)
        return found[-1] if found else None


def _order(fact: Fact) -> tuple[datetime, str, str]:
    return (fact.time, fact.source, fact.id)


def _closes(fact: Fact) -> bool:
    """Whether it is a closing fact (4.1): who is moved to another prison is still to be released."""
    return fact.name in CLOSING and not (fact.name == "release.cancelled" and fact.data["cause"] == "PRISON_TRANSFER")


def _kind_of_decision(decision: Fact) -> str:
    kind = decision.data["decision_kind"]
    if kind == "PAROLE":
        return "B1"
    if kind == "TEMP_EXEC" and not decision.agency.startswith("COURT-"):
        return "B2"
    return "B3"


def ids_of(subject: str, closed: Sequence[Closed]) -> list[str]:
    """The handover ids of what is forgotten."""
    parents = [one.explicit_id or handover_id(subject, number) for number, one in enumerate(closed, start=1)]
    return [*parents, *(child for one in closed for child in one.transfers)]


def walk(subject: str, facts: Iterable[Fact], closed: Sequence[Closed] = ()) -> list[Handover]:
    """The handovers of one person, in order of opening, the children that transfers open after their parents.

    `closed`: those that opened first and are forgotten; they take facts that name them, and are not returned.
    """
    walker = _Walk(subject, closed)
    for fact in facts:
        if fact.name not in NO_HANDOVER and not fact.name.startswith("action."):
            walker.take(fact)
    opened = walker.handovers[len(closed) :]
    return [*(one for parent in opened for one in (parent, *_children(parent))), *walker.surveys.values()]


class _Walk:
    """Facts in order; each is judged against the handovers as the walk has left them."""

    def __init__(self, subject: str, closed: Sequence[Closed]) -> None:
        self.subject = subject
        self.handovers = [
            Handover(
                number,
                one.opened_at,
                subject,
                one.explicit_id,
                one.closed_at,
                other_name=one.other_name,
                awaits_place=one.awaits_place,
            )
            for number, one in enumerate(closed, start=1)
        ]
        self.surveys: dict[str, Handover] = {}
        self._forgotten = frozenset(id_ for one in closed for id_ in one.transfers)

    def take(self, fact: Fact) -> None:
        if fact.name in SURVEY:
            self._take_survey(fact)
            return
        handover = self._named(fact) if fact.handoverid is not None else self._joined(fact) or self._opened(fact)
        handover.add(fact)
        if fact.name == "intake.death_notified":
            for one in (*self.handovers, *self.surveys.values()):
                one.closed_at, one.died = one.closed_at or fact.time, True
        elif _closes(fact):
            self._close(handover, fact)

    def _take_survey(self, fact: Fact) -> None:
        """A survey is a handover of its own, closed by its answer; one that is forgotten stays so."""
        survey_id = str(fact.data["survey_id"])
        survey = self.surveys.get(survey_id)
        if survey is None:
            if survey_handover_id(self.subject, survey_id) in self._forgotten:
                return
            survey = self.surveys[survey_id] = Handover(0, fact.time, self.subject, survey_id=survey_id)
        survey.add(fact)
        if fact.name == "intake.survey_answered":
            survey.closed_at = survey.closed_at or fact.time

    def _close(self, handover: Handover, fact: Fact) -> None:
        """Close a handover, and hand the person on where the fact says to whom: help after supervision, or another county."""
        first, names_place = handover.is_open, bool(fact.data.get("to_code"))
        moved = fact.name == "intake.closed" and fact.data["cause"] == "MOVED"
        if moved and names_place and (first or handover.awaits_place):
            self._hand_on(handover, "M", fact)
        elif (
            first and fact.name == "intake.closed" and fact.data["cause"] == "TERM_END" and handover.kind in SUPERVISION
        ):
            self._hand_on(handover, "C", fact)
        handover.awaits_place = (handover.awaits_place and not (moved and names_place)) or (
            first and moved and not names_place
        )
        handover.closed_at = handover.closed_at or fact.time

    def _hand_on(self, parent: Handover, kind: str, fact: Fact) -> None:
        child = self._opened(fact)
        child.handed_on, child.parent = kind, parent
        child.add(fact)

    def _opened(self, fact: Fact, explicit_id: str | None = None) -> Handover:
        handover = Handover(len(self.handovers) + 1, fact.time, self.subject, explicit_id)
        self.handovers.append(handover)
        return handover

    def _named(self, fact: Fact) -> Handover:
        for handover in self.handovers:
            if fact.handoverid in handover.names:
                return handover
        if fact.name not in OPENING and fact.name != "release.admitted":
            unnamed = _latest(h for h in self.handovers if h.is_open and h.handed_on and h.other_name is None)
            if unnamed is not None:
                unnamed.other_name = fact.handoverid
                return unnamed
        if fact.name in OPENING:
            unannounced = _latest(h for h in self.handovers if h.is_open and h.kind == "U" and h.explicit_id is None)
            if unannounced is not None:
                unannounced.explicit_id = fact.handoverid
                return unannounced
        return self._opened(fact, fact.handoverid)

    def _joined(self, fact: Fact) -> Handover | None:
        still_open = [handover for handover in self.handovers if handover.is_open]
        if fact.name in _FROM_PRISON:
            still_open = [handover for handover in still_open if handover.revoked is None]
        elif _ends_term(fact):
            still_open = [handover for handover in still_open if not handover.handed_on]
        if fact.name in ("release.scheduled", "release.admitted"):
            waiting = _latest(handover for handover in still_open if handover.awaits_prison)
            if waiting is not None:
                return waiting
            return (_for_scheduled if fact.name == "release.scheduled" else _of_same_term)(fact, still_open)
        if fact.name == "release.decision_effective":
            return _for_decision(fact, still_open)
        if fact.name == "release.occurred":
            return _latest(h for h in still_open if h.kind in PRISON_LEG) or _latest(still_open)
        if len(still_open) == 1:
            return still_open[0]
        takers = _takes_first(fact)
        preferred = _latest(h for h in still_open if h.kind in takers) if takers else None
        return preferred or _latest(still_open) or self._closed_lately(fact)

    def _closed_lately(self, fact: Fact) -> Handover | None:
        closed = [
            (h.closed_at, h.number, h)
            for h in self.handovers
            if h.closed_at is not None and not (h.handed_on and _ends_term(fact))
        ]
        if not closed:
            return None
        closed_at, _, handover = max(closed)
        return handover if fact.time - closed_at <= CLOSED_LATELY else None


def _latest(handovers: Iterable[Handover]) -> Handover | None:
    return max(handovers, key=lambda handover: handover.number, default=None)


def _ends_term(fact: Fact) -> bool:
    return fact.name == "intake.closed" and fact.data["cause"] in _END_OF_TERM


def _of_same_term(fact: Fact, still_open: Sequence[Handover]) -> Handover | None:
    """The handover of the prison term that a fact names."""
    episode = fact.data["custody_episode_id"]
    return _latest(
        h
        for h in still_open
        if any(one.data["custody_episode_id"] == episode for one in h.of("release.scheduled", "release.admitted"))
    )


def _for_scheduled(fact: Fact, still_open: Sequence[Handover]) -> Handover | None:
    kind = _KIND_OF_RELEASE.get(fact.data["release_kind"])
    return (
        _of_same_term(fact, still_open)
        or _latest(h for h in still_open if h.kind == "U")
        or _latest(h for h in still_open if kind is not None and h.kind == kind and h.scheduled is None)
    )


def _for_decision(fact: Fact, still_open: Sequence[Handover]) -> Handover | None:
    number, kind = fact.data["decision_no"], fact.data["decision_kind"]
    undecided = [
        h for h in still_open if h.decision is None and (h.scheduled is not None or "release.admitted" in h.by_name)
    ]
    early = kind in ("PAROLE", "TEMP_EXEC")
    return (
        _latest(
            h
            for h in still_open
            if any(one.data["decision_no"] == number for one in h.of("release.decision_effective"))
        )
        or _latest(h for h in still_open if h.kind == "U")
        or _latest(h for h in undecided if h.scheduled is not None and h.scheduled.data["release_kind"] == kind)
        or _latest(h for h in undecided if early and h.occurred is None)
    )


def _takes_first(fact: Fact) -> frozenset[str]:
    name = fact.name
    if name in _PRISON_FACTS:
        return PRISON_LEG
    if name in _SUPERVISION_FACTS or name.startswith(("intake.transfer_", "checkin.")):
        return SUPERVISION
    if name == "intake.closed":
        return _CLOSED_BY.get(fact.data["cause"], frozenset())
    return frozenset()


def _children(parent: Handover) -> list[Handover]:
    """4.7: an approved transfer is a handover of its own, from the old county to the new."""
    approved: dict[str, Fact] = {}
    for fact in parent.of("intake.transfer_decided"):
        if fact.data["decision"] == "APPROVED":
            approved.setdefault(fact.data["transfer_id"], fact)
    return [_child(parent, transfer_id, opening) for transfer_id, opening in approved.items()]


def _child(parent: Handover, transfer_id: str, opening: Fact) -> Handover:
    child = Handover(0, opening.time, parent.subject, transfer_id=transfer_id, parent=parent, died=parent.died)
    for fact in parent.facts:
        if fact.name.startswith("intake.transfer_") and fact.data.get("transfer_id") == transfer_id:
            child.add(fact)
    arrived = child.by_name.get("intake.transfer_arrived")
    ends = [end for end in (arrived[0].time if arrived else None, parent.closed_at) if end is not None]
    child.closed_at = min(ends, default=None)
    return child
