"""How far the log is known: bounds are exclusive, in ms (docs/architecture.md, "One deadline")."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

Marks = tuple[int, ...]  # bounds by hop, in ms of the judged time

MARKED_EACH_MS = 25
LONGEST_STRIDE_MS = 10 * 365 * 86_400_000
STEP_SECONDS = 0.5, 1.5  # a step shorter than the first may go further next time, one longer than the second less far


@dataclass(slots=True)
class Frontier:
    """What has been read of one partition of one topic, in broker time."""

    last_ms: int | None = None  # timestamp of the last record handed to us

    def bound(self, read_until_ms: int | None, grace_ms: int) -> int | None:
        """All records with a smaller timestamp are in hand. At the end of the log: what was appended before the fetch was asked."""
        if read_until_ms is not None:
            return max(read_until_ms - grace_ms, self.last_ms or 0)
        return self.last_ms


@dataclass(slots=True)
class Stride:
    """How far through the log's time one step may go: after an outage of months a case has hundreds of instants to live through.

    Doubled after a short step, halved after a long one, so that heartbeats and the lease live whatever the backlog is.
    """

    span_ms: int = 86_400_000

    def end(self, first_ms: int | None, lived_ms: int, until_ms: int) -> int:
        """Where a step ends that begins with what happens first; never before what has been lived, never after what is known."""
        if first_ms is None:
            return until_ms
        return min(until_ms, max(first_ms + self.span_ms, lived_ms))

    def took(self, seconds: float, *, cut: bool) -> None:
        """Learn from a step; `cut`: it ended before what is known."""
        short, long = STEP_SECONDS
        if seconds > long:
            self.span_ms = max(1, self.span_ms // 2)
        elif cut and seconds < short:
            self.span_ms = min(LONGEST_STRIDE_MS, self.span_ms * 2)


def least(bounds: Iterable[int | None]) -> int | None:
    """The least bound; None where one is not known."""
    found: int | None = None
    for bound in bounds:
        if bound is None:
            return None
        found = bound if found is None else min(found, bound)
    return found


@dataclass(slots=True)
class Markers:
    """What the owners of all partitions say of what they have sent on: an origin's marks are bounds by hop, hop 0 first.

    Mark 0: all records of the origin's own topics below it have been routed. Mark k: all facts below it that came to the
    origin by up to k - 1 hops have been taken, and what their cases tell others has been sent. A mark may be wanting at the end.
    """

    partitions: int
    seen: dict[int, dict[int, Marks]] = field(default_factory=dict)  # per routed partition, per origin
    written: dict[int, Marks] = field(default_factory=dict)
    written_at_ms: int = 0  # of a clock that never jumps

    def read(self, partition: int, told: Mapping[int, Marks]) -> None:
        """A marker came through a routed partition."""
        seen = self.seen.setdefault(partition, {})
        for origin, marks in told.items():
            seen[origin] = _furthest(seen.get(origin, ()), marks)

    def bound(self, partition: int, hop: int) -> int | None:
        """All facts below it that were sent to a partition by that hop have come through."""
        seen = self.seen.get(partition, {})
        return least(_mark(seen.get(origin, ()), hop) for origin in range(self.partitions))

    def due(self, marks: Mapping[int, Marks], now_ms: int) -> dict[int, Marks]:
        """What is worth a new marker now (ms, of a clock that never jumps): every advance, or many records of one moment would wait for ever."""
        if now_ms < self.written_at_ms + MARKED_EACH_MS:
            return {}
        return {
            origin: upto
            for origin, upto in marks.items()
            if upto and _furthest(written := self.written.get(origin, ()), upto) != written
        }

    def wrote(self, told: Mapping[int, Marks], now_ms: int) -> None:
        """A marker has been acknowledged."""
        for origin, marks in told.items():
            self.written[origin] = _furthest(self.written.get(origin, ()), marks)
        self.written_at_ms = now_ms

    def forget(self) -> None:
        """After a rebalance others may have gone on."""
        self.seen.clear()
        self.written.clear()


def _furthest(some: Marks, others: Marks) -> Marks:
    return tuple(max(one, other) for one, other in zip_longest(some, others, fillvalue=0))


def _mark(marks: Marks, hop: int) -> int | None:
    return marks[hop] if hop < len(marks) else None
