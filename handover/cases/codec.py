"""A case as the JSON of `reentry.case.v1`: first what the pipeline needs to go on, then what others read (handover/cases/public_view.py)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import orjson

from handover.alerts.escalation import Ladder
from handover.alerts.lifecycle import Memory
from handover.cases.action_key import ActionKey
from handover.cases.case import Base, Case, Move
from handover.cases.json_cache import dumped
from handover.cases.public_view import view
from handover.facts.fact import Fact
from handover.facts.fact_log import FactLog
from handover.facts.thinning import Row, facts_of, is_mark, rows_of
from handover.ids import alert_id, obligation_id
from handover.obligations.derive import Slot
from handover.obligations.handovers import Closed
from schemas.alert import Alert
from schemas.instants import from_millis, millis

FORMAT, WITH_MARKS = (
    2,
    3,
)  # whoever cannot read marks, or bases that say only what was otherwise, must not pass over them
READ = (1, 2, 3)  # a rolling restart, and a way back: the formats before the own are read too
_LONG_AGO = from_millis(0)


class Written(NamedTuple):
    """A case as JSON. Its first `kept` bytes and a closing brace are what `decode_case` needs."""

    value: bytes
    kept: int


def encode_case(case: Case) -> Written:
    """The case as the JSON of reentry.case.v1, one revision on. Raise ValueError for one that was never advanced."""
    if case.derived is None:
        raise ValueError("a case is written only after it has lived through an instant")
    case.revision += 1
    made = case.fragments
    marks = _marks(case.entries)
    state: dict[str, Any] = {
        "format": WITH_MARKS if marks else FORMAT,
        "subject": case.subject,
        "kind": case.kind,
        "revision": case.revision,
        **_memories(case, case.memories, case.shown),
        "facts": _facts(case, case.entries),
        "disputes": {dispute: _facts(case, entries) for dispute, entries in case.disputes.items()},
        "lived": millis(case.lived) if case.lived else None,
        "next": millis(case.own_next) if case.own_next else None,
        "moved_to": case.moved_to,
    }
    if marks:
        state["marks"] = orjson.Fragment(marks)
    if case.bases:
        state["bases"] = [_base(case, base, whole=not marks) for base in case.bases]
    if case.closed:
        state["closed"] = [
            [
                one.explicit_id,
                millis(one.opened_at),
                millis(one.closed_at),
                one.transfers,
                one.other_name,
                one.awaits_place,
            ]
            for one in case.closed
        ]
    for name, actions in (("heard", case.heard), ("refused", case.refused)):
        if actions:
            state[name] = sorted(actions)
    if case.past:
        state["past"] = sorted(case.past)
    if case.moves:
        state["moves"] = {ref: [millis(move.at), move.to] for ref, move in case.moves.items()}
    kept = orjson.dumps(state)[:-1]
    value = kept + b"," + orjson.dumps(view(case, case.derived, made))[1:]
    made.drop_unused()
    return Written(value, len(kept))


def encode_view(case: Case) -> bytes:
    """The JSON of what others read of a case, the second part of `encode_case`. Raise ValueError for one that has not lived."""
    if case.derived is None:
        raise ValueError("what a case shows is known only after it has lived through an instant")
    text = orjson.dumps(view(case, case.derived, case.fragments))
    case.fragments.drop_unused()
    return text


def decode_case(text: bytes) -> Case:
    """Read what `encode_case` wrote, whole or as far as it is kept. Raise ValueError on a format that is not known."""
    value = orjson.loads(text)
    if value["format"] not in READ:
        raise ValueError(f"case format {value['format']} is not known, only {', '.join(map(str, READ))}")
    case = Case(value["subject"], value["kind"], revision=value["revision"])
    case.lived = from_millis(value["lived"]) if value["lived"] is not None else None
    case.own_next = from_millis(value["next"]) if value["next"] is not None else None
    case.entries = _entries(case, value["facts"])
    case.disputes = {dispute: _entries(case, facts) for dispute, facts in value["disputes"].items()}
    for row in value.get("marks", ()):
        for fact in facts_of(Row(*row)):
            case.entries.take(fact)
    case.await_known()
    case.memories, case.shown = _recalled(value)
    case.bases = tuple(_based(case, row) for row in value.get("bases", ()))
    case.closed = tuple(
        Closed(explicit, from_millis(opened), from_millis(closed), tuple(transfers), *since_handed_on)
        for explicit, opened, closed, transfers, *since_handed_on in value.get("closed", ())
    )
    case.past = frozenset(value.get("past", ()))
    if "heard" in value or "refused" in value:
        case.heard, case.refused = _actions(value.get("heard", ())), _actions(value.get("refused", ()))
    elif case.lived is not None and any(fact[0].startswith("action.") for fact in value["facts"]):
        case.heard = case.actions_until(case.lived)  # as an earlier version left it: it heard all
    if "moves" in value:
        case.moves = {ref: Move(from_millis(at), to) for ref, (at, to) in value["moves"].items()}
    elif value["moved_to"]:  # written before moves of other refs were kept
        case.moves[case.subject] = Move(case.lived or _LONG_AGO, value["moved_to"])
    return case


def _actions(rows: Iterable[list[str]]) -> set[ActionKey]:
    return {(source, id_, fact, alert) for source, id_, fact, alert in rows}


def _alert(slot: Slot) -> str:
    return alert_id(obligation_id(*slot))


def _memories(case: Case, memories: Mapping[Slot, Memory], shown: Mapping[Slot, Alert]) -> dict[str, Any]:
    made = case.fragments
    return {
        "alerts": {
            _alert(slot): made.of(("alert", slot, memory.revision, memory.changed_at), memory, partial(_remembered, slot, memory))
            for slot, memory in memories.items()
        },
        "shown": [case.written(alert) for alert in shown.values()],
    }  # fmt: skip


def _recalled(value: Mapping[str, Any]) -> tuple[dict[Slot, Memory], dict[Slot, Alert]]:
    told = {alert.alert_id: alert for alert in map(Alert.model_validate, value["shown"])}
    memories: dict[Slot, Memory] = {}
    shown: dict[Slot, Alert] = {}
    for name, (slot, memory) in value["alerts"].items():
        key: Slot = (slot[0], slot[1], slot[2])
        memories[key] = _remember(memory)
        if name in told:
            shown[key] = told[name]
    return memories, shown


def _base(case: Case, base: Base, *, whole: bool) -> dict[str, Any]:
    """Not `whole`: of the alerts as they were, those that are otherwise now, and the names of those that were not there (`without`)."""
    row: dict[str, Any] = {"at": millis(base.at), "next": _ms(base.own_next)}
    if whole:
        return {**row, **_memories(case, base.memories, base.shown)}
    slots = [slot for slot in base.memories if not _is_as_now(case, base, slot)]
    memories = {slot: base.memories[slot] for slot in slots}
    shown = {slot: base.shown[slot] for slot in slots if slot in base.shown}
    without = [_alert(slot) for slot in case.memories if slot not in base.memories]
    return {**row, **_memories(case, memories, shown), "without": without}


def _is_as_now(case: Case, base: Base, slot: Slot) -> bool:
    before, now = base.shown.get(slot), case.shown.get(slot)
    return base.memories[slot] == case.memories.get(slot) and (before is now or before == now)


def _based(case: Case, row: Mapping[str, Any]) -> Base:
    memories, shown = _recalled(row)
    if "without" in row:  # else an earlier version has written all of them
        without = {*row["without"], *row["alerts"]}
        slots = [slot for slot in case.memories if _alert(slot) not in without]
        memories |= {slot: case.memories[slot] for slot in slots}
        shown |= {slot: case.shown[slot] for slot in slots if slot in case.shown}
    return Base(from_millis(row["at"]), _at(row["next"]), memories, shown)


def _facts(case: Case, entries: FactLog) -> orjson.Fragment:
    """All facts but marks; those that were written before are not written anew."""
    new = [fact for fact in entries.facts() if not is_mark(fact)] if entries.text is None else entries.added
    if new or entries.text is None:
        text = orjson.dumps([_fact(case, fact) for fact in new])[1:-1]
        entries.text = entries.text + b"," + text if entries.text else text
        entries.added = []
    return orjson.Fragment(b"[" + entries.text + b"]")


def _marks(entries: FactLog) -> bytes:
    """All marks, before `_facts`; empty where there are none."""
    if entries.text is None:
        rows = [list(row) for row in rows_of(fact for fact in entries.facts() if is_mark(fact))]
        entries.marks = dumped(rows) if rows else b""
    return entries.marks


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


def _entries(case: Case, facts: Iterable[list[Any]]) -> FactLog:
    entries = FactLog()
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


def _remembered(slot: Slot, memory: Memory) -> list[Any]:
    return [list(slot), _memory(memory)]


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
