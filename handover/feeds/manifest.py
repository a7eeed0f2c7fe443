"""Judging what a publisher's manifest promised against what has arrived (semantics.md 9.2)."""

from collections.abc import Mapping
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

    @property
    def numbers(self) -> range | None:
        """The sequence numbers promised; a range knows how many it holds, and is never walked: a publisher may write any."""
        if self.first_sequence is None or self.last_sequence is None:
            return None
        return range(self.first_sequence, self.last_sequence + 1)


@dataclass(frozen=True, slots=True)
class Arrived:
    """How much of a promise has arrived.

    `events`: distinct ones of the manifest's day, `events_at`: when there were as many as promised. `numbers`: distinct ones of
    those promised, `numbers_at`: when the last of them came.
    """

    events: int = 0
    events_at: datetime | None = None
    numbers: int = 0
    numbers_at: datetime | None = None


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


def judge(manifest: Manifest, arrived: Mapping[Promise, Arrived]) -> Verdict:
    """Judge a manifest by what has arrived of each promise: its work does not grow with the numbers that it names."""
    due_at = max(end_of(manifest.day) + CHECKED_AFTER, manifest.time)
    met: list[datetime | None] = [manifest.time]
    missing: dict[str, int] = {}
    for promise in manifest.topics:
        known = arrived.get(promise, Arrived())
        absent = max(promise.count - known.events, _missing_numbers(promise, known))
        if absent > 0:
            missing[promise.topic] = max(absent, missing.get(promise.topic, 0))
        met += [known.events_at if promise.count else None, known.numbers_at]
    return Verdict(due_at, None if missing else max(at for at in met if at is not None), missing)


def _missing_numbers(promise: Promise, known: Arrived) -> int:
    numbers = promise.numbers
    if numbers is None:
        return 0
    return (
        max(numbers.stop - numbers.start, 1) - known.numbers
    )  # one that ends before it begins is never met: it is told
