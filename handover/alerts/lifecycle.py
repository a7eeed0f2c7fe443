"""The life of an alert: the only thing that remembers that an obligation was once unanswered (semantics.md 7, semantics.md 8)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from handover.alerts.escalation import Ladder, LadderName
from handover.calendar import Calendar, Span
from handover.facts.fact import Fact, last
from handover.obligations.obligation import Obligation
from handover.rules.rulebook import Severity

State = Literal["firing", "resolved", "withdrawn"]
Outcome = Literal["met_late", "late_delivery", "met", "waived", "cancelled", "paused", "redated", "mistake"]
_DECIDES = ("action.waived", "action.reopened")
ALWAYS_LATE = frozenset(("feed_silent", "manifest_gap", "abolished_code", "metric"))
_MET: frozenset[str | None] = frozenset(("late_delivery", "met", "met_late"))


class Memory(NamedTuple):
    """What is remembered of one obligation's alert."""

    state: State
    outcome: Outcome | None
    revision: int
    severity: Severity
    stage: int
    step: int
    held: bool
    due_at: datetime
    provisional: bool
    owner: str
    raised_at: datetime
    changed_at: datetime
    ladder: Ladder
    resolved_at: datetime | None = None
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    snoozed_until: datetime | None = None
    contest: str | None = None

    @property
    def firing(self) -> bool:
        """Whether it is unanswered now."""
        return self.state == "firing"

    @property
    def visible(self) -> tuple[object, ...]:
        """What makes a new revision when it changes (7.6)."""
        return (
            self.state, self.severity, self.outcome, self.stage, self.step, self.due_at, self.held, self.provisional, self.owner,
            self.acknowledged_by, self.assigned_to, self.snoozed_until, self.contest,
        )  # fmt: skip


class Around(NamedTuple):
    """What an alert is weighed against at one instant."""

    now: datetime
    calendar: Calendar
    ladders: Mapping[str, tuple[Span, ...]]
    feed_down: Callable[[str], bool]


def weigh(
    old: Memory | None, duty: Obligation | None, actions: Sequence[Fact], around: Around, *, waived: bool
) -> Memory | None:
    """The memory after instant `now`: the same object where nothing changed. `actions` are those that arrived at `now`, in order."""
    unanswered = duty is not None and not waived and is_open(duty) and duty.due_at <= around.now
    if old is None or not old.firing:
        if unanswered and duty is not None:
            return _acted(
                _fired(old, duty, around), actions, around, became_crit=severity_at(duty, around.now)[0] == "CRIT"
            )
        return None if old is None else _revised(old, duty, around)
    if not unanswered or duty is None:
        return _ended(old, duty, around, waived=waived)
    went_on = _went_on(old, duty, around)
    new = _acted(went_on, actions, around, became_crit=went_on.severity == "CRIT" and old.severity != "CRIT")
    if new.visible != old.visible:
        return new._replace(revision=old.revision + 1, changed_at=around.now)
    return new if new != old else old


def is_open(duty: Obligation) -> bool:
    """Neither met nor cancelled, superseded or paused (7.1)."""
    return duty.met_at is None and not duty.cancelled and not duty.superseded and not duty.paused


def is_waived(actions: Iterable[Fact]) -> bool:
    """8.5: of the actions on one alert, the latest of waived and reopened holds."""
    decided = last(action for action in actions if action.name in _DECIDES)
    return decided is not None and decided.name == "action.waived"


def severity_at(duty: Obligation, now: datetime) -> tuple[Severity, int]:
    """The severest stage reached, and the number of stages reached - 1."""
    reached = [severity for at, severity in duty.stages if at <= now]
    if not reached:
        return (duty.stages[0][1] if duty.stages else "INFO"), 0
    return max(reached, key=_RANK.__getitem__), len(reached) - 1


_RANK = {"INFO": 0, "WARN": 1, "HIGH": 2, "CRIT": 3}


def _held(duty: Obligation, severity: Severity, around: Around) -> bool:
    if severity == "CRIT" or duty.handover_kind == "SYSTEM":
        return False
    return any(around.feed_down(agency) for agency in duty.answered_by)


def _fired(old: Memory | None, duty: Obligation, around: Around) -> Memory:
    severity, stage = severity_at(duty, around.now)
    name: LadderName = "CRIT" if severity == "CRIT" else "normal"
    ladder = Ladder(name, around.now, 0 if name == "CRIT" else duty.first_step)
    return Memory(
        state="firing",
        outcome=None,
        revision=old.revision + 1 if old else 1,
        severity=severity,
        stage=stage,
        step=duty.first_step,
        held=_held(duty, severity, around),
        due_at=duty.due_at,
        provisional=duty.provisional,
        owner=duty.owner,
        raised_at=around.now,
        changed_at=around.now,
        ladder=ladder,
    )


def _went_on(old: Memory, duty: Obligation, around: Around) -> Memory:
    severity, stage = severity_at(duty, around.now)
    held = _held(duty, severity, around)
    step = old.step
    if not held and not old.held and old.severity != "INFO":
        step = old.ladder.climbed(step, around.now, around.ladders[old.ladder.name], around.calendar)
    ladder = _ladder(old, severity, step, around, released=old.held and not held)
    if ladder is not old.ladder and ladder.name == "CRIT":
        step = ladder.climbed(step, around.now, around.ladders["CRIT"], around.calendar)
    return old._replace(
        severity=severity,
        stage=stage,
        step=step,
        held=held,
        due_at=duty.due_at,
        provisional=duty.provisional,
        owner=duty.owner,
        ladder=ladder,
    )


