"""Cases computed again from the log, and what the alert topic lacks of them: for a topic of cases that was lost or damaged."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handover.alerts.escalation import Ladder
from handover.alerts.lifecycle import Memory
from handover.analysis.replay import Cases, Told, share
from handover.analysis.verification import as_judged, is_shown_alike
from handover.cases.advance import advance, derived_anew
from handover.cases.case import Case
from handover.cases.compaction import LONG, fold
from handover.cases.shared_state import SharedState
from handover.ids import alert_id, obligation_id
from handover.obligations.derive import Slot
from schemas.alert import Alert

_AS_SHOWN = tuple(name for name in Memory._fields if name not in ("owner", "ladder"))
_STRIDE = timedelta(days=1)  # a long case forgets as it goes, as it does live


@dataclass(slots=True)
class Recomputed:
    """The cases as they are before an instant, and each alert's snapshots in order, with the subject of the case that tells them.

    `failed`: subjects whose case cannot be computed.
    """

    cases: MutableMapping[str, Case]
    lived: dict[str, list[tuple[str, Alert]]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


def recompute(
    events: Iterable[Told],
    world: SharedState,
    before: datetime,
    kept: Mapping[str, Case],
    advanced: Callable[[], object] = lambda: None,
) -> Recomputed:
    """Let all cases live through every instant < `before`. `kept`: cases that go on from what is remembered of them.

    A verdict on a manifest is a fact as it was told: what the sink has not judged yet comes later. `advanced`: called for each case.
    """
    ordered = sorted((one for one in events if one[1] < before), key=lambda one: one[1])
    for event, arrival in ordered:
        share(world, event, arrival)
    cases = Cases(ordered)
    cases.by_subject.update(kept)
    found = Recomputed(cases.by_subject)
    for event, arrival in ordered:
        try:
            cases.take(event, arrival)
        except Exception:  # noqa: BLE001  # as in a worker, others go on
            found.failed.add(event.subject)
    for subject, case in cases.by_subject.items():
        advanced()
        if subject in found.failed:
            continue
        try:
            alerts = list(_live(case, world, before))
        except Exception:  # noqa: BLE001
            found.failed.add(subject)
            continue
        for alert in alerts:
            found.lived.setdefault(alert.alert_id, []).append((subject, alert))
    for subject in found.failed:
        found.cases.pop(subject, None)
    for told in found.lived.values():
        told.sort(key=lambda one: (one[1].changed_at, one[1].revision))
    return found


def _live(case: Case, world: SharedState, before: datetime) -> Iterator[Alert]:
    at = case.pending[0] if case.pending and len(case.entries.copies) >= LONG else before
    while at < before:
        yield from advance(case, world, at)
        fold(case, world, at)
        at += _STRIDE
    yield from advance(case, world, before)
    if case.lived is None:
        return
    fold(case, world, before)
    if case.derived is None:
        case.derived = derived_anew(case, world, world.frame(case.lived))
    case.take_refusals()  # their dead letters have been written


def untold(lived: Sequence[Alert], held: Alert | None, floor: int) -> list[Alert]:
    """What must still be told of one alert so that whoever keeps the greatest revision has what was lived; revisions only grow.

    `lived`: its snapshots, computed again; `held`: the newest that stands; `floor`: the greatest revision known anywhere.
    """
    last = max(floor, held.revision if held is not None else 0)
    rest = lived
    if held is not None:
        past = [one for one in lived if one.changed_at <= held.changed_at]
        rest = lived[len(past) :] if not past or _stands(past[-1], held) else lived[len(past) - 1 :]
    return [one.model_copy(update={"revision": last + number}) for number, one in enumerate(rest, start=1)]


def _stands(lived: Alert, held: Alert) -> bool:
    if lived.changed_at == held.changed_at:
        return as_judged(lived) == as_judged(held)
    return is_shown_alike(lived, held)


def withdrawn(held: Alert, floor: int, now: datetime) -> Alert:
    """The end of an alert that fires and that the log does not give."""
    ended = {"state": "withdrawn", "outcome": "mistake", "changed_at": now, "resolved_at": now, "missing": ()}
    return held.model_copy(update={**ended, "revision": max(floor, held.revision) + 1})


def recall(case: Case, ended: Alert) -> None:
    """Let a case know of an alert that ended and that the log does not give: raised again, it goes on from its revision."""
    scope = ended.handover_id or ended.subject
    slot: Slot = (scope, ended.rule_id, ended.occurrence)
    if _alert_id(slot) != ended.alert_id or slot in case.memories:
        return
    case.memories[slot] = Memory(
        **{name: getattr(ended, name) for name in _AS_SHOWN},
        owner=ended.owner_agency,
        ladder=Ladder("normal", ended.changed_at, 0),
    )


def remember(case: Case, revisions: Mapping[str, int]) -> None:
    """Let the case go on from these revisions of its alerts."""
    for slot, memory in case.memories.items():
        revision = revisions.get(_alert_id(slot), memory.revision)
        case.memories[slot] = memory._replace(revision=revision)
        if slot in case.shown:
            case.shown[slot] = case.shown[slot].model_copy(update={"revision": revision})


def remembered(case: Case) -> dict[str, int]:
    """The revision of each alert that a case remembers."""
    return {_alert_id(slot): memory.revision for slot, memory in case.memories.items()}


def _alert_id(slot: Slot) -> str:
    return alert_id(obligation_id(*slot))
