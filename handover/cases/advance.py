"""A case lives through its instants: facts arrive, limits pass, the world changes; alerts are raised, climb and end."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime

from handover.alerts.lifecycle import Around, Memory, is_open, is_waived, next_instants, weigh
from handover.alerts.snapshot import ended_without_duty, snapshot
from handover.calendar import MILLISECOND
from handover.cases.action_key import ActionKey, alert_of, key_of
from handover.cases.agency_filter import awaited
from handover.cases.authority import hear
from handover.cases.case import Case
from handover.cases.feed_case import OF_A_DAY, forget_days, forget_measured, forget_signs
from handover.cases.shared_state import SharedState
from handover.facts.fact import Fact, in_order
from handover.facts.fact_log import Merges, by_person, standing
from handover.feeds.feed_state import HEARTBEAT, feed_at
from handover.feeds.manifest import VERDICT
from handover.ids import alert_id, obligation_id
from handover.obligations.context import EvaluationContext
from handover.obligations.derive import (
    Derived,
    Slot,
    derive_dispute,
    derive_office,
    derive_person,
    derive_source,
    linked_dispute_of,
    renewable,
)
from handover.obligations.obligation import Linked, Obligation
from schemas.alert import Alert

Concerned = Callable[[Slot], bool]


def advance(case: Case, world: SharedState, before: datetime) -> list[Alert]:
    """Live through every instant < `before` and return the changed alert snapshots, in order.

    A fact told after its arrival had been lived past (it came by another partition) makes the case live again from the start.
    """
    if case.kind != "SOURCE":
        live_feeds(world, before)
    found = _late(case, world) if case.late else []
    while (now := next_instant(case, world)) is not None and now < before:
        found += live(case, world, now)
    return found


def live_feeds(world: SharedState, before: datetime) -> None:
    """Bring the state of all feeds up to `before`: system alerts come first at each instant (9.3).

    A verdict on a manifest comes after the instant it names. Its own alert is dated back; other cases have lived past
    that instant, so for them the feed goes down, or comes back, when the verdict came: the same for all who read the log.
    A feed that fails stays as it was (`World.feed_failed`); the others live on.
    """
    if world.fed_until is not None and before <= world.fed_until:
        return
    world.fed_until = before
    for source in world.sources:
        if source in world.set_aside:
            continue
        try:
            _live_feed(world, source, before)
        except Exception as error:  # noqa: BLE001  # whoever made the world says what becomes of it
            world.feed_failed(source, error)
            world.set_aside.add(source)
            world.sources[source].clear()


def _live_feed(world: SharedState, source: str, before: datetime) -> None:
    feed = world.feed_case(source)
    if not world.sources[source] and (feed.next_at is None or feed.next_at >= before):
        return
    for arrival, events in world.heard(source, before):
        _note(world, source, advance(feed, world, arrival))
        for event in events:
            feed.take(event, arrival)
        _note(world, source, advance(feed, world, arrival + MILLISECOND), known=arrival)
        if any(event.fact in OF_A_DAY for event in events):
            forget_days(feed)
    _note(world, source, advance(feed, world, before))
    feed.take_refusals()  # the source's own case tells them


def _note(world: SharedState, source: str, alerts: Iterable[Alert], known: datetime | None = None) -> None:
    """A feed goes down or comes back with its alerts. `known`: not before this."""
    for alert in alerts:
        at = alert.changed_at if known is None else max(alert.changed_at, known)
        world.downtimes.note(source, alert.alert_id, at, firing=alert.state == "firing")


def next_instant(case: Case, world: SharedState) -> datetime | None:
    """The next instant at which something can change: news, the case's own clocks, the world."""
    found = [at for at in (case.next_at,) if at is not None]
    if case.lived is not None and case.kind != "SOURCE" and not case.moved_to:
        found += _changes(case, world, case.lived)
    return min(found, default=None)


def _changes(case: Case, world: SharedState, after: datetime) -> list[datetime]:
    """When the world can next change a case: shared facts, and the feeds of those that should answer its firing alerts (9.4)."""
    found = [world.next_change(after)]
    if case.kind != "SOURCE" and case.has_firing:
        found.append(_next_move(case, world, after))
    return [at for at in found if at is not None]


