"""A made-up city that lives by the demo's clock: each fact is published when its instant comes, and not before.

Runs as a process of its own. It is what starts the clock: only when it has thought its way to the instant at which the
last run stopped does time go on, so no fact is late because the city was not yet awake.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, dropwhile
from pathlib import Path
from typing import Any

import typer

from cli.kafka.producer import Sender
from cli.logs import start_logs
from cli.settings import Settings, load
from cli.simulation.record import Record
from cli.simulation.stream import Options, simulate
from cli.stack import clockfile
from schemas.instants import from_millis
from streams.clock import Clock

SAVE_SECONDS = 0.5
TICK_SECONDS = 0.02
KILLED_MS = 1000  # a city that could not say when it stopped lived at most so long after it last saved
CONTENT_TYPE = [("content-type", b"application/cloudevents+json")]


@dataclass(frozen=True, slots=True)
class Position:
    """How far the city has told its facts: all that arrived before `told` (simulated ms), at broker time `log_ms`."""

    told: int
    log_ms: int
    options: dict[str, Any]  # what the city depends on: it can go on only as the city it was
    stopped: bool = False  # in order; False: still running, or killed

    @property
    def stopped_ms(self) -> int:
        """Broker time after which nothing of that run can have happened."""
        return self.log_ms if self.stopped else self.log_ms + KILLED_MS

    @classmethod
    def load(cls, path: Path) -> "Position | None":
        """The position, None where no city lived yet."""
        if not path.exists():
            return None
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Write it so that a crash leaves the old one or this one."""
        row = {"told": self.told, "log_ms": self.log_ms, "options": self.options, "stopped": self.stopped}
        clockfile.replace(path, json.dumps(row))


def live(records: Iterator[Record], sender: Sender, clock: Clock, place: tuple[Position, Path], stop: Any) -> None:
    """Publish each record when its instant comes, save the position twice a second; return when told to stop."""
    position, path = place
    saved = 0.0
    for record in records:
        while not stop.is_set() and (time.monotonic() - saved > SAVE_SECONDS or record.received > simulated_ms(clock)):
            if time.monotonic() - saved > SAVE_SECONDS:
                position = advance(position, clock, record, sender, path)
                saved = time.monotonic()
            else:
                stop.wait(TICK_SECONDS)
        if stop.is_set():
            replace(advance(position, clock, record, sender, path), stopped=True).save(path)
            return
        key = record.key.encode()
        sender.send(record.topic, key, record.value, headers=CONTENT_TYPE, misplaced=record.misplaced)


def advance(position: Position, clock: Clock, upcoming: Record, sender: Sender, path: Path) -> Position:
    """All before the upcoming record is acknowledged: save that."""
    log_ms = wall_ms()
    sender.flush()
    position = replace(position, told=min(upcoming.received, clock.millis_at(log_ms)), log_ms=log_ms)
    position.save(path)
    return position


def simulated_ms(clock: Clock) -> int:
    """The simulated time now, in ms."""
    return clock.millis_at(wall_ms())


def wall_ms() -> int:
    """The time of this machine, which is the local broker's too."""
    return time.time_ns() // 1_000_000


def main(arguments: list[str]) -> int:
    """Live until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m cli.stack.city", description=__doc__)
    parser.add_argument("--scale", default="city")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=date.fromisoformat, default=Options().start)
    parser.add_argument("--speed", type=float, default=1.0, help="hours per second")
    parser.add_argument("--position", type=Path, required=True)
    given = parser.parse_args(arguments)
    stop, settings = threading.Event(), load()
    start_logs(settings, quiet=("kafka",))
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        run(settings, Options(given.scale, given.seed, 0, given.start), given.speed * 3600, given.position, stop)
    except typer.Exit as error:  # it has said why
        return error.exit_code
    return 0


def run(settings: Settings, options: Options, rate: float, path: Path, stop: Any) -> None:
    """Think up to where the last run stopped, start the clock, live."""
    if settings.clock_file is None:
        raise ValueError("a city needs REENTRY_CLOCK_FILE")
    city = {"scale": options.scale, "seed": options.seed, "start": options.start.isoformat()}
    last = Position.load(path)
    if last is not None and last.options != city:
        raise ValueError(f"the data in {path.parent} are of another city: {last.options} (make reset removes them)")
    since = last.told if last is not None else 0
    records = dropwhile(lambda record: record.received < since, simulate(options))
    first = next(records)
    with Sender(settings) as sender:
        now = wall_ms()
        if last is None:
            clock = clockfile.begin(settings.clock_file, from_millis(first.received), rate, now)
        else:
            clockfile.pause(settings.clock_file, min(last.stopped_ms, now))  # unless it could do so itself
            clock = clockfile.go_on(settings.clock_file, rate, now)
        live(chain([first], records), sender, clock, (Position(first.received, now, city), path), stop)
    last = Position.load(path)
    if last is not None and last.stopped:
        clockfile.pause(settings.clock_file, last.log_ms)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
