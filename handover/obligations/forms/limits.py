"""Forms with one limit: a period after an anchor, or before a day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from handover.agencies import code_of
from handover.calendar import end_of, start_of
from handover.facts.fact import Fact
from handover.ids import instant_key
from handover.obligations.obligation import (
    Asked,
    Clock,
    Count,
    Draft,
    Drafts,
    Limit,
    Scope,
    answer_of,
    clock_of,
    limit_of,
)
from handover.rules.rulebook import Rule
from handover.rules.rulebook_parser import Bound


def within(scope: Scope, rule: Rule) -> Drafts:
    """A period after the earliest anchor, for each value of `per`."""
    anchors = scope.of_any(rule.anchor)
    if not anchors:
        return
    if not rule.per:
        yield from _within(scope, rule, *_counting(scope, rule, anchors, ()), "")
        return
    cuts = scope.of_any(rule.rounds_end)
    for key, found in _by_value(scope, rule, anchors).items():
        yield from _within(scope, rule, *_counting(scope, rule, found, cuts), key)


def _by_value(scope: Scope, rule: Rule, anchors: Sequence[Fact]) -> Mapping[str, Sequence[Fact]]:
    """The anchors of each value of `per`. Agencies are one where one follows the other; the first name is the key."""
    keys: dict[str, str] = {}
    found: dict[str, list[Fact]] = {}
    for anchor in anchors:
        value = anchor.data.get(rule.per)
        if value:
            now = scope.successors.agency(str(value)) if rule.per == "to_agency" else str(value)
            found.setdefault(keys.setdefault(now, str(value)), []).append(anchor)
    return found


def _counting(scope: Scope, rule: Rule, anchors: Sequence[Fact], cuts: Sequence[Fact]) -> tuple[Fact, bool]:
    """The anchor that counts, and whether all are stale: told for a release date that has moved too far since."""
    fresh = [anchor for anchor in anchors if scope.is_fresh(rule, anchor)]
    return _first_of_round(fresh or anchors, cuts), not fresh


def _first_of_round(anchors: Sequence[Fact], cuts: Sequence[Fact]) -> Fact:
    """The first anchor of the last round; rounds are cut by returns."""
    cut = max((cut.order for cut in cuts if cut.order < anchors[-1].order), default=None)
    return anchors[0] if cut is None else next(anchor for anchor in anchors if anchor.order > cut)


def _within(scope: Scope, rule: Rule, anchor: Fact, stale: bool, key: str) -> Drafts:
    clock = clock_of(anchor, rule.field)
    if clock is None or rule.within is None:
        return
    length = scope.length(rule, rule.within)
    if rule.extension is not None and scope.of_any(rule.extended_by):
        length = length + scope.length(rule, rule.extension)
    limit = limit_of(scope, rule, clock, length)
    due_at, provisional, count = _bounded(scope, rule, clock, limit)
    asked = Asked(anchor.time, due_at, key, target=scope.release_date, county=_county_asked(scope, rule, anchor))
    yield Draft(
        anchor, clock.at, due_at, key, *answer_of(scope, rule, asked), provisional, clock.day0, limit.shift, limit.time_shift,
        scope.release_date, counted=count, superseded=stale, county=key if rule.per == "to_agency" else None,
    )  # fmt: skip


def _county_asked(scope: Scope, rule: Rule, anchor: Fact) -> str:
    place = anchor.data.get(rule.answered_from) if rule.answered_from else None
    return scope.successors.county(str(place)) if place else ""


def _bounded(scope: Scope, rule: Rule, clock: Clock, limit: Limit) -> tuple[datetime, bool, Count]:
    """The due instant, whether it is provisional, and its count: as `latest`, `at_least` and `not_before` leave them."""
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
    if rule.not_before is not None and (bound := _bound_of(scope, rule, rule.not_before)) is not None:
        if bound.due_at > due_at:
            due_at, count = bound.due_at, bound.counted
        provisional |= bound.provisional
    return due_at, provisional, count


def _bound_of(scope: Scope, rule: Rule, bound: Bound) -> Limit | None:
    """The limit that another fact sets, rolled and moved by custody as the rule's own."""
    facts = scope.of_any(bound.anchor)
    clock = clock_of(facts[0], bound.field) if facts else None
    if clock is None and bound.else_release_date and scope.release_date is not None:
        clock = Clock(scope.release_date, start_of(scope.release_date))
    return None if clock is None else limit_of(scope, rule, clock, bound.within)


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
    answer = answer_of(scope, rule, Asked(anchor.time, due_at, target=target))
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
        answer = answer_of(scope, rule, Asked(at, limit.due_at, after=at))
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


def _returns(scope: Scope, rule: Rule) -> Iterator[Fact]:
    """The words of return that count: of one county's with no clearing fact between them the first (6.5)."""
    cleared = [fact.order for fact in scope.of_any(one for parts in rule.cleared_by for one in parts)]
    latest: dict[str, Fact] = {}
    for fact in scope.of_any(rule.anchor):
        county = scope.successors.county(code_of(fact.agency))
        before = latest.get(county)
        latest[county] = fact
        if before is None or any(before.order < order < fact.order for order in cleared):
            yield fact


def returned(scope: Scope, rule: Rule) -> Drafts:
    """Each return, one a day; from the `hops`-th on the hop owner decides, at once."""
    by_day: dict[str, Fact] = {}
    for fact in _returns(scope, rule):
        by_day.setdefault(fact.time.date().isoformat(), fact)
    for number, (day, anchor) in enumerate(by_day.items(), start=1):
        clock = clock_of(anchor)
        if clock is None or rule.within is None:
            continue
        if number >= rule.hops:
            answer = answer_of(scope, rule, Asked(anchor.time, anchor.time))
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
        answer = answer_of(scope, rule, Asked(anchor.time, limit.due_at))
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
        target = anchor.day("new_date")
        answer = answer_of(scope, rule, Asked(anchor.time, anchor.time, target=target))
        yield Draft(
            anchor,
            anchor.time,
            anchor.time,
            key,
            *answer,
            day0=anchor.time.date(),
            target=target,
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
    answer = answer_of(scope, rule, Asked(anchor.time, due_at, target=closing.day))
    yield Draft(
        anchor, clock.at, due_at, "", *answer, closing.provisional or reminding.provisional, clock.day0, target=closing.day, reminder=True,
        cancelled=scope.now >= ends, counted=Count(clock.day0, rule.within, reminding.day),
    )  # fmt: skip