def _next_move(case: Case, world: SharedState, after: datetime) -> datetime | None:
    """When a feed goes or comes back that may hold a firing alert; any feed where what is owed has not been derived yet."""
    derived = case.derived
    if derived is None:
        return world.downtimes.next_move(after)
    return world.downtimes.next_move_of(awaited(case, derived), after, derived.frame.successors)


def live(case: Case, world: SharedState, now: datetime, concerned: Concerned | None = None) -> list[Alert]:
    """One instant: everything with arrival <= now is in, then obligations are derived once, then alerts are weighed (1.4).

    `concerned`: the only slots whose alerts are weighed; None: all.
    """
    while case.pending and case.pending[0] <= now:
        case.pending.pop(0)
    frame = world.frame(now)
    by_itself = case.lived is None or _moves_by_itself(case, world, case.lived, now)
    case.lived = max(now, case.lived) if case.lived else now
    derived = _derived(case, world, frame)
    if derived.quiet and not by_itself:
        return []
    found = [] if case.moved_to else _weighed(case, world, frame, derived, concerned)
    case.own_next = None if case.moved_to else _own_next(case, world, frame, derived)
    if case.kind == "SOURCE":
        forget_signs(case, derived.scopes[0], now)
        forget_measured(case, now)
    return found


def _moves_by_itself(case: Case, world: SharedState, lived: datetime, now: datetime) -> bool:
    """Whether alerts may change at `now` without news: an instant of the case's own or of the world has come."""
    if case.own_next is not None and case.own_next <= now:
        return True
    return any(change <= now for change in _changes(case, world, lived))


def _derived(case: Case, world: SharedState, frame: EvaluationContext) -> Derived:
    """Derive anew only what a fact, the world or a remembered instant can have changed."""
    now, derived = frame.now, case.derived
    news = [fact for fact in case.news if fact.arrival <= now]
    if news:
        case.news = [fact for fact in case.news if fact.arrival > now]
    if derived is not None and _still_holds(derived, case, world, now):
        if not news and (derived.alarm is None or derived.alarm > now):
            derived.still(frame)
            return derived
        known = news if case.kind == "SOURCE" else standing(news, world.book.late_limit)
        if renewable(derived, known):
            derived.renew(frame, known)
            return derived
    derived = case.derived = derived_anew(case, world, frame)
    if derived.actions and not case.moved_to:
        hear(case, derived, frame.successors, lambda: derived_anew(case, world, frame, _always).duties)
    return derived


def _still_holds(derived: Derived, case: Case, world: SharedState, now: datetime) -> bool:
    """Whether neither the world nor an instant of the whole case has passed since."""
    if not case.entries.plain or any(derived.at < at <= now for at in derived.alarms):
        return False
    change = world.next_change(derived.at)
    return change is None or change > now


def duties_at(case: Case, world: SharedState, now: datetime) -> Iterator[tuple[Obligation, Sequence[Fact]]]:
    """Every obligation as derived at `now`, the answered ones too, with the actions on its alert. None of a case that moved."""
    derived = derived_anew(case, world, world.frame(now), _always)
    for slot, duty in derived.duties.items():
        if case.speaks_for(duty.subject, now):
            yield duty, derived.actions.get(_alert_id(slot), ())


def derived_anew(
    case: Case, world: SharedState, frame: EvaluationContext, remembered: Concerned | None = None
) -> Derived:
    """What a case owes at an instant, from all facts that have arrived. `remembered`: which answered duties are kept too."""
    facts = standing(case.entries.arrived(frame.now), world.book.late_limit)
    kept = remembered or (_always if case.keeps_answered else case.memories.__contains__)
    derived = Derived(frame, kept, actions=_by_alert(facts, case.refused), keeps_answered=case.keeps_answered)
    if case.kind == "PERSON":
        _derive_persons(case, world, frame, facts, derived)
    elif case.kind == "DISPUTE":
        derive_dispute(derived, case.subject, facts, frame)
    elif case.kind == "OFFICE":
        derive_office(derived, case.subject, facts, frame)
    else:
        derive_source(derived, case.subject, facts, feed_at(case.entries, frame.now), frame)
    derived.set_alarm()
    return derived


