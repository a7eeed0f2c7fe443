"""Forms over repeated facts: check-in windows, lost contact, out-of-area runs and terms of electronic monitoring."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import NamedTuple

from handover.calendar import DAY, end_of, months_on, start_of
from handover.facts.fact import Fact, sign_instant
from handover.ids import instant_key
from handover.obligations.obligation import Answer, Asked, Clock, Count, Draft, Drafts, Scope, answer_of, limit_of
from handover.rules.rulebook import Rule

_PERIOD = {"DAILY": DAY, "WEEKLY": 7 * DAY, "FORTNIGHTLY": 14 * DAY}
_MONTHS = {"MONTHLY": 1, "QUARTERLY": 3}
_LONGEST_BACK = timedelta(days=366)  # by which a plan may be dated back


class _Window(NamedTuple):
    """One window of a plan item: start <= day < until."""

    plan: Fact
    kind: str
    cadence: str
    start: date
    until: date


def windows(scope: Scope, rule: Rule) -> Drafts:
    """Each window of the plan in force must be answered: by a check-in of its kind, by a report of that work."""
    plans = sorted(scope.of_any(rule.anchor), key=lambda plan: (plan.day("from"), *plan.order))
    if not plans:
        return
    by_kind: dict[str, list[_Window]] = {}
    for plan, following in zip(plans, [*plans[1:], None], strict=True):
        for kind, cadence in {item["kind"]: item["cadence"] for item in plan.data["items"]}.items():
            by_kind.setdefault(kind, []).extend(_owed(scope, plan, kind, cadence, following))
    for found in by_kind.values():
        yield from _judged(scope, rule, found)


def _owed(scope: Scope, plan: Fact, kind: str, cadence: str, following: Fact | None) -> Iterator[_Window]:
    """Windows that have begun, began before the handover's close, and end before a later plan begins."""
    first = plan.day("from")
    ends = following.day("from") if following is not None else None
    for number in count(_passed(first, cadence, plan.time.date() - _LONGEST_BACK)):
        start, until = _edge(first, cadence, number), _edge(first, cadence, number + 1)
        begins = start_of(start)
        if begins > scope.now:
            scope.alarm(begins)
            return
        if (ends is not None and until > ends) or (scope.closed_at is not None and begins >= scope.closed_at):
            return
        yield _Window(plan, kind, cadence, start, until)


def _passed(first: date, cadence: str, oldest: date) -> int:
    """How many windows of a plan begin too long before it was told: a plan dated back by years owes none of them."""
    days = max((oldest - first).days, 0)
    months = _MONTHS.get(cadence)
    return days // _PERIOD[cadence].days if months is None else days // (31 * months)


def _edge(first: date, cadence: str, number: int) -> date:
    months = _MONTHS.get(cadence)
    return first + number * _PERIOD[cadence] if months is None else months_on(first, number * months)


def _judged(scope: Scope, rule: Rule, found: Sequence[_Window]) -> Drafts:
    answers = _Answers(scope, rule, found[0].kind) if found else None
    in_a_row = 0
    for window in found:
        assert answers is not None
        grace = rule.grace[window.cadence]
        last = window.until - DAY
        due_at = (
            start_of(window.until) + grace.length if grace.is_exact else end_of(scope.calendar.count(last, grace).day)
        )
        answer = answers.of(window)
        paused = rule.paused_by_custody and scope.custody.touches(window.start, window.until)
        if not paused:
            in_a_row = in_a_row + 1 if answer.met_at is None and due_at <= scope.now else 0
        if answer.met_at is None and not paused:
            scope.alarm(due_at)
        severity = rule.in_a_row[min(max(in_a_row, 1), len(rule.in_a_row)) - 1]
        yield Draft(
            window.plan, start_of(window.start), due_at, f"{window.kind}:{window.start.isoformat()}", *answer, day0=window.start,
            paused=paused, severity=severity, counted=Count(last, grace, due_at.date() - DAY),
        )  # fmt: skip


class _Answers:
    """What clears the windows of one kind: check-ins by `at`, excuses and leave by the days they cover, work by the last day."""

    def __init__(self, scope: Scope, rule: Rule, kind: str) -> None:
        facts = scope.of_any(one for alternative in rule.cleared_by for one in alternative)
        mine = [fact for fact in facts if fact.name == "checkin.leave_approved" or fact.data.get("kind", kind) == kind]
        self._checks = sorted((fact.instant("at"), fact.id) for fact in mine if fact.name == "checkin.completed")
        self._covers = [fact for fact in mine if fact.name in ("checkin.excused", "checkin.leave_approved")]
        self._reports = [fact for fact in mine if fact.name == "work.reported"]
        self._others = [fact for fact in mine if not fact.name.startswith(("checkin.", "work."))]
        self._next = 0

    def of(self, window: _Window) -> Answer:
        """The earliest answer of a window; windows are asked in order of their start."""
        begins = start_of(window.start)
        while self._next < len(self._checks) and self._checks[self._next][0] < begins:
            self._next += 1
        found = [self._checks[self._next]] if self._next < len(self._checks) else []
        found += [
            (fact.time, fact.id)
            for fact in self._covers
            if fact.day("from") < window.until and fact.day("until") >= window.start
        ]
        last = window.until - DAY
        found += [(fact.time, fact.id) for fact in self._reports if fact.day("from") <= last <= fact.day("to")]
        found += [(fact.time, fact.id) for fact in self._others if fact.time >= begins]
        met_at, by = min(found, default=(None, ""))
        return Answer(met_at, (by,)) if met_at is not None else Answer(None, ())


