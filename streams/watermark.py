"""How far the log is known: bounds are exclusive, in ms of broker time (architecture.md, "One deadline")."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MARKED_EACH_MS = 100


@dataclass(slots=True)
class Frontier:
    """What has been read of one partition of one topic."""

    last_ms: int | None = None  # timestamp of the last record handed to us

    def bound(self, read_until_ms: int | None, grace_ms: int) -> int | None:
        """All records with a smaller timestamp are in hand. At the end of the log: what was appended before the fetch was asked."""
        if read_until_ms is not None:
            return max(read_until_ms - grace_ms, self.last_ms or 0)
        return self.last_ms


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
