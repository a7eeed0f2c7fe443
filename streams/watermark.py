"""How far the log is known: bounds are exclusive, in ms (docs/architecture.md, "Time")."""

from collections.abc import Iterable
from dataclasses import dataclass

Marks = tuple[int, ...]  # bounds by hop, in ms of the judged time


@dataclass(slots=True)
class Frontier:
    """What has been read of one partition of one topic, in broker time."""

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
