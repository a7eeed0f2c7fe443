"""How far through pipeline time one step goes."""

from dataclasses import dataclass

LONGEST_SLICE_MS = 10 * 365 * 86_400_000
STEP_SECONDS = 0.5, 1.5  # a step shorter than the first may go further next time, one longer than the second less far


@dataclass(slots=True)
class TimeSlice:
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
            self.span_ms = min(LONGEST_SLICE_MS, self.span_ms * 2)
