"""Every obligation of a history and how it stood at each instant, those answered in time too: what figures are counted from.

An alert remembers only what was late. The ledger lets the same cases live through the same instants, keeps what was answered, and
writes down each change with the instant (log time) at which it became known: so "as known at" is a comparison of instants.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from handover.agencies import code_of, type_of
from handover.alerts.lifecycle import is_waived, met_outcome
from handover.alerts.snapshot import computation
from handover.analysis.replay import Cases, Told
from handover.calendar import MILLISECOND, Calendar, months_on, start_of
from handover.cases.advance import live, next_instant
from handover.cases.case import Case
from handover.cases.shared_state import SHARED, SharedState
from handover.facts.fact import Fact
from handover.ids import alert_id, obligation_id
from handover.obligations.derive import Derived, Slot
from handover.obligations.obligation import Obligation
from handover.rules.rulebook import RuleBook

Standing = Literal["open", "in_time", "late", "waived", "cancelled", "redated", "paused"]
FROZEN_AFTER = timedelta(days=2, hours=12)  # a month's figures are frozen at noon of the third day after it
OF_COUNTY = frozenset(("COUNTY_JUSTICE", "TOWN_JUSTICE", "MEDIATION"))  # offices whose lateness is their county's


class Duty(NamedTuple):
    """One obligation as it stands. `county`: six digits, where it is counted: whose office owes it, else where the person is."""

    obligation_id: str
    alert_id: str
    subject: str
    handover_id: str | None
    handover_kind: str
    key_person: bool
    rule_id: str
    occurrence: str
    owner_agency: str
    jurisdiction: str
    county: str
    severity: str
    anchor_at: datetime
    due_at: datetime
    met_at: datetime | None
    standing: Standing
    contest: str | None
    provisional: bool


class Entry(NamedTuple):
    """How a duty stood from `known_from` on, until `known_until` (None: still)."""

    known_from: datetime
    known_until: datetime | None
    duty: Duty
    computation: Sequence[dict[str, Any]]


class Reckoned(NamedTuple):
    """The ledger of one subject, and the next instant at which it can change without news (None: never)."""

    subject: str
    entries: tuple[Entry, ...]
    next_at: datetime | None


def world_of(told: Iterable[Told], book: RuleBook, calendar: Calendar) -> SharedState:
    """What is shared by all cases: calendars, registry, rule versions. Feeds are left out: they hold alerts, and move no duty."""
    world = SharedState(book, calendar)
    for event, arrival in sorted(told, key=lambda one: one[1]):
        if event.fact in SHARED:
            world.take(event, arrival)
    return world


def reckon(told: Iterable[Told], world: SharedState, until: datetime) -> Iterator[Reckoned]:
    """The ledger of every person and dispute up to and including `until`.

    `told` must hold all events of these subjects and of those tied to them: merged refs, disputes that name them.
    """
    known = sorted((one for one in told if one[1] <= until), key=lambda one: one[1])
    cases = Cases(known, keep_answered=True)
    for event, arrival in known:
        if not event.fact.startswith("system."):
            cases.take(event, arrival)
    for case in cases.by_subject.values():
        if case.kind != "SOURCE":
            yield _lived(case, world, until + MILLISECOND)


def standing_of(duty: Obligation, *, waived: bool) -> Standing:
    """How it stands, by the order of semantics.md 7.2; in time is met before the limit, or before what a reminder reminds of."""
    if waived:
        return "waived"
    if duty.met_at is not None:
        return "late" if met_outcome(duty, duty.met_at) == "met_late" else "in_time"
    if duty.cancelled:
        return "cancelled"
    if duty.superseded:
        return "redated"
    return "paused" if duty.paused else "open"


def _lived(case: Case, world: SharedState, before: datetime) -> Reckoned:
    book = _Book(case, world)
    while (now := next_instant(case, world)) is not None and now < before:
        live(case, world, now)
        book.note(now)
    changes = [at for at in (_alarm(case), _change(case, world)) if at is not None]
    return Reckoned(case.subject, tuple(book.entries()), min(changes, default=None))


def _alarm(case: Case) -> datetime | None:
    return None if case.moved_to or case.derived is None else case.derived.alarm


def _change(case: Case, world: SharedState) -> datetime | None:
    return None if case.moved_to or case.lived is None else world.next_change(case.lived)


class _Book:
    """The pages of one case: what is open on each slot, and what has been closed."""

    def __init__(self, case: Case, world: SharedState) -> None:
        self._case, self._world = case, world
        self._open: dict[Slot, Entry] = {}
        self._closed: list[Entry] = []

    def note(self, now: datetime) -> None:
        """Write down what stands otherwise than before."""
        case, derived = self._case, self._case.derived
        if derived is None or case.moved_to:
            for slot in list(self._open):
                self._close(slot, now)
            return
        for slot in self._candidates(derived):
            duty = derived.duties.get(slot)
            if duty is None or self._speaks_for_other(duty, now):
                self._close(slot, now)
                continue
            found = self._duty(slot, duty, derived)
            before = self._open.get(slot)
            if before is None or before.duty != found:
                self._close(slot, now)
                self._open[slot] = Entry(now, None, found, self._counted(duty))

    def entries(self) -> Iterator[Entry]:
        """Everything written down, what did not last for an instant left out."""
        yield from self._closed
        yield from self._open.values()

    def _candidates(self, derived: Derived) -> set[Slot]:
        if derived.changed is None:
            return {*derived.duties, *self._open}
        acted = {slot for slot in derived.duties if _alert(slot) in derived.actions} if derived.actions else set()
        return derived.changed | acted

    def _close(self, slot: Slot, now: datetime) -> None:
        before = self._open.pop(slot, None)
        if before is not None and before.known_from < now:
            self._closed.append(before._replace(known_until=now))

    def _speaks_for_other(self, duty: Obligation, now: datetime) -> bool:
        """Whether another case still speaks for the ref: this one may from a merge on."""
        return not self._case.speaks_for(duty.subject, now)

    def _duty(self, slot: Slot, duty: Obligation, derived: Derived) -> Duty:
        name = _alert(slot)
        memory = self._case.memories.get(slot)
        return Duty(
            obligation_id=obligation_id(*slot),
            alert_id=name,
            subject=duty.subject,
            handover_id=duty.handover_id,
            handover_kind=duty.handover_kind,
            key_person=_is_key_person(derived, duty),
            rule_id=duty.rule.id,
            occurrence=duty.occurrence,
            owner_agency=duty.owner,
            jurisdiction=duty.jurisdiction,
            county=county_of(duty.owner, duty.jurisdiction),
            severity=duty.stages[0][1] if duty.stages else "INFO",
            anchor_at=duty.anchor_at,
            due_at=duty.due_at,
            met_at=duty.met_at,
            standing=standing_of(duty, waived=is_waived(_told(derived, name))),
            contest=memory.contest if memory is not None else None,
            provisional=duty.provisional,
        )

    def _counted(self, duty: Obligation) -> Sequence[dict[str, Any]]:
        assert self._case.lived is not None
        return computation(duty, self._world.frame(self._case.lived).calendar)


def freezes_at(first: date) -> datetime:
    """When the figures of the month that begins at `first` are frozen."""
    return start_of(months_on(first, 1)) + FROZEN_AFTER


def county_of(owner: str, jurisdiction: str) -> str:
    """Where a duty is counted: the county whose office owes it; what prisons, courts or the city owe, where the person is."""
    return (code_of(owner) if type_of(owner) in OF_COUNTY else jurisdiction)[:6]


def _alert(slot: Slot) -> str:
    return alert_id(obligation_id(*slot))


def _told(derived: Derived, name: str) -> Sequence[Fact]:
    return derived.actions.get(name, ())


def _is_key_person(derived: Derived, duty: Obligation) -> bool:
    return any(one.handover_id == duty.handover_id and one.key_person for one in derived.handovers)
