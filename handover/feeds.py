"""Judging what a publisher's manifest promised against what has arrived (X04, semantics.md 9.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handover.calendar import end_of

VERDICT = "system.manifest_judged"  # the fact by which a sink tells one
CHECKED_AFTER = timedelta(hours=2)  # 02:00 of the day after


@dataclass(frozen=True, slots=True)
class Promise:
    """What a manifest says of one topic: a number of events, and perhaps the first and last sequence."""

    topic: str
    count: int
    first_sequence: int | None = None
    last_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a publisher says it has sent of one local day."""

    source: str
    day: date
    time: datetime
    topics: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """When it is due, the instant at which all of it had arrived (None: not yet), and how many are missing per topic."""

    due_at: datetime
    met_at: datetime | None
    missing: Mapping[str, int]


def judge(
    manifest: Manifest, counted: Mapping[str, Sequence[datetime]], sequences: Mapping[str, Mapping[int, datetime]]
) -> Verdict:
    """Judge a manifest. `counted`: per topic the arrivals of distinct events of that day; `sequences`: per topic arrivals by number."""
    due_at = max(end_of(manifest.day) + CHECKED_AFTER, manifest.time)
    met: list[datetime] = [manifest.time]
    missing: dict[str, int] = {}
    for promise in manifest.topics:
        arrivals = sorted(counted.get(promise.topic, ()))
        numbers = _numbers(promise, sequences.get(promise.topic, {}))
        absent = max(promise.count - len(arrivals), sum(at is None for at in numbers))
        if absent > 0:
            missing[promise.topic] = absent
            continue
        met += arrivals[promise.count - 1 : promise.count] if promise.count else []
        met += [at for at in numbers if at is not None]
    return Verdict(due_at, None if missing else max(met), missing)


def _numbers(promise: Promise, arrived: Mapping[int, datetime]) -> list[datetime | None]:
    if promise.first_sequence is None or promise.last_sequence is None:
        return []
    return [arrived.get(number) for number in range(promise.first_sequence, promise.last_sequence + 1)]
