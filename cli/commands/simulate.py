"""`handover simulate`: a made-up county, city, province or nation, to a file, to Kafka at once, or to Kafka as time passes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Bar, fail, output, warn

if TYPE_CHECKING:
    from cli.kafka.producer import Sender
    from cli.settings import Settings
    from cli.simulation.record import Record
    from cli.simulation.stream import Options

_SAVED_EACH_SECONDS = 1.0
_WORST = 0.5  # share of records that may go wrong


def simulate(
    scale: Annotated[str, typer.Option("--scale", help="county, city, province or nation.")] = "city",
    seed: Annotated[int, typer.Option("--seed", help="Equal options give equal bytes.")] = 1,
    days: Annotated[int, typer.Option("--days", min=0, help="How many days; 0 never ends.")] = 30,
    start: Annotated[str, typer.Option("--start", help="First day.")] = "2026-03-02",
    faults: Annotated[
        str, typer.Option("--faults", help="none, light, normal, heavy, or the share of records that go wrong.")
    ] = "normal",
    register: Annotated[
        float, typer.Option("--register", min=0, max=1, help="Share of the opening register that is told first.")
    ] = 1.0,
    out: Annotated[str, typer.Option("--out", help='A file of CloudEvents with `receivedtime`; "-" is stdout.')] = "-",
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Send to the topics instead, as fast as they take it.")
    ] = False,
    pace: Annotated[
        bool, typer.Option("--pace", help="With --kafka: send each record when the clock says that it arrives.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="With --kafka: remember the position here, and go on from it.")
    ] = None,
) -> None:
    """Make synthetic events of a county, city, province or nation, in order of arrival; all codes begin with 99.

    In the first hours every office tells its register: who is in the process already. So the first deadlines run out in
    the first night, and new ones each midnight. Wrong records are among the lines unless --faults none.
    """
    options = _options(scale, seed, days, start, faults, register)
    if kafka:
        _to_kafka(options, pace, state)
    elif pace or state is not None:
        fail("--pace and --state are for a broker", "add --kafka")
    else:
        _to_file(options, out)


def _options(scale: str, seed: int, days: int, start: str, faults: str, register: float) -> Options:
    from cli.simulation.faults import PRESETS
    from cli.simulation.places import SCALES
    from cli.simulation.stream import Options

    if scale not in SCALES:
        fail(f"--scale {scale}: unknown", f"use one of {', '.join(SCALES)}")
    try:
        rate = PRESETS[faults] if faults in PRESETS else float(faults)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= _WORST:
        fail(f"--faults {faults}: unknown", f"use one of {', '.join(PRESETS)}, or a share from 0 to {_WORST}")
    try:
        first = date.fromisoformat(start)
    except ValueError:
        fail(f"--start {start}: no date", "write for example 2026-03-02")
    return Options(scale, seed, days, first, rate, register)


def _to_file(options: Options, out: str) -> None:
    from cli.simulation.stream import simulate as made

    with output(out) as stream, Bar("simulating", None) as bar:
        for record in made(options):
            stream.write(record.line() + b"\n")
            bar.advance()


def _to_kafka(options: Options, pace: bool, state: Path | None) -> None:
    from cli.kafka.producer import Sender
    from cli.runtime import read_clock, read_settings

    settings: Settings = read_settings()
    clock = read_clock(settings)
    place = _Place(state, options)
    with Sender(settings) as sender, Bar("sending", None) as bar:
        for record in _rest(options, place.sent):
            arrives = clock.broker_ms(_instant(record))
            if pace:
                _wait(arrives, sender, place)
            sender.send(
                record.topic,
                record.key.encode(),
                record.value,
                headers=[("content-type", b"application/cloudevents+json")],
                misplaced=record.misplaced,
                timestamp_ms=arrives,
            )
            place.sent += 1
            bar.advance()
        sender.flush()
        place.save()
    warn(f"{place.sent} records sent")


def _rest(options: Options, sent: int) -> Iterator[Record]:
    """Yield the records after the first `sent`: they are made again, which is quick, and passed over."""
    from itertools import islice

    from cli.simulation.stream import simulate as made

    return islice(made(options), sent, None)


def _instant(record: Record) -> Any:
    from schemas.instants import from_millis

    return from_millis(record.received)


def _wait(arrives: int, sender: Sender, place: _Place) -> None:
    """Wait until `arrives` (broker time, ms), never shorter; what was sent is acknowledged and remembered meanwhile."""
    while (left := arrives / 1000 - time.time()) > 0:
        if place.is_old():
            sender.flush()
            place.save()
        else:
            time.sleep(min(left, 0.5))


class _Place:
    """How far a simulation has come; kept in a file, so that it goes on after a stop."""

    def __init__(self, path: Path | None, options: Options) -> None:
        self._path, self._options = path, {**asdict(options), "start": options.start.isoformat()}
        self._saved_at = 0.0
        self.sent = 0
        if path is not None and path.exists():
            self.sent = self._read(path)

    def is_old(self) -> bool:
        """Say whether it is time to save the position again."""
        return time.monotonic() - self._saved_at >= _SAVED_EACH_SECONDS

    def save(self) -> None:
        """Write the position; only after everything before it was acknowledged."""
        self._saved_at = time.monotonic()
        if self._path is None:
            return
        import orjson

        unfinished = self._path.with_name(f"{self._path.name}.part")
        unfinished.write_bytes(orjson.dumps({"options": self._options, "sent": self.sent}))
        unfinished.replace(self._path)

    def _read(self, path: Path) -> int:
        import orjson

        try:
            found = orjson.loads(path.read_bytes())
            if found["options"] == self._options:
                return int(found["sent"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            fail(f"cannot read {path}: {type(error).__name__}", "delete it to begin anew")
        return fail(
            f"{path} belongs to a simulation with other options", "use the same ones, or delete it to begin anew"
        )