def _always(_: Slot) -> bool:
    return True


def _derive_persons(
    case: Case, world: SharedState, frame: EvaluationContext, facts: Sequence[Fact], derived: Derived
) -> None:
    persons, merges = by_person(facts)
    case.note_moves(merges, frame.now)
    for ref in sorted(case.refs() & persons.keys()):
        own = persons[ref]
        linked = _disputes_of(case, ref, merges, frame.now)
        closed = case.closed if ref == case.subject else ()
        derive_person(derived, ref, own, linked, frame, world.book.settle, closed)


def _disputes_of(case: Case, ref: str, merges: Merges, now: datetime) -> list[Linked]:
    found = []
    for dispute_id, entries in case.disputes.items():
        linked = linked_dispute_of(dispute_id, standing(entries.arrived(now), {}))
        named = linked.reported.data["person_refs"] if linked else ()
        if linked and ref in {merges.survivor(person, linked.reported.time) for person in named}:
            found.append(linked)
    return found


def _weighed(
    case: Case, world: SharedState, frame: EvaluationContext, derived: Derived, concerned: Concerned | None
) -> list[Alert]:
    now = frame.now
    around = Around(
        now, frame.calendar, world.book.ladder, lambda agency: world.downtimes.is_down(agency, now, frame.successors)
    )
    found = []
    for slot in _candidates(case, derived):
        if concerned is not None and not concerned(slot):
            continue
        duty, old = derived.duties.get(slot), case.memories.get(slot)
        if old is None and (duty is None or duty.due_at > now or not is_open(duty)):
            continue
        told = derived.actions.get(_alert_id(slot), ())
        new = weigh(old, duty, in_order(act for act in told if act.arrival == now), around, waived=is_waived(told))
        if new is None or new is old:
            continue
        case.memories[slot] = new
        if old is None or new.revision != old.revision:
            found += _shown(case, slot, new, duty, frame)
    return found


def _candidates(case: Case, derived: Derived) -> list[Slot]:
    """The slots whose alert can change now: what was derived anew, what fires, what has become due."""
    now, changed = derived.at, derived.changed
    if changed is None:
        return sorted({*case.memories, *derived.duties})
    firing = {slot for slot, memory in case.memories.items() if memory.firing}
    return sorted(changed | firing | {slot for slot, duty in derived.duties.items() if duty.due_at <= now})


def _alert_id(slot: Slot) -> str:
    return alert_id(obligation_id(*slot))


