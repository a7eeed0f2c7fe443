"""The one clock: broker time mapped to the time that facts are judged in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from schemas.instants import from_millis, instant, millis
from schemas.text_files import read_text


@dataclass(frozen=True, slots=True)
class Segment:
    """From broker time `log_start` (ms) on, time runs from `time_start` (ms) at `rate`."""

    log_start: int
    time_start: int
    rate: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Piecewise affine and increasing. Without segments time is what it is."""

    segments: tuple[Segment, ...] = ()

    @classmethod
    def load(cls, path: Path | None) -> "Clock":
        """Read `[{"log_start": ms, "time_start": instant, "rate": number}]`. No path: the identity. Raise OSError, ValueError, KeyError."""
        if path is None:
            return cls()
        rows = json.loads(read_text(path))
        return cls(
            tuple(Segment(row["log_start"], millis(instant(row["time_start"])), float(row["rate"])) for row in rows)
        )

    def millis_at(self, broker_ms: int) -> int:
        """The mapped time in ms of a broker timestamp in ms."""
        segment = _last(self.segments, broker_ms)
        if segment is None:
            return broker_ms
        return segment.time_start + round((broker_ms - segment.log_start) * segment.rate)

    def arrival(self, broker_ms: int) -> datetime:
        """The instant at which a record with this broker timestamp arrived."""
        return from_millis(self.millis_at(broker_ms))

    def now(self, wall_ms: int) -> datetime:
        """The instant it is when the broker's clock says `wall_ms`."""
        return self.arrival(wall_ms)

    def age(self, at: datetime, wall_ms: int) -> timedelta:
        """How long ago an instant of the judged time was, by the brokers' clock."""
        return timedelta(milliseconds=wall_ms - self.broker_ms(at))

    def broker_ms(self, at: datetime) -> int:
        """When, in broker time, it will be `at`."""
        wanted = millis(at)
        found = None
        for segment in self.segments:
            if found is None or segment.time_start <= wanted:
                found = segment
        if found is None:
            return wanted
        return found.log_start + round((wanted - found.time_start) / found.rate)


def _last(segments: Sequence[Segment], broker_ms: int) -> Segment | None:
    found = segments[0] if segments else None
    for segment in segments:
        if segment.log_start <= broker_ms:
            found = segment
    return found
