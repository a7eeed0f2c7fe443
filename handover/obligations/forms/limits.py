"""Forms with one limit: a period after an anchor, or before a day."""

from collections.abc import Sequence

from handover.calendar import end_of
from handover.facts.fact import Fact
from handover.ids import instant_key
from handover.obligations.obligation import Count, Draft, Drafts, Scope, answer_of, clock_of, limit_of
from handover.rules.rulebook import Rule


def within(scope: Scope, rule: Rule) -> Drafts:
    """A period after the earliest anchor, for each value of `per`."""
    anchors = scope.of_any(rule.anchor)
    if not anchors:
        return
    if not rule.per:
        yield from _within(scope, rule, anchors[0], "")
        return
    by_value: dict[str, list[Fact]] = {}
    for anchor in anchors:
        value = anchor.data.get(rule.per)
        if value:
            by_value.setdefault(str(value), []).append(anchor)
    cuts = scope.of_any(rule.rounds_end)
    for value, found in by_value.items():
        yield from _within(scope, rule, _first_of_round(found, cuts), value)


def _first_of_round(anchors: Sequence[Fact], cuts: Sequence[Fact]) -> Fact:
    """The first anchor of the last round; rounds are cut by returns."""
    cut = max((cut.order for cut in cuts if cut.order < anchors[-1].order), default=None)
    return anchors[0] if cut is None else next(anchor for anchor in anchors if anchor.order > cut)


def _within(scope: Scope, rule: Rule, anchor: Fact, key: str) -> Drafts:
    clock = clock_of(anchor, rule.field)
    if clock is None or rule.within is None:
        return
    length = scope.length(rule, rule.within)
    if rule.extension is not None and scope.of_any(rule.extended_by):
        length = length + scope.length(rule, rule.extension)
    limit = limit_of(scope, rule, clock, length)
    due_at, provisional, count = limit.due_at, limit.provisional, limit.counted
    if rule.latest is not None and scope.release_date is not None:
        latest = scope.calendar.count_back(scope.release_date, rule.latest)
        if end_of(latest.day) < due_at:
            due_at, count = end_of(latest.day), Count(clock.day0, None, latest.day)
        provisional |= latest.provisional
    if rule.at_least is not None:
        least = scope.calendar.count(clock.day0, rule.at_least)
        if end_of(least.day) > due_at:
            due_at, count = end_of(least.day), Count(clock.day0, rule.at_least, least.day)
        provisional |= least.provisional
    answer = answer_of(scope, rule, anchor.time, due_at, key)
    yield Draft(
        anchor, clock.at, due_at, key, *answer, provisional, clock.day0, limit.shift, limit.time_shift, scope.release_date, counted=count,
        county=key if rule.per == "to_agency" else None,
    )  # fmt: skip


def before(scope: Scope, rule: Rule) -> Drafts:
    """A period before the release date, but never sooner than a grace after the date became known."""
    target, anchor = scope.release_date, scope.dated_by
    if target is None or anchor is None or rule.before is None:
        return
    back = scope.calendar.count_back(target, rule.before, rule.roll)
    due_at, provisional, count = end_of(back.day), back.provisional, Count(target, rule.before, back.day)
    if rule.known_grace is not None:
        if rule.known_grace.is_exact:
            least = anchor.time + rule.known_grace.length
        else:
            received = anchor.data.get("ruling_received_date")
            known = anchor.day("ruling_received_date") if received else anchor.time.date()
            day = scope.calendar.count(known, rule.known_grace)
            least, provisional = end_of(day.day), provisional or day.provisional
            count = Count(known, rule.known_grace, day.day) if least > due_at else count
        due_at = max(due_at, least)
    answer = answer_of(scope, rule, anchor.time, due_at)
    yield Draft(
        anchor, anchor.time, due_at, "", *answer, provisional, day0=anchor.time.date(), target=target, counted=count
    )


