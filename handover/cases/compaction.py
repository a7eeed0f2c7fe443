"""What a case may forget (semantics.md 11): that whose absence changes no snapshot from some instant on.

Facts may come late through another partition, and then the case lives again. So it first notes what it remembers (a base), and
only when that is `SLACK` behind it forgets what mattered before: it never lives again from further back.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby, islice

from handover.cases.advance import derived_anew, duties_at
from handover.cases.case import Base, Case
from handover.cases.feed_case import forget_days
from handover.cases.shared_state import SharedState
from handover.facts.fact import Fact, sign_instant
from handover.facts.fact_log import WHOLE_PERSON, FactLog, standing
from handover.facts.thinning import CHECK, MANY, WHOLE, Limits, thin
from handover.ids import fingerprint
from handover.obligations.context import EvaluationContext
from handover.obligations.derive import Derived
from handover.obligations.handovers import CLOSED_LATELY, Closed, Handover
from handover.obligations.obligation import Obligation

SLACK = timedelta(days=2)  # longer than anything is on its way between partitions
LONG = 40  # facts; a shorter case has nothing worth forgetting, and no checks worth thinning (MANY)
WORTH = 12  # facts; fewer are not worth deriving once more
_REPEATED_UP_TO = timedelta(days=31)  # how late repeated facts without a late limit are told, at most
_CHECK_IN = "checkin.completed"
_GUESS = timedelta(hours=1)  # where no rule looks at location checks
_WORK = "work.reported"
REPEATED = (CHECK, _CHECK_IN, "intake.visit_done", _WORK)


def fold(case: Case, world: SharedState, now: datetime) -> bool:
    """Forget what may be forgotten by `now`, up to which the case has lived. Whether it is another case, to be written."""
    if case.lived is None:
        return False
    if case.derived is None:
        case.derived = derived_anew(case, world, world.frame(case.lived))
    if case.moved_to:
        return _thin_checks(case, case.derived, world)  # a bracelet may go on under the ref that was merged away
    if case.kind == "DISPUTE":
        return False  # short, and whole until it ends
    if case.kind == "SOURCE":
        return _forget_days(case, world)
    rests = rests_at(case)
    if rests is not None and rests <= now:
        return _forget_closed(case, case.derived)
    if len(case.entries.copies) < LONG:
        return False
    thinned = _thin_checks(case, case.derived, world)
    return _forget_repeated(case, case.derived, world) or thinned


def rests_at(case: Case) -> datetime | None:
    """When a case whose handovers are all closed may forget them; None: one is open, or nothing is left to forget."""
    derived = case.derived
    if derived is None or not derived.handovers:
        return None
    closes = [one.closed_at for one in derived.handovers if one.closed_at is not None]
    if len(closes) < len(derived.handovers) or case.moved_to or case.has_firing or _is_whole_person(case):
        return None
    if not any(one.is_numbered for one in derived.handovers):
        return None  # surveys alone are short
    return max(max(closes) + CLOSED_LATELY, max(case.entries.facts(), key=_arrival).arrival) + SLACK


def ends_at(case: Case, retention: timedelta) -> datetime | None:
    """When nothing at all needs to be kept of a case; its history stays in SQL. None: more can come of it without news.

    A case that rests: `retention` after its last handover was closed. A dispute, or a survey that is answered: after its latest fact.
    """
    if case.closed and not case.entries.copies:
        return case.closed[-1].closed_at + retention
    if case.kind == "SOURCE" or case.moved_to or case.own_next is not None or case.has_firing:
        return None
    if case.derived is None or any(one.is_numbered or one.is_open for one in case.derived.handovers):
        return None
    told = (fact.arrival for entries in (case.entries, *case.disputes.values()) for fact in entries.facts())
    latest = max(told, default=None)
    return None if latest is None else latest + retention


def _arrival(fact: Fact) -> datetime:
    return fact.arrival


def _forget_days(case: Case, world: SharedState) -> bool:
    if not forget_days(case):
        return False
    assert case.lived is not None
    case.derived = derived_anew(case, world, world.frame(case.lived))
    return True


def _is_whole_person(case: Case) -> bool:
    """Merges and splits say whose facts are whose: such a case forgets nothing."""
    return not case.entries.plain and any(fact.name in WHOLE_PERSON for fact in case.entries.facts())


# --- handovers closed long ago


def _forget_closed(case: Case, derived: Derived) -> bool:
    """11.2: of handovers closed for more than 30 days only their order, ids, ends and facts' fingerprints are kept."""
    numbered = [one for one in derived.handovers if one.is_numbered]
    transfers = [one.handover_id for one in derived.handovers if not one.is_numbered]
    new = [
        Closed(
            one.handover_id if one.handed_on else one.explicit_id,
            one.opened_at,
            _end(one),
            other_name=one.other_name,
            awaits_place=one.awaits_place,
        )
        for one in numbered
    ]
    case.closed = (*case.closed, *new[:-1], new[-1]._replace(transfers=tuple(transfers)))
    case.past |= {fingerprint(fact.source, fact.id) for fact in case.entries.facts()}
    case.entries = FactLog()
    case.memories, case.shown, case.bases = {}, {}, ()
    case.heard, case.refused = set(), set()
    case.derived = derived.emptied()
    case.own_next, case.news, case.pending = None, [], []
    return True


