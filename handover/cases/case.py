"""A case: everything known about one subject, and what is remembered of its alerts."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from orjson import Fragment

from handover.alerts.lifecycle import Memory
from handover.cases.action_key import ActionKey, key_of
from handover.cases.json_cache import JsonCache
from handover.facts.fact import Fact, fact_of
from handover.facts.fact_log import FactLog, Merges
from handover.facts.forwarding import Routed, corrections, holds, relatives, told_persons
from handover.facts.thinning import CHECK, marks_of
from handover.feeds.manifest import VERDICT
from handover.ids import fingerprint
from handover.obligations.derive import Derived, Slot
from handover.obligations.handovers import Closed
from schemas.alert import Alert
from schemas.envelope import Event

Kind = Literal["PERSON", "DISPUTE", "OFFICE", "SOURCE"]


def kind_of(subject: str) -> Kind:
    """What a subject is: person_ref, dispute_id, agency_id, or what system alerts are about (a publisher, the pipeline, a jurisdiction)."""
    if subject.startswith("p1_"):
        return "PERSON"
    if subject.startswith("d1_"):
        return "DISPUTE"
    return "SOURCE" if subject.startswith("/") or subject.isdecimal() else "OFFICE"


class Base(NamedTuple):
    """What was remembered at an instant, so that a long case need not live again from its beginning."""

    at: datetime
    own_next: datetime | None
    memories: Mapping[Slot, Memory]
    shown: Mapping[Slot, Alert]


class Move(NamedTuple):
    """From an instant on the case of another ref speaks for a ref that was merged into it."""

    at: datetime
    to: str


@dataclass(slots=True)
class Case:
    """The facts of a subject (a set: any order, any repetition gives the same) and the memories of its alerts."""

    subject: str
    kind: Kind
    entries: FactLog = field(default_factory=FactLog)
    disputes: dict[str, FactLog] = field(default_factory=dict)  # disputes that name the person, without content
    memories: dict[Slot, Memory] = field(default_factory=dict)
    shown: dict[Slot, Alert] = field(default_factory=dict)  # the last snapshot of each firing alert
    lived: datetime | None = None  # the last instant lived through
    own_next: datetime | None = None  # the next instant at which it can change by itself
    moves: dict[str, Move] = field(default_factory=dict)  # the refs that were merged away, first merges only
    revision: int = 0
    pending: list[datetime] = field(default_factory=list)  # arrivals not yet lived, in order
    late: list[datetime] = field(default_factory=list)  # arrivals told after they had been lived past
    outgoing: list[Routed] = field(default_factory=list)
    news: list[Fact] = field(default_factory=list)  # taken since the last derivation
    derived: Derived | None = None
    bases: tuple[Base, ...] = ()  # at most two; of two, facts that mattered only before the first are forgotten
    closed: tuple[Closed, ...] = ()  # handovers that opened first, closed long ago, and are forgotten
    past: frozenset[str] = frozenset()  # fingerprints of the facts forgotten with them: told again they are no news
    heard: set[ActionKey] = field(default_factory=set)  # actions that were judged when they arrived: with authority
    refused: set[ActionKey] = field(default_factory=set)  # and those without, or on alerts that were not there
    refusals: list[Fact] = field(default_factory=list)  # for want of authority, since somebody looked
    fragments: JsonCache = field(default_factory=JsonCache)
    keeps_answered: bool = False  # derive what was answered and never raised too: for figures, not for alerts

    @classmethod
    def empty(cls, subject: str) -> "Case":
        """A case of which nothing is known."""
        return cls(subject, kind_of(subject))

    def written(self, alert: Alert) -> Fragment:
        """The JSON of one of its alerts: the same goes to the alert's topic and, while it fires, with the case."""
        return self.fragments.of(("shown", alert.alert_id, alert.revision), alert, alert.wire)

    def holds(self, source: str, id_: str) -> bool:
        """Whether an event is a fact of its own, not one that it was told of another."""
        return holds(self.subject, self.entries, source, id_)

    @property
    def began_at(self) -> datetime | None:
        """When the first of the facts that are left of it arrived; None where there is none."""
        entries = (self.entries, *self.disputes.values())
        return min((fact.arrival for one in entries for copies in one.copies.values() for fact in copies), default=None)

    @property
    def next_at(self) -> datetime | None:
        """The next instant of its own at which something can change; None: only news can change it."""
        if self.pending and (self.own_next is None or self.pending[0] < self.own_next):
            return self.pending[0]
        return self.own_next

    @property
    def has_firing(self) -> bool:
        """Whether an alert of it fires."""
        return any(memory.firing for memory in self.memories.values())

    def take(self, event: Event, arrival: datetime) -> bool:
        """Add a fact. False: it was known already, or has been forgotten with its handover, and nothing changed.

        What corrects a forgotten fact is forgotten as well: it would open another handover (semantics.md 11).
        """
        if event.fact == VERDICT:
            arrival = min(event.time, arrival)  # found later, but true since then
        fact = fact_of(event, arrival)
        about_dispute = self.kind == "PERSON" and event.fact.startswith("dispute.")
        entries = self.disputes.setdefault(event.subject, FactLog()) if about_dispute else self.entries
        if self._is_past(fact.source, fact.id):
            return False
        if self._is_past(fact.source, fact.corrects):
            self.past |= {fingerprint(fact.source, fact.id)}
            return True
        if not entries.take(fact):
            return False
        if fact.corrects is not None and fact.name == CHECK and (fact.source, fact.corrects) not in entries.copies:
            for mark in marks_of(fact, entries.facts()):
                entries.drop(mark)
        self.news.append(fact)
        if self.lived is not None and arrival <= self.lived:
            self.late.append(arrival)
        else:
            insort(self.pending, arrival)
        self.outgoing.extend(_forwarded(self, event, fact))
        return True

    def _is_past(self, source: str, id_: str | None) -> bool:
        return bool(self.past) and id_ is not None and fingerprint(source, id_) in self.past

    def begin_again(self, first: datetime) -> None:
        """Forget what was lived, not what is known: every fact is news again. `first`: the earliest arrival that was lived past."""
        self.news = [fact for entries in self._sets() for fact in entries.facts()]
        self.memories, self.shown, self.derived = {}, {}, None
        self.lived = self.own_next = None
        self.moves = {}
        base = self.bases[0] if len(self.bases) > 1 else None
        judged = self.actions_until(base.at) if base is not None else set()
        self.heard, self.refused = self.heard & judged, self.refused & judged
        if base is None:
            self.pending = sorted(fact.arrival for fact in self.news)
            return
        self.memories, self.shown = dict(base.memories), dict(base.shown)
        self.lived, self.own_next = base.at, base.own_next
        self.pending = sorted({fact.arrival for fact in self.news if fact.arrival > base.at} | {max(first, base.at)})

    def actions_until(self, at: datetime) -> set[ActionKey]:
        """The actions that had arrived at an instant."""
        return {key_of(fact) for fact in self.entries.facts() if fact.name.startswith("action.") and fact.arrival <= at}

    def take_outgoing(self) -> list[Routed]:
        """What facts taken since the last call must be forwarded to other subjects' cases. Repeats are harmless."""
        sent, self.outgoing = self.outgoing, []
        return sent

    def take_refusals(self) -> list[Fact]:
        """The actions refused since the last call."""
        told, self.refusals = self.refusals, []
        return told

    def await_known(self) -> None:
        """Remember which known facts have not been lived through: a case may be told of what arrives later than it has lived."""
        known = [fact for entries in self._sets() for fact in entries.facts()]
        self.news = [fact for fact in known if self.lived is None or fact.arrival > self.lived]
        self.pending = sorted(fact.arrival for fact in self.news)

    def _sets(self) -> tuple[FactLog, ...]:
        return (self.entries, *self.disputes.values())

    @property
    def moved_to(self) -> str:
        """The survivor of a merge, whose case lives on with these facts; empty: it speaks for itself."""
        move = self.moves.get(self.subject)
        return move.to if move is not None else ""

    def refs(self) -> set[str]:
        """The persons whose facts it may know: its own ref and those that merges and splits tie it to."""
        ties = self.entries.ties
        return {self.subject, *(str(tie.data[side]) for tie in ties for side in ("survivor_ref", "removed_ref"))}

    def note_moves(self, merges: Merges, now: datetime) -> None:
        """Remember who has been merged away. Who has been once stays so: the survivor's case knows all of both and goes on."""
        for ref in sorted(merges.by_removed):
            to = merges.survivor(ref)
            if ref not in self.moves and self._speaker(to, now) != ref:
                self.moves[ref] = Move(now, to)

    def speaks_for(self, ref: str, at: datetime) -> bool:
        """Whether alerts of a ref are this case's to tell at an instant: others only know enough to go on with them."""
        if self.kind != "PERSON":
            return True
        return (self._speaker(ref, at) if self.moves else ref) == self.subject

    def _speaker(self, ref: str, at: datetime) -> str:
        while (move := self.moves.get(ref)) is not None and move.at <= at:
            ref = move.to
        return ref


def _forwarded(case: Case, event: Event, fact: Fact) -> list[Routed]:
    if case.kind == "DISPUTE":
        return [*told_persons(case.entries, event, fact), *corrections(case.subject, case.entries, event, fact)]
    if case.kind == "PERSON":
        own = event.subject == case.subject
        sets = (case.entries, *case.disputes.values())
        return [
            *relatives(case.subject, sets, event, fact),
            *(corrections(case.subject, case.entries, event, fact) if own else ()),
        ]
    return []
