"""Markers on the routed topic: what the owners of all partitions say of what they have sent on (docs/adr/0002)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from streams.watermark import Marks, least

MARKED_EACH_MS = 25


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