def next_within(scope: Scope, rule: Rule) -> Drafts:
    """Each anchor fact must be followed by a clearing fact with a greater time."""
    by_instant = {anchor.time: anchor for anchor in scope.of_any(rule.anchor)}
    for at, anchor in by_instant.items():
        clock = clock_of(anchor)
        if clock is None or rule.within is None or (rule.at_level and _level_at(scope, anchor) not in rule.at_level):
            continue
        limit = limit_of(scope, rule, clock, scope.length(rule, rule.within))
        answer = answer_of(scope, rule, at, limit.due_at, after=at)
        yield Draft(
            anchor,
            at,
            limit.due_at,
            instant_key(at),
            *answer,
            limit.provisional,
            clock.day0,
            limit.shift,
            limit.time_shift,
            counted=limit.counted,
        )


def _level_at(scope: Scope, anchor: Fact) -> str:
    """The dispute's level then: where it was escalated to, else where it was reported."""
    level = next((str(fact.data["level"]) for fact in scope.facts.get("dispute.reported", ())), "")
    for fact in scope.facts.get("dispute.escalated", ()):
        if fact.order <= anchor.order:
            level = str(fact.data["to_level"])
    return level


def returned(scope: Scope, rule: Rule) -> Drafts:
    """Each day with a return; from the `hops`-th on the hop owner decides, at once."""
    by_day: dict[str, Fact] = {}
    for fact in scope.of_any(rule.anchor):
        by_day.setdefault(fact.time.date().isoformat(), fact)
    for number, (day, anchor) in enumerate(by_day.items(), start=1):
        clock = clock_of(anchor)
        if clock is None or rule.within is None:
            continue
        if number >= rule.hops:
            answer = answer_of(scope, rule, anchor.time, anchor.time)
            yield Draft(
                anchor,
                anchor.time,
                anchor.time,
                day,
                *answer,
                day0=clock.day0,
                owner=rule.hop_owner,
                first_step=rule.hop_step,
            )
            continue
        limit = limit_of(scope, rule, clock, scope.length(rule, rule.within))
        answer = answer_of(scope, rule, anchor.time, limit.due_at)
        yield Draft(
            anchor,
            anchor.time,
            limit.due_at,
            day,
            *answer,
            limit.provisional,
            clock.day0,
            limit.shift,
            limit.time_shift,
            counted=limit.counted,
        )


def short_lead(scope: Scope, rule: Rule) -> Drafts:
    """Each change to a release date that is near; superseded by a later change."""
    changes = scope.of_any(rule.anchor)
    by_date: dict[str, Fact] = {}
    for fact in changes:
        target = fact.day("new_date")
        if rule.lead_under is not None and target < scope.calendar.count(fact.time.date(), rule.lead_under).day:
            by_date[target.isoformat()] = fact
    for key, anchor in by_date.items():
        answer = answer_of(scope, rule, anchor.time, anchor.time)
        yield Draft(
            anchor,
            anchor.time,
            anchor.time,
            key,
            *answer,
            day0=anchor.time.date(),
            target=anchor.day("new_date"),
            superseded=anchor is not changes[-1],
        )


def window_end(scope: Scope, rule: Rule) -> Drafts:
    """A reminder before a window closes; from the window's end on it is cancelled."""
    anchors = scope.of_any(rule.anchor)
    if not anchors or rule.within is None or rule.before is None:
        return
    anchor = anchors[0]
    clock = clock_of(anchor, rule.field)
    if clock is None:
        return
    closing = scope.calendar.count(clock.day0, scope.length(rule, rule.within))
    reminding = scope.calendar.count_back(closing.day, rule.before, rule.roll)
    due_at, ends = end_of(reminding.day), end_of(closing.day)
    scope.alarm(ends)
    answer = answer_of(scope, rule, anchor.time, due_at)
    yield Draft(
        anchor, clock.at, due_at, "", *answer, closing.provisional or reminding.provisional, clock.day0, target=closing.day, reminder=True,
        cancelled=scope.now >= ends, counted=Count(clock.day0, rule.within, reminding.day),
    )  # fmt: skip
