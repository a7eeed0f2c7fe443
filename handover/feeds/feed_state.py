"""The signs of life of a publisher, and its manifests, from the facts of its source's case (semantics.md 9)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from handover.facts.fact import Fact, in_order, last
from handover.facts.fact_log import FactLog, standing
from handover.feeds.manifest import VERDICT

HEARTBEAT = "system.publisher_heartbeat"
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


class Feed(NamedTuple):
    """What is known of a publisher: its last sign of life, the heartbeat that sets its period, its judged manifests."""

    last_sign: datetime | None
    heartbeat: Fact | None
    period: timedelta | None
    manifests: Sequence[tuple[Fact, datetime | None]]  # the manifest, and when all of it had arrived
    beats: int  # how many heartbeats are kept


def feed_at(entries: FactLog, now: datetime) -> Feed:
    """9.1, 9.2: L is the latest arrival of a sign, the period that of the latest heartbeat; corrected signs still are signs."""
    arrived = entries.arrived(now)
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