def _end(handover: Handover) -> datetime:
    assert handover.closed_at is not None
    return handover.closed_at


# --- location checks


def _thin_checks(case: Case, derived: Derived, world: SharedState) -> bool:
    """Keep of location checks only what can still matter. Whether it is another case."""
    entries, lived = case.entries, case.lived
    assert lived is not None
    if len(entries.copies) < max(MANY, entries.thinned + WHOLE):
        return False
    entries.thinned = len(entries.copies)
    pinned = {id_ for one in derived.handovers for id_ in _needed(one, derived.duties.values(), lived)}
    for fact in entries.facts():
        pinned.update((fact.corrects,) if fact.corrects else fact.data.get("event_ids", ()))
    plain = [
        copies[0]
        for copies in entries.copies.values()
        if len(copies) == 1 and copies[0].name == CHECK and copies[0].corrects is None and copies[0].arrival <= lived
    ]
    counting, kept = standing(plain, world.book.late_limit), list[Fact]()
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in counting:
        groups.setdefault((fact.subject, fact.handoverid or ""), []).append(fact)
    settled = case.bases[0].at if len(case.bases) > 1 else None
    late_limit = world.book.late_limit.get(CHECK)
    stale = lived - late_limit if late_limit is not None else None
    for group in groups.values():
        kept += thin(group, pinned, settled, stale, _limits(derived.frame))
    others = entries.with_others(plain, kept)
    return others.copies.keys() != entries.copies.keys() and _leaves(case, world, derived, others)


# --- facts that repeat


def _forget_repeated(case: Case, derived: Derived, world: SharedState) -> bool:
    lived, base = case.lived, case.bases[-1] if case.bases else None
    assert lived is not None
    if (base is not None and lived < base.at + SLACK) or _is_whole_person(case):
        return False
    new = Base(lived, case.own_next, dict(case.memories), dict(case.shown))
    if base is None:
        case.bases = (new,)
        return True
    gone = _forgettable(case, derived, world, base.at)
    forgotten = len(gone) >= WORTH and _leaves_all(case, world, derived, gone)
    case.bases = (base, new) if forgotten else (*case.bases[:-1], new)
    return True


def _forgettable(case: Case, derived: Derived, world: SharedState, at: datetime) -> list[Fact]:
    """Repeated facts that nothing told from now on can make matter at `at` or later."""
    late_limit = world.book.late_limit
    involved = {(fact.source, fact.corrects) for fact in case.entries.facts() if fact.corrects is not None}
    old = [
        fact
        for fact in case.entries.facts()
        if fact.name in REPEATED
        and fact.time < at - late_limit.get(fact.name, _REPEATED_UP_TO)
        and fact.arrival < at
        and fact.corrects is None
        and (fact.source, fact.id) not in involved
        and len(case.entries.copies[(fact.source, fact.id)]) == 1
    ]
    if case.kind == "OFFICE":
        kept = _needed_reports(case, world, at)
    else:
        kept = {id_ for handover in derived.handovers for id_ in _needed(handover, derived.duties.values(), at)}
    return [fact for fact in old if fact.id not in kept]


