"""Forms that look beyond the handover's own clocks: linked disputes, orphans, abolished codes, silent feeds and manifests."""

from handover.agencies import code_of
from handover.calendar import end_of, start_of
from handover.facts.fact import Fact, first
from handover.obligations.handovers import OPENING
from handover.obligations.obligation import NO_TIME, Answer, Asked, Clock, Draft, Drafts, Scope, answer_of, limit_of
from handover.obligations.owners import HandoverOwners
from handover.rules.rulebook import Rule


def linked_dispute(scope: Scope, rule: Rule) -> Drafts:
    """The person's offices learn that a dispute exists and when it ended."""
    for dispute in scope.linked:
        due_at = max(dispute.reported.time, scope.opened_at or dispute.reported.time)
        answer = answer_of(scope, rule, Asked(dispute.reported.time, due_at), dispute.facts)
        yield Draft(
            dispute.reported,
            dispute.reported.time,
            due_at,
            dispute.dispute_id,
            *answer,
            day0=dispute.reported.time.date(),
        )


def orphan(scope: Scope, rule: Rule) -> Drafts:
    """An intake or check-in of a person whom nothing announced."""
    anchor = first(
        facts[0] for name, facts in scope.facts.items() if facts and name.startswith(("intake.", "checkin."))
    )
    if anchor is None or rule.within is None:
        return
    limit = limit_of(scope, rule, Clock(anchor.time.date(), anchor.time), rule.within)
    opening = first(fact for name in OPENING for fact in scope.facts.get(name, ()))
    answer = Answer(opening.time, (opening.id,)) if opening else Answer(None, ())
    yield Draft(
        anchor,
        anchor.time,
        limit.due_at,
        "",
        *answer,
        limit.provisional,
        anchor.time.date(),
        limit.shift,
        counted=limit.counted,
    )


def abolished_code(scope: Scope, rule: Rule) -> Drafts:
    """A handover whose county or town has a code that ends without a successor (semantics.md 9.7)."""
    handover = scope.handover
    if handover is None or scope.opened_at is None:
        return
    ended = {
        fact.data["code"]: fact
        for fact in scope.registry.changes
        if fact.data["change"] == "ABOLISHED" and not fact.data.get("successor_code")
    }
    for code, change in ended.items():
        ends = start_of(change.day("valid_from"))
        if scope.opened_at >= ends or (scope.closed_at is not None and scope.closed_at < ends):
            continue
        then = HandoverOwners(handover, scope.successors.none(), until=ends)
        if code not in (code_of(then.county()), code_of(then.town())):
            continue
        answer = _moved(scope, code, change)
        yield Draft(
            change, max(ends, change.time), max(ends, change.time), code, *answer, day0=change.day("valid_from")
        )


def _moved(scope: Scope, code: str, change: Fact) -> Answer:
    ends = start_of(change.day("valid_from"))
    fields = {"intake.assigned": "town_agency", "intake.transfer_arrived": "to_agency"}
    moves = [
        fact
        for name, field in fields.items()
        for fact in scope.facts.get(name, ())
        if fact.time >= ends and code_of(fact.data[field]) != code
    ]
    moves += [fact for fact in scope.registry.changes if fact.data["code"] == code and fact.data.get("successor_code")]
    earliest = first(moves)
    return Answer(earliest.time, (earliest.id,)) if earliest else Answer(None, ())


def feed_silent(scope: Scope, rule: Rule) -> Drafts:
    """A publisher that sends heartbeats has been silent for some periods (9.1)."""
    feed = scope.feed
    if feed is None or feed.heartbeat is None or feed.period is None or feed.last_sign is None:
        return
    yield Draft(feed.heartbeat, feed.last_sign, feed.last_sign + rule.periods * feed.period)


def manifest_gap(scope: Scope, rule: Rule) -> Drafts:
    """A day's manifest promised more than has arrived (9.2)."""
    if scope.feed is None or rule.check_at is None:
        return
    check_at = rule.check_at.length if rule.check_at.is_exact else NO_TIME
    for manifest, met_at in scope.feed.manifests:
        due_at = max(end_of(manifest.day("day")) + check_at, manifest.time)
        if met_at is not None and met_at > scope.now:
            scope.alarm(met_at)
            met_at = None
        yield Draft(manifest, manifest.time, due_at, str(manifest.data["day"]), met_at)
