"""How far the log is known: bounds are exclusive, in ms of broker time (architecture.md, "One deadline")."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MARKED_EACH_MS = 50
LONGEST_STRIDE_MS = 10 * 365 * 86_400_000
STEP_SECONDS = 0.5, 1.5  # a step shorter than the first may go further next time, one longer than the second less far


@dataclass(slots=True)
class Frontier:
    """What has been read of one partition of one topic."""

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
    """How far every partition has been routed: a record in the wrong partition may belong to any other."""

    partitions: int
    seen: dict[int, dict[int, int]] = field(
        default_factory=dict
    )  # per routed partition: per origin, all below has been routed
    written: dict[int, int] = field(default_factory=dict)
    written_at_ms: int = 0  # wall clock

    def read(self, partition: int, told: Mapping[int, int]) -> None:
        """A marker came through a routed partition."""
        seen = self.seen.setdefault(partition, {})
        for origin, upto in told.items():
            seen[origin] = max(upto, seen.get(origin, 0))

    def bound(self, partition: int) -> int | None:
        """All records routed to a partition with a smaller timestamp have come through."""
        seen = self.seen.get(partition, {})
        return least(seen.get(origin) for origin in range(self.partitions))

    def due(self, bounds: Mapping[int, int], now_ms: int) -> dict[int, int]:
        """What is worth a new marker at a wall-clock instant: every advance counts, or many records of one moment would wait for ever."""
        if now_ms < self.written_at_ms + MARKED_EACH_MS:
            return {}
        return {origin: upto for origin, upto in bounds.items() if upto > self.written.get(origin, -1)}

    def wrote(self, told: Mapping[int, int], now_ms: int) -> None:
        """A marker has been acknowledged."""
        self.written.update(told)
        self.written_at_ms = now_ms

    def forget(self) -> None:
        """After a rebalance others may have gone on."""
        self.seen.clear()
        self.written.clear()


def in_hand(offsets: Sequence[int], following: int) -> int:
    """The offset to go on from after a restart: the first one not yet applied."""
    return min(offsets, default=following)