def _ladder(old: Memory, severity: Severity, step: int, around: Around, *, released: bool) -> Ladder:
    """8.2, 9.5: the ladder in force from `now` on."""
    if severity == "CRIT" and old.severity != "CRIT":
        return Ladder("CRIT", around.now, 0)
    if severity != "CRIT" and old.severity == "CRIT":
        return Ladder("normal", around.now, step)
    if (old.severity == "INFO" and severity != "INFO") or released:
        return Ladder(old.ladder.name, around.now, step)
    return old.ladder


def _acted(memory: Memory, actions: Sequence[Fact], around: Around, *, became_crit: bool) -> Memory:
    for action in actions:
        memory = _ACTIONS.get(action.name, _nothing)(memory, action, around.now)
    if became_crit and actions:
        memory = memory._replace(ladder=Ladder("CRIT", around.now, 0))
    return memory


def _nothing(memory: Memory, action: Fact, now: datetime) -> Memory:
    return memory


def _rebased(memory: Memory, base: datetime) -> Ladder:
    return memory.ladder._replace(base=base, start=memory.step)


def _acknowledged(memory: Memory, action: Fact, now: datetime) -> Memory:
    return memory._replace(acknowledged_by=str(action.data["by"]), ladder=_rebased(memory, now))


def _snoozed(memory: Memory, action: Fact, now: datetime) -> Memory:
    until = action.instant("until")
    return memory._replace(snoozed_until=until, ladder=_rebased(memory, max(until, now)))


def _resumed(memory: Memory, action: Fact, now: datetime) -> Memory:
    asleep = memory.snoozed_until is not None and memory.snoozed_until > now
    return memory._replace(snoozed_until=None, ladder=_rebased(memory, now) if asleep else memory.ladder)


_ACTIONS: Mapping[str, Callable[[Memory, Fact, datetime], Memory]] = {
    "action.acknowledged": _acknowledged,
    "action.unacknowledged": lambda memory, action, now: memory._replace(acknowledged_by=None),
    "action.assigned": lambda memory, action, now: memory._replace(assigned_to=str(action.data["to"])),
    "action.snoozed": _snoozed,
    "action.resumed": _resumed,
    "action.contested": lambda memory, action, now: memory._replace(contest="open"),
    "action.contest_decided": lambda memory, action, now: memory._replace(
        contest="upheld" if action.data["upheld"] else "rejected"
    ),
}


def _ended(old: Memory, duty: Obligation | None, around: Around, *, waived: bool) -> Memory:
    """7.2: the first reason that holds ends it; severity, stage, step, hold and what people did stay as they were (7.3)."""
    state, outcome = _end(duty, waived=waived)
    keeps_values = duty is None or duty.rule.form == "feed_silent"
    return old._replace(
        state=state,
        outcome=outcome,
        revision=old.revision + 1,
        changed_at=around.now,
        resolved_at=around.now,
        due_at=old.due_at if keeps_values or duty is None else duty.due_at,
        provisional=old.provisional if keeps_values or duty is None else duty.provisional,
        owner=old.owner if keeps_values or duty is None else duty.owner,
    )


def _end(duty: Obligation | None, *, waived: bool) -> tuple[State, Outcome]:
    if waived:
        return "resolved", "waived"
    if duty is None:
        return "withdrawn", "mistake"
    if duty.met_at is not None:
        return "resolved", met_outcome(duty, duty.met_at)
    if duty.rule.form == "feed_silent":
        return "resolved", "met_late"
    if duty.cancelled:
        return "withdrawn", "cancelled"
    if duty.superseded:
        return "withdrawn", "redated"
    return "withdrawn", "paused" if duty.paused else "redated"


def met_outcome(duty: Obligation, met_at: datetime) -> Outcome:
    """7.4."""
    if duty.rule.form in ALWAYS_LATE:
        return "met_late"
    if met_at < duty.due_at:
        return "late_delivery"
    if duty.reminder_until is not None and met_at < duty.reminder_until:
        return "met"
    return "met_late"


def _revised(old: Memory, duty: Obligation | None, around: Around) -> Memory:
    """7.5: an ended alert changes only between the three ways of having been met."""
    if old.outcome not in _MET or duty is None or duty.met_at is None or duty.rule.form == "feed_silent":
        return old
    outcome = met_outcome(duty, duty.met_at)
    if outcome == old.outcome:
        return old
    return old._replace(
        outcome=outcome,
        revision=old.revision + 1,
        changed_at=around.now,
        due_at=duty.due_at,
        provisional=duty.provisional,
        owner=duty.owner,
    )


def next_instants(memory: Memory, duty: Obligation | None, around: Around) -> list[datetime]:
    """Later instants at which a firing alert changes by itself: stages and ladder steps."""
    if not memory.firing:
        return []
    found = [at for at, _ in duty.stages if at > around.now] if duty else []
    if memory.severity != "INFO" and not memory.held:
        step_at = memory.ladder.next_after(memory.step, around.ladders[memory.ladder.name], around.calendar)
        if step_at is not None and step_at > around.now:
            found.append(step_at)
    return found
