"""The form of rules whose thresholds sinks hold against SQL and the broker (semantics.md 9.8)."""

from handover.facts.fact import Fact, in_order
from handover.feeds.metric_verdict import METRIC_JUDGED, Place, measured_of, place_of
from handover.obligations.obligation import Draft, Drafts, Scope
from handover.rules.rulebook import Rule


def metric(scope: Scope, rule: Rule) -> Drafts:
    """What the last verdict of each key says: the threshold does not hold since an instant, or holds again."""
    verdicts: dict[Place, list[Fact]] = {}
    for fact in in_order(scope.facts.get(METRIC_JUDGED, ())):
        place = place_of(fact)
        if (place.rule_id, place.part) == rule.key:
            verdicts.setdefault(place, []).append(fact)
    for place, told in verdicts.items():
        newest, before = told[-1], told[-2] if len(told) > 1 else None
        bad = newest if newest.data["exceeded"] else before
        if bad is None or not bad.data["exceeded"]:
            continue
        since = bad.instant("since")
        anchor_at = bad.instant("start") if bad.data.get("start") else since
        holds_again = newest is not bad
        yield Draft(
            bad,
            anchor_at,
            since,
            place.key,
            newest.time if holds_again else None,
            (newest.id,) if holds_again else (),
            day0=anchor_at.date(),
            measured=measured_of(bad),
        )