def _outside_custody(scope: Scope, facts: Iterable[Fact]) -> list[Fact]:
    if not scope.custody.times:
        return list(facts)
    return [
        fact
        for fact in facts
        if fact.name != "checkin.location_checked" or not scope.custody.covers(sign_instant(fact))
    ]


def lost_contact(scope: Scope, rule: Rule) -> Drafts:
    """Each run of failed checks since the last sign of life."""
    failed = _outside_custody(scope, scope.of_any(rule.anchor))
    if not failed:
        return
    signs = _outside_custody(scope, scope.of_any(rule.signs))
    merged = sorted(
        [(sign_instant(fact), 0, fact.order, fact) for fact in signs]
        + [(sign_instant(fact), 1, fact.order, fact) for fact in failed]
    )
    start: Fact | None = None
    for at, is_failure, _, fact in merged:
        if is_failure:
            start = start or fact
        elif start is not None:
            yield from _lost(scope, rule, start, Answer(at, (fact.id,)))
            start = None
    if start is not None:
        yield from _lost(scope, rule, start, Answer(None, ()))


def _lost(scope: Scope, rule: Rule, start: Fact, sign: Answer) -> Drafts:
    plans = scope.facts.get("checkin.plan_set")
    supervision = str(plans[-1].data["class"]) if plans else ""
    length = rule.within_by_class.get(supervision) or rule.within
    if length is None:
        return
    at = sign_instant(start)
    limit = limit_of(scope, rule, Clock(at.date(), at), length)
    answer = _not_before(scope, rule, at, limit.due_at)
    if sign.met_at is not None and (answer.met_at is None or sign.met_at < answer.met_at):
        answer = sign
    yield Draft(
        start,
        at,
        limit.due_at,
        instant_key(at),
        *answer,
        limit.provisional,
        at.date(),
        limit.shift,
        limit.time_shift,
        counted=limit.counted,
    )


def _not_before(scope: Scope, rule: Rule, at: datetime, due_at: datetime) -> Answer:
    found = [
        fact for alternative in rule.cleared_by for one in alternative for fact in scope.of(one) if fact.time >= at
    ]
    earliest = min(found, key=lambda fact: fact.order, default=None)
    return Answer(earliest.time, (earliest.id,)) if earliest else Answer(None, ())


def two_fixes(scope: Scope, rule: Rule) -> Drafts:
    """Each run of out-of-area checks that lasts `apart`: one fix alone may be an error."""
    outside = _outside_custody(scope, scope.of_any(rule.anchor))
    if not outside or rule.apart is None:
        return
    inside = _outside_custody(scope, scope.of_any(rule.run_ends))
    merged = sorted(
        [(sign_instant(fact), fact.order, True, fact) for fact in outside]
        + [(sign_instant(fact), fact.order, False, fact) for fact in inside]
    )
    run: list[Fact] = []
    for _, _, is_outside, fact in merged:
        if is_outside:
            run.append(fact)
        else:
            yield from _run(scope, rule, run)
            run = []
    yield from _run(scope, rule, run)


def _run(scope: Scope, rule: Rule, run: Sequence[Fact]) -> Drafts:
    if not run or rule.apart is None:
        return
    first = sign_instant(run[0])
    second = next((fact for fact in run if sign_instant(fact) >= first + rule.apart.length), None)
    if second is None:
        return
    due_at = sign_instant(second)
    met = [
        fact
        for alternative in rule.cleared_by
        for one in alternative
        for fact in scope.of(one)
        if _clears(fact, one.when, first)
    ]
    earliest = min(met, key=lambda fact: fact.order, default=None)
    answer = Answer(earliest.time, (earliest.id,)) if earliest else Answer(None, ())
    yield Draft(run[0], first, due_at, instant_key(first), *answer, day0=first.date())


def _clears(fact: Fact, when: str, first: datetime) -> bool:
    if fact.name == "checkin.leave_approved":
        return fact.day("from") <= first.date() <= fact.day("until")
    return when != "later" or fact.time >= first


def gps_term(scope: Scope, rule: Rule) -> Drafts:
    """A reminder before each term of electronic monitoring ends."""
    by_day = {fact.data["on"]: fact for fact in scope.of_any(rule.anchor)}
    for key, anchor in by_day.items():
        if rule.longest is None or rule.before is None:
            continue
        begins = anchor.day("on")
        target = min(anchor.day("until"), scope.calendar.count(begins, rule.longest).day)
        reminding = scope.calendar.count_back(target, rule.before, rule.roll)
        due_at = end_of(reminding.day)
        answer = answer_of(scope, rule, Asked(anchor.time, due_at, after=anchor.time, target=target))
        yield Draft(
            anchor, start_of(begins), due_at, str(key), *answer, reminding.provisional, begins, target=target, reminder=True,
            counted=Count(target, rule.before, reminding.day),
        )  # fmt: skip
