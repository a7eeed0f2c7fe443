"""The file of simulated time: `[{"log_start": ms, "time_start": instant, "rate": number}]`, read by streams.clock.

Each start of the demo appends to it and changes nothing that was: what the log recorded keeps the instants it was
judged by, and time goes on from where it stopped, however long the machine was off.
"""

import json
import os
from datetime import datetime
from pathlib import Path

from cli.private_files import write_private
from schemas.instants import from_millis, millis, show
from streams.clock import Clock, Segment

# The clock must increase, so it does not stand still while nothing runs: it goes on by 86 ms a day.
PAUSE_RATE = 1e-6


def begin(path: Path, first: datetime, rate: float, now_ms: int) -> Clock:
    """A new file: from broker time `now_ms` on it is `first`, and time runs `rate` times as fast."""
    return _write(path, (Segment(now_ms, millis(first), rate),))


def pause(path: Path, stopped_ms: int) -> Clock:
    """Append: time stopped when broker time was `stopped_ms`. Paused twice is paused once.

    A stop that would lie before what the file already says is moved to there. Raise OSError, ValueError, KeyError.
    """
    old = Clock.load(path)
    last = old.segments[-1]
    if last.rate == PAUSE_RATE:
        return old
    stopped_ms = max(stopped_ms, last.log_start)
    return _write(path, (*old.segments, Segment(stopped_ms, old.millis_at(stopped_ms), PAUSE_RATE)))


def go_on(path: Path, rate: float, now_ms: int) -> Clock:
    """Append: from broker time `now_ms` on time runs again. It must have been paused, at the latest now."""
    paused = Clock.load(path)
    now_ms = max(now_ms, paused.segments[-1].log_start)
    return _write(path, (*paused.segments, Segment(now_ms, paused.millis_at(now_ms), rate)))


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
    write_private(fresh, text)
    fresh.replace(path)
