"""What others may read of a case: its handovers with their state, its dispute, and every obligation not yet ended."""

from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from handover.alerts.lifecycle import Memory, is_open, is_waived, severity_at
from handover.alerts.snapshot import computation, reason
from handover.calendar import DAY, Calendar
from handover.cases.case import Case
from handover.cases.json_cache import JsonCache
from handover.facts.fact import Fact
from handover.ids import alert_id, obligation_id
from handover.obligations.derive import Derived, Slot
from handover.obligations.handovers import Handover, ids_of
from handover.obligations.obligation import Obligation, Scope
from handover.obligations.status import state_of
from handover.rules.policy import Policies
from schemas.instants import show

WARNS_AFTER = (
    2 / 3
)  # a duty is shown as due soon in the last third of its period (domain.md 4.7), at least a day before


def view(case: Case, derived: Derived, made: JsonCache) -> dict[str, Any]:
    """The public fields of `reentry.case.v1` (schemas/case.py) that `encode` does not need for itself."""
    now = case.lived
    own = [scope for scope in derived.scopes if now is not None and case.speaks_for(scope.subject, now)]
    policies = derived.frame.versions.first.policies
    return {
        "changed_at": show(now) if now else None,
        "handovers": [_handover(case, scope, policies, made) for scope in own if scope.handover is not None],
        "forgotten": ids_of(case.subject, case.closed),
        "dispute": _dispute(derived.scopes[0]) if case.kind == "DISPUTE" and derived.scopes else None,
        "obligations": _obligations(case, derived, now, made) if now is not None else [],
    }


_slot = itemgetter(0)


def _handover(case: Case, scope: Scope, policies: Policies, made: JsonCache) -> dict[str, Any]:
    handover = scope.handover
    assert handover is not None
    signals = [
        policies.of(slot[1]).signal for slot, memory in case.memories.items() if slot[0] == scope.id and memory.firing
    ]
    anchor = handover.facts[0]
    return {
        "handover_id": scope.id,
        "kind": scope.kind,
        "state": state_of(handover, signals, detained=scope.custody.detained, superseded=bool(case.moved_to)),
        "opened_at": show(handover.opened_at),
        "closed_at": show(handover.closed_at) if handover.closed_at else None,
        "release_date": scope.release_date.isoformat() if scope.release_date else None,
        "sending": scope.owners.agency("sending", anchor),
        "county": scope.owners.agency("county", anchor),
        "town": scope.owners.agency("town", anchor),
        "jurisdiction": scope.owners.jurisdiction(),
        "key_person": handover.key_person,
        "milestones": _milestones(scope.id, handover, made),
    }


def _milestones(scope: str, handover: Handover, made: JsonCache) -> list[orjson.Fragment]:
    """The latest fact of each name, in the order of the names; repeated check-ins count once."""
    return [
        made.of(("milestone", scope, name), (fact := handover.by_name[name][-1]), partial(_milestone, fact))
        for name in sorted(handover.by_name)
    ]


def _milestone(fact: Fact) -> dict[str, Any]:
    return {
        "fact": fact.name,
        "time": show(fact.time),
        "arrival": show(fact.arrival),
        "source": fact.source,
        "event_id": fact.id,
    }


def _dispute(scope: Scope) -> dict[str, Any]:
    reported = next(iter(scope.facts.get("dispute.reported", ())), None)
    names = [
        name
        for name in ("failed", "withdrawn", "referred", "performed", "agreed", "accepted", "reported")
        if scope.facts.get(f"dispute.{name}")
    ]
    escalated = scope.facts.get("dispute.escalated")
    some = next((facts[0] for facts in scope.facts.values() if facts), None)
    return {
        "state": names[0].upper() if names else "UNKNOWN",
        "level": escalated[-1].data["to_level"] if escalated else reported.data["level"] if reported else None,
        "place_code": reported.data["place_code"] if reported else None,
        "committee": scope.owners.agency("committee", reported or some) if some else None,
    }


def _obligations(case: Case, derived: Derived, now: datetime, made: JsonCache) -> list[orjson.Fragment]:
    """Every obligation not yet ended, so that what is due soon is seen before it is late; a waived one can be reopened (8.5).

    In the order of their slots: the same case shows the same bytes, however it was derived.
    """
    calendar, found = derived.frame.calendar, []
    open_ = [
        (slot, duty)
        for slot, duty in derived.duties.items()
        if duty.met_at is None and not (duty.cancelled or duty.superseded) and case.speaks_for(duty.subject, now)
    ]
    open_.sort(key=_slot)
    for slot, duty in open_:
        memory = case.memories.get(slot)
        firing = memory if memory is not None and memory.firing else None
        shown = _Shown(duty, firing, _state(slot, duty, derived, now), severity_at(duty, now)[0], calendar)
        found.append(made.of(("duty", slot), shown, partial(_obligation, slot, shown)))
    return found


class _Shown(NamedTuple):
    """All that an obligation is shown by."""

    duty: Obligation
    firing: Memory | None
    state: str
    severity: str
    calendar: Calendar


def _state(slot: Slot, duty: Obligation, derived: Derived, now: datetime) -> str:
    if derived.actions and is_waived(derived.actions.get(alert_id(obligation_id(*slot)), ())):
        return "waived"
    if duty.paused:
        return "paused"
    return "overdue" if duty.due_at <= now and is_open(duty) else "open"


def _obligation(slot: Slot, shown: _Shown) -> dict[str, Any]:
    duty, identity = shown.duty, obligation_id(*slot)
    return {
        "obligation_id": identity,
        "alert_id": alert_id(identity),
        "handover_id": duty.handover_id,
        "rule_id": duty.rule.id,
        "occurrence": duty.occurrence,
        "owner_agency": duty.owner,
        "jurisdiction": duty.jurisdiction,
        "state": shown.state,
        "severity": shown.severity,
        "anchor_at": show(duty.anchor_at),
        "due_at": show(duty.due_at),
        "warn_at": show(warn_at(duty)),
        "provisional": duty.provisional,
        "reason": reason(duty, shown.firing),
        "missing": list(duty.rule.missing),
        "computation": computation(duty, shown.calendar),
    }


def warn_at(duty: Obligation) -> datetime:
    """From when a duty is shown as due soon: the last third of its period, at least one day."""
    period = max(duty.due_at - duty.anchor_at, timedelta())
    return max(duty.anchor_at, duty.due_at - max(period * (1 - WARNS_AFTER), DAY)) if period else duty.due_at
