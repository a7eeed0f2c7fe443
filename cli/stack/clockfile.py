"""The file of simulated time: `[{"log_start": ms, "time_start": instant, "rate": number}]`, read by streams.clock.

Each start of the demo appends to it and changes nothing that was: what the log recorded keeps the instants it was judged
by, and time goes on from where it stopped, however long the machine was off.
"""

import json
import os
from datetime import datetime
from pathlib import Path

from schemas.instants import from_millis, millis, show
from streams.clock import Clock, Segment

# The clock must increase, so it does not stand still while nothing runs: it goes on by 86 ms a day.
PAUSE_RATE = 1e-6


def begin(path: Path, first: datetime, rate: float, now_ms: int) -> Clock:
    """A new file: from broker time `now_ms` on it is `first`, and time runs `rate` times as fast."""
    return _write(path, (Segment(now_ms, millis(first), rate),))


def go_on(path: Path, stopped_ms: int, rate: float, now_ms: int) -> Clock:
    """Append: time paused when broker time was `stopped_ms`, and runs again from `now_ms` at `rate`.

    A stop that would lie before what the file already says is moved to there. Raise OSError, ValueError, KeyError.
    """
    old = Clock.load(path).segments
    stopped_ms = min(max(stopped_ms, old[-1].log_start), now_ms)
    paused = Segment(stopped_ms, Clock(old).millis_at(stopped_ms), PAUSE_RATE)
    running = Segment(now_ms, Clock((paused,)).millis_at(now_ms), rate)
    return _write(path, (*old, paused, running))


def _write(path: Path, segments: tuple[Segment, ...]) -> Clock:
    rows = [
        {"log_start": one.log_start, "time_start": show(from_millis(one.time_start)), "rate": one.rate}
        for one in segments
    ]
    replace(path, json.dumps(rows, indent=1))
    return Clock(segments)


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, finds the old text or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
