"""A case as the public JSON of `reentry.case.v1`: what others may read, and what the pipeline needs to go on."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import orjson

from handover.alerts import Memory, is_open, severity_at
from handover.calendar import DAY
from handover.case import Case
from handover.derivation import Derived, Slot
from handover.facts import Fact
from handover.factset import Entries
from handover.handovers import Handover
from handover.identity import alert_id, obligation_id
from handover.ladder import Ladder
from handover.obligations import Obligation, Scope
from handover.snapshots import computation, reason
from handover.state import state_of
from schemas.alert import Alert
from schemas.instants import from_millis, millis, show

FORMAT = 1
WARNS_AFTER = (
    2 / 3
)  # a duty is shown as due soon in the last third of its period (domain.md 4.7), at least a day before


def encode(case: Case) -> bytes:
    """The case as JSON, after it has lived. Raise ValueError for one that has not: what it would show is not known."""
    if case.derived is None:
        raise ValueError("a case is written only after it has lived through an instant")
    derived = case.derived
    now = case.lived
    value = {
        "format": FORMAT,
        "subject": case.subject,
        "kind": case.kind,
        "revision": case.revision,
        "changed_at": show(now) if now else None,
        "handovers": []
        if case.moved_to
        else [_handover(case, scope) for scope in derived.scopes if scope.handover is not None],
        "dispute": _dispute(derived.scopes[0]) if case.kind == "DISPUTE" and derived.scopes else None,
        "obligations": [] if case.moved_to or now is None else _obligations(case, derived, now),
        "alerts": {_alert(slot): [list(slot), _memory(memory)] for slot, memory in case.memories.items()},
        "shown": [alert.wire() for alert in case.shown.values()],
        "facts": _facts(case, case.entries),
        "disputes": {dispute: _facts(case, entries) for dispute, entries in case.disputes.items()},
        "log": case.log,
        "lived": millis(now) if now else None,
        "next": millis(case.own_next) if case.own_next else None,
        "moved_to": case.moved_to,
    }
    return orjson.dumps(value)


def decode(text: bytes) -> Case:
    """Read what `encode` wrote. Raise ValueError on a format that is not known."""
    value = orjson.loads(text)
    if value["format"] != FORMAT:
        raise ValueError(f"case format {value['format']} is not known, only {FORMAT}")
    case = Case(
        value["subject"], value["kind"], revision=value["revision"], log=value["log"], moved_to=value["moved_to"]
    )
    case.lived = from_millis(value["lived"]) if value["lived"] is not None else None
    case.own_next = from_millis(value["next"]) if value["next"] is not None else None
    case.entries = _entries(case, value["facts"])
    case.disputes = {dispute: _entries(case, facts) for dispute, facts in value["disputes"].items()}
    case.await_known()
    shown = {alert.alert_id: alert for alert in map(Alert.model_validate, value["shown"])}
    for name, (slot, memory) in value["alerts"].items():
        key: Slot = (slot[0], slot[1], slot[2])
        case.memories[key] = _remember(memory)
        if name in shown:
            case.shown[key] = shown[name]
    return case


def _alert(slot: Slot) -> str:
    return alert_id(obligation_id(*slot))


# --- what others read


def _handover(case: Case, scope: Scope) -> dict[str, Any]:
    handover = scope.handover
    assert handover is not None
    firing = [slot[1] for slot, memory in case.memories.items() if slot[0] == scope.id and memory.firing]
    anchor = handover.facts[0]
    return {
        "handover_id": scope.id,
        "kind": scope.kind,
        "state": state_of(handover, firing, detained=scope.custody.detained, superseded=bool(case.moved_to)),
        "opened_at": show(handover.opened_at),
        "closed_at": show(handover.closed_at) if handover.closed_at else None,
        "release_date": scope.release_date.isoformat() if scope.release_date else None,
        "sending": scope.owners.agency("sending", anchor),
        "county": scope.owners.agency("county", anchor),
        "town": scope.owners.agency("town", anchor),
        "jurisdiction": scope.owners.jurisdiction(),
        "key_person": handover.key_person,
        "milestones": _milestones(handover),
    }


def _milestones(handover: Handover) -> list[dict[str, Any]]:
    """The latest fact of each name; repeated check-ins count once."""
    return [
        {
            "fact": name,
            "time": show(facts[-1].time),
            "arrival": show(facts[-1].arrival),
            "source": facts[-1].source,
            "event_id": facts[-1].id,
        }
        for name, facts in handover.by_name.items()
    ]


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


def _obligations(case: Case, derived: Derived, now: datetime) -> list[dict[str, Any]]:
    """Every obligation not yet ended, so that what is due soon is seen before it is late."""
    calendars = {scope.id: scope.calendar for scope in derived.scopes}
    found = []
    for slot, duty in derived.duties.items():
        if duty.met_at is not None or duty.cancelled or duty.superseded:
            continue
        memory = case.memories.get(slot)
        found.append(
            {
                "obligation_id": obligation_id(*slot),
                "alert_id": _alert(slot),
                "handover_id": duty.handover_id,
                "rule_id": duty.rule.id,
                "occurrence": duty.occurrence,
                "owner_agency": duty.owner,
                "jurisdiction": duty.jurisdiction,
                "state": "paused" if duty.paused else "overdue" if duty.due_at <= now and is_open(duty) else "open",
                "severity": severity_at(duty, now)[0],
                "anchor_at": show(duty.anchor_at),
                "due_at": show(duty.due_at),
                "warn_at": show(warn_at(duty)),
                "provisional": duty.provisional,
                "reason": reason(duty, memory if memory and memory.firing else None),
                "missing": list(duty.rule.missing),
                "computation": computation(duty, calendars[duty.scope]),
            }
        )
    return found


def warn_at(duty: Obligation) -> datetime:
    """From when a duty is shown as due soon: the last third of its period, at least one day."""
    period = max(duty.due_at - duty.anchor_at, timedelta())
    return max(duty.anchor_at, duty.due_at - max(period * (1 - WARNS_AFTER), DAY)) if period else duty.due_at


# --- what the pipeline needs


def _facts(case: Case, entries: Entries) -> list[list[Any]]:
    return [_fact(case, fact) for copies in entries.copies.values() for fact in copies]


def _fact(case: Case, fact: Fact) -> list[Any]:
    return [
        fact.name,
        millis(fact.time),
        fact.source,
        fact.id,
        millis(fact.arrival),
        fact.subject if fact.subject != case.subject else None,
        fact.data,
        millis(fact.recorded) if fact.recorded else None,
        fact.handoverid,
        fact.corrects,
    ]


def _entries(case: Case, facts: Iterable[list[Any]]) -> Entries:
    entries = Entries()
    for name, time, source, id_, arrival, subject, data, recorded, handoverid, corrects in facts:
        entries.take(
            Fact(
                name,
                from_millis(time),
                source,
                id_,
                from_millis(arrival),
                subject or case.subject,
                data,
                from_millis(recorded) if recorded is not None else None,
                handoverid,
                corrects,
            )
        )
    return entries


def _memory(memory: Memory) -> list[Any]:
    return [
        memory.state, memory.outcome, memory.revision, memory.severity, memory.stage, memory.step, memory.held, millis(memory.due_at),
        memory.provisional, memory.owner, millis(memory.raised_at), millis(memory.changed_at),
        [memory.ladder.name, millis(memory.ladder.base), memory.ladder.start], _ms(memory.resolved_at), memory.acknowledged_by, memory.assigned_to,
        _ms(memory.snoozed_until), memory.contest,
    ]  # fmt: skip


def _ms(at: datetime | None) -> int | None:
    return None if at is None else millis(at)


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else from_millis(ms)


def _remember(row: list[Any]) -> Memory:
    (
        state,
        outcome,
        revision,
        severity,
        stage,
        step,
        held,
        due,
        provisional,
        owner,
        raised,
        changed,
        ladder,
        resolved,
        by,
        to,
        snoozed,
        contest,
    ) = row
    return Memory(
        state, outcome, revision, severity, stage, step, held, from_millis(due), provisional, owner, from_millis(raised), from_millis(changed),
        Ladder(ladder[0], from_millis(ladder[1]), ladder[2]), _at(resolved), by, to, _at(snoozed), contest,
    )  # fmt: skip