def _by_alert(facts: Iterable[Fact], refused: Collection[ActionKey]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.name.startswith("action.") and not (refused and key_of(fact) in refused):
            found.setdefault(alert_of(fact), []).append(fact)
    return found


def _shown(case: Case, slot: Slot, memory: Memory, duty: Obligation | None, frame: EvaluationContext) -> list[Alert]:
    """The snapshot of a change, unless another case spoke for the ref then."""
    before = case.shown.get(slot)
    if duty is not None and not (memory.state != "firing" and duty.rule.form == "feed_silent" and before):
        alert = snapshot(memory, duty, frame)
    elif before is not None:
        alert = ended_without_duty(memory, before)
    else:
        return []
    if memory.firing:
        case.shown[slot] = alert
    else:
        case.shown.pop(slot, None)
    return [alert] if case.speaks_for(alert.subject, alert.changed_at) else []


def _own_next(case: Case, world: SharedState, frame: EvaluationContext, derived: Derived) -> datetime | None:
    now = frame.now
    around = Around(now, frame.calendar, world.book.ladder, lambda _: False)
    found = [derived.alarm] if derived.alarm is not None else []
    for slot, duty in derived.duties.items():
        if duty.due_at > now and is_open(duty):
            found.append(duty.due_at)
        memory = case.memories.get(slot)
        if memory is not None:
            found += next_instants(memory, duty, around)
    return min(found, default=None)


def _late(case: Case, world: SharedState) -> list[Alert]:
    """Facts came after their arrival had been lived past."""
    late, case.late = set(case.late), []
    if case.kind != "SOURCE":
        return _lived_again(case, world, late)
    assert case.lived is not None
    days = {str(fact.data["day"]) for fact in case.news if fact.name == VERDICT and fact.arrival in late}
    found = _judged_again(case, world, days) if days else []
    case.derived = None
    return found + live(case, world, case.lived)  # signs of life are taken at once


def _judged_again(case: Case, world: SharedState, days: Collection[str]) -> list[Alert]:
    """Verdicts on manifests are dated back: the alerts of their days live again, from the first verdict to where the case was.

    The others do not: a publisher's older signs of life are forgotten.
    """
    until = case.lived
    assert until is not None
    rules = {rule.id for rule in world.book.rules if rule.form == "manifest_gap"}

    def concerned(slot: Slot) -> bool:
        return slot[1] in rules and slot[2].rpartition(":")[2] in days

    memories = {slot: case.memories.pop(slot) for slot in list(case.memories) if concerned(slot)}
    shown = {slot: case.shown.pop(slot) for slot in list(case.shown) if concerned(slot)}
    told = [copy for copies in case.entries.copies.values() for copy in copies if copy.name != HEARTBEAT]
    first = min(fact.arrival for fact in told if fact.name == VERDICT and fact.data["day"] in days)
    instants = sorted({fact.arrival for fact in told if first <= fact.arrival <= until})
    lived: list[Alert] = []
    while instants:
        now = instants.pop(0)
        case.derived = None  # of a later instant, or without what had been lived through between
        lived += live(case, world, now, concerned)
        after = case.own_next
        if after is not None and after <= until and (not instants or after < instants[0]):
            instants.insert(0, after)
    return _differences(case, memories, shown, lived, until)


def _lived_again(case: Case, world: SharedState, late: Collection[datetime]) -> list[Alert]:
    """Forget the memories, live from the first arrival (of a long case: from where it forgets nothing) to where the case was."""
    until, memories, shown, refused = case.lived, case.memories, case.shown, case.refused
    assert until is not None
    case.begin_again(min(late))
    lived: list[Alert] = []
    while (now := next_instant(case, world)) is not None and now <= until:
        lived += live(case, world, now)
    case.lived = until
    case.refusals = [action for action in case.refusals if key_of(action) not in refused]
    return _differences(case, memories, shown, lived, until)


def _differences(
    case: Case, before: dict[Slot, Memory], shown: dict[Slot, Alert], lived: Sequence[Alert], now: datetime
) -> list[Alert]:
    """What must be told so that the last snapshot of every alert is the one just lived; revisions only grow."""
    found: list[Alert] = []
    known = {_alert_id(slot): slot for slot in before}
    final = {alert.alert_id: alert for alert in lived}
    found += [alert for alert in lived if alert.alert_id not in known]
    for name, slot in known.items():
        old, new = before[slot], case.memories.get(slot)
        if new is None:
            if old.firing and slot in shown:
                gone = old._replace(
                    state="withdrawn", outcome="mistake", revision=old.revision + 1, changed_at=now, resolved_at=now
                )
                case.memories[slot] = gone
                found.append(ended_without_duty(gone, shown[slot]))
            else:
                case.memories[slot] = old
        elif new.visible != old.visible or (_instants(new) != _instants(old) and (name in final or slot in case.shown)):
            revision = max(new.revision, old.revision + 1)
            case.memories[slot] = new._replace(revision=revision)
            untold = [alert for alert in lived if alert.alert_id == name and old.revision < alert.revision < revision]
            last = final.get(name) or case.shown.get(slot)
            if last is not None:
                found += [*untold, last.model_copy(update={"revision": revision})]
        else:
            case.memories[slot] = new._replace(revision=max(new.revision, old.revision))
    return [alert for alert in found if alert.subject == case.subject or case.speaks_for(alert.subject, now)]


def _instants(memory: Memory) -> tuple[datetime, datetime]:
    return memory.raised_at, memory.changed_at
