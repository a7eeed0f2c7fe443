"""The signs of life of a publisher, and its manifests, from the facts of its source's case (semantics.md section 9)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from handover.facts.fact import Fact, in_order, last
from handover.facts.fact_log import standing
from handover.feeds.manifest import VERDICT
from handover.feeds.metric_verdict import METRIC_JUDGED, Place, place_of
from handover.obligations.obligation import Feed, Scope

if TYPE_CHECKING:
    from handover.cases.case import Case

KEPT_SIGNS = 128  # heartbeats behind these change nothing any more
KEPT_DAYS = timedelta(days=92)  # a manifest behind these is not told again: raw topics end before
HEARTBEAT = "system.publisher_heartbeat"
OF_A_DAY = ("system.publisher_manifest", VERDICT)
_WORTH = 14  # facts; fewer are not worth a record
_SIGNS = (HEARTBEAT, "system.publisher_manifest")
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration in weeks, days, hours, minutes and seconds. Raise ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no ISO 8601 duration such as PT15M")
    return timedelta(**{unit: float(value) for unit, value in found.groupdict().items() if value})


def feed_at(case: "Case", now: datetime) -> Feed:
    """9.1, 9.2: L is the latest arrival of a sign, the period that of the latest heartbeat; corrected signs still are signs."""
    arrived = case.entries.arrived(now)
    signs = [fact.arrival for fact in arrived if fact.name in _SIGNS]
    stand = standing(arrived, {})
    heartbeat = last(fact for fact in stand if fact.name == HEARTBEAT)
    return Feed(
        max(signs, default=None),
        heartbeat,
        duration(heartbeat.data["period"]) if heartbeat else None,
        _judged([fact for fact in stand if fact.name == "system.publisher_manifest"], stand),
        sum(fact.name == HEARTBEAT for fact in arrived),
    )


def heard(feed: Feed, beats: Sequence[Fact]) -> Feed:
    """A feed after more heartbeats: what `feed_at` would say, and nothing else of it can have changed."""
    if not beats:
        return feed
    heartbeat = last((*beats, feed.heartbeat) if feed.heartbeat else beats)
    assert heartbeat is not None
    signs = [beat.arrival for beat in beats] + ([feed.last_sign] if feed.last_sign else [])
    return feed._replace(
        last_sign=max(signs),
        heartbeat=heartbeat,
        period=feed.period if heartbeat is feed.heartbeat else duration(heartbeat.data["period"]),
        beats=feed.beats + len(beats),
    )


def _judged(manifests: list[Fact], facts: list[Fact]) -> list[tuple[Fact, datetime | None]]:
    """The latest manifest of each day, where it has been judged, with the instant at which all of it had arrived."""
    by_day = {str(manifest.data["day"]): manifest for manifest in manifests}
    verdicts = in_order(fact for fact in facts if fact.name == VERDICT)
    found = []
    for day, manifest in by_day.items():
        told = [v for v in verdicts if v.data["day"] == day and v.data.get("manifest_id") in (None, manifest.id)]
        if told:
            met = told[-1].data.get("met_at")
            found.append((manifest, told[-1].instant("met_at") if met else None))
    return found


def forget_measured(case: "Case", now: datetime) -> None:
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


def forget_signs(case: "Case", scope: Scope, now: datetime) -> None:
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


def forget_days(case: "Case") -> bool:
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


def _fires(case: "Case", day: str) -> bool:
    return any(memory.firing for slot, memory in case.memories.items() if slot[2].rpartition(":")[2] == day)
