"""What the case of a publisher may forget: old heartbeats, manifests and verdicts (semantics.md 11)."""

from datetime import datetime, timedelta

from handover.cases.case import Case
from handover.facts.fact import Fact, in_order, last
from handover.feeds.feed_state import HEARTBEAT
from handover.feeds.manifest import VERDICT
from handover.feeds.metric_verdict import METRIC_JUDGED, Place, place_of
from handover.obligations.obligation import Scope

KEPT_SIGNS = 128  # heartbeats behind these change nothing any more
KEPT_DAYS = timedelta(days=92)  # a manifest behind these is not told again: raw topics end before
OF_A_DAY = ("system.publisher_manifest", VERDICT)
_WORTH = 14  # facts; fewer are not worth a record


def forget_measured(case: Case, now: datetime) -> None:
    """Keep the two latest verdicts of each metric: the forms look at no more (`handover/obligations/forms/measured.py`)."""
    told = in_order(
        copies[0]
        for copies in case.entries.copies.values()
        if copies[0].name == METRIC_JUDGED and copies[0].arrival <= now
    )
    kept: dict[Place, list[Fact]] = {}
    for fact in told:
        kept.setdefault(place_of(fact), []).append(fact)
    for verdicts in kept.values():
        for fact in verdicts[:-2]:
            case.entries.drop(fact)


def forget_signs(case: Case, scope: Scope, now: datetime) -> None:
    """Keep the latest heartbeats only, and those yet to be lived through: a publisher sends them for years."""
    feed = scope.feed
    if feed is None or feed.beats <= 2 * KEPT_SIGNS:
        return
    beats = (copies[0] for copies in case.entries.copies.values() if copies[0].name == HEARTBEAT)
    known = sorted((beat for beat in beats if beat.arrival <= now), key=lambda beat: beat.arrival)
    newest = last(known)
    gone = [fact for fact in known[:-KEPT_SIGNS] if fact is not newest]
    for fact in gone:
        case.entries.drop(fact)
    scope.feed = feed._replace(beats=len(known) - len(gone))


def forget_days(case: Case) -> bool:
    """Forget manifests, verdicts and ended alerts of days long past. Whether there were any."""
    assert case.lived is not None
    limit = (case.lived - KEPT_DAYS).date().isoformat()
    old = [
        copy
        for copies in case.entries.copies.values()
        for copy in copies
        if copy.name in OF_A_DAY and str(copy.data["day"]) < limit and not _fires(case, str(copy.data["day"]))
    ]
    if len(old) < _WORTH:
        return False
    case.entries = case.entries.with_others(old, ())
    days = {str(copy.data["day"]) for copy in old}
    case.memories = {slot: memory for slot, memory in case.memories.items() if slot[2].rpartition(":")[2] not in days}
    case.derived = None
    return True


def _fires(case: Case, day: str) -> bool:
    return any(memory.firing for slot, memory in case.memories.items() if slot[2].rpartition(":")[2] == day)