def _needed_reports(case: Case, world: SharedState, at: datetime) -> set[str]:
    """Ids of the reports of an office that answer a window, or may answer one that has not ended at `at`.

    An answered window leaves no other trace: without its report it would be missed.
    """
    assert case.lived is not None
    answers = {id_ for duty, _ in duties_at(case, world, case.lived) for id_ in duty.answers}
    return answers | {fact.id for fact in case.entries.facts() if fact.name == _WORK and fact.day("to") >= at.date()}


def _needed(handover: Handover, duties: Iterable[Obligation], at: datetime) -> Iterator[str]:
    """Ids of the repeated facts that a handover needs: what its held duties count from, end at or are answered by, and the latest.

    The latest as known at `at`: what comes later answers what is older too, but not before it has come.
    """
    held = [duty for duty in duties if duty.scope == handover.handover_id]
    instants = {instant for duty in held for instant in (duty.anchor_at, duty.due_at)}
    ids = {id_ for duty in held for id_ in (*duty.anchors, *duty.answers)}
    known = {name: [fact for fact in handover.of(name) if fact.arrival <= at] for name in REPEATED}
    yield from ids
    yield from (fact.id for facts in known.values() for fact in facts[-1:])
    yield from {str(fact.data["kind"]): fact.id for fact in known[_CHECK_IN]}.values()
    yield from _needed_checks(sorted(known[CHECK], key=_as_judged), instants, ids)


def _as_judged(fact: Fact) -> tuple[datetime, object]:
    return sign_instant(fact), fact.order


def _needed_checks(checks: list[Fact], instants: Collection[datetime], ids: Collection[str]) -> Iterator[str]:
    """What may still grow into a run, and of what is held the checks themselves and those that set them apart from others."""
    for index, fact in enumerate(checks):
        if fact.id in ids or sign_instant(fact) in instants:
            yield fact.id
            yield from _nearest_good(reversed(checks[:index]))
            yield from _nearest_good(checks[index + 1 :])
    good = max((index for index, fact in enumerate(checks) if _is_good(fact)), default=0)
    for _, run in groupby(checks[good:], key=lambda fact: fact.data["result"]):
        going_on = [fact.id for fact in run]
        yield from (*going_on[:2], going_on[-1])


def _nearest_good(checks: Iterable[Fact]) -> Iterator[str]:
    return islice((fact.id for fact in checks if _is_good(fact)), 1)


def _is_good(fact: Fact) -> bool:
    return bool(fact.data["result"] == "IN_AREA")


def _leaves_all(case: Case, world: SharedState, derived: Derived, gone: Iterable[Fact]) -> bool:
    """Forget facts if what is owed stays exactly as it is, else none of them."""
    return _leaves(case, world, derived, case.entries.with_others(gone, ()))


def _leaves(case: Case, world: SharedState, derived: Derived, entries: FactLog) -> bool:
    """Take other facts if what is owed stays exactly as it is."""
    before, case.entries = case.entries, entries
    anew = derived_anew(case, world, world.frame(derived.at))
    if anew.duties == derived.duties and anew.alarm == derived.alarm:
        case.derived = anew
        return True
    case.entries = before
    return False


def _limits(frame: EvaluationContext) -> Limits:
    """By all versions of the rule book that are known."""
    rules = [rule for version in frame.versions.books for rule in version.book.rules]
    apart = [rule.apart.length for rule in rules if rule.form == "two_fixes" and rule.apart is not None]
    lost = [rule for rule in rules if rule.form == "lost_contact"]
    spans = [span for rule in lost for span in (rule.within, *rule.within_by_class.values()) if span is not None]
    signs = min((span.length for span in spans if span.is_exact), default=2 * _GUESS) / 2
    return Limits(min([*apart, signs], default=_GUESS), signs)
