"""`handover demo`: a made-up city on real Kafka, on this machine, an hour a second; its alerts live in the terminal."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import CHECK_FAILED, say, warn
from cli.runtime import open_database, read_settings
from cli.settings import Settings

if TYPE_CHECKING:
    from cli.stack.local import Stack

WORKERS = 2
CITY_SECONDS = 300  # a city of many simulated months thinks for a while until it is where it stopped
LINE_SECONDS = 5.0


def demo(
    speed: Annotated[float, typer.Option(min=0.001, max=24, help="Simulated hours per second.")] = 1.0,
    scale: Annotated[str, typer.Option(help="county, city, province or nation.")] = "city",
    seed: Annotated[int, typer.Option(help="Another number, another city.")] = 1,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so long; 0 means at Ctrl-C.")] = 0,
    screen: Annotated[bool, typer.Option(help="Show the alerts live; otherwise a line now and then.")] = True,
) -> None:
    """Start everything on this machine with a simulated city. Ctrl-C stops all; the same city goes on next time."""
    from cli.stack.children import Unstartable
    from cli.stack.local import run_stack

    settings = read_settings()
    folder = (settings.data_dir / "demo").absolute()
    own = {"clock_file": folder / "clock.json", "database_url": None, "publishers": folder / "publishers.toml"}
    settings = settings.model_copy(update=own)
    try:
        with run_stack(settings, folder, say) as stack:
            register_city(stack.folder / "publishers.toml", scale, seed)
            wake_city(stack, scale, seed, speed)
            for number in range(1, WORKERS + 1):
                stack.start_worker(number)
            stack.start_sink()
            console = stack.start_console()
            stack.wait_ready()
            stack.record("demo")
            say(f"{WORKERS} workers, a sink and the console run; logs in {folder / 'logs'}")
            say(f"Console: {console} (demo users and their password are on its login page)")
            say(f"Other commands in another terminal: . {folder / 'env'}; .venv/bin/handover status")
            watch(stack, seconds, screen=screen and sys.stdout.isatty())
    except KeyboardInterrupt:
        pass
    except Unstartable as error:
        warn(str(error))
        raise typer.Exit(CHECK_FAILED) from None
    say("All stopped; the city goes on from here next time (make reset begins anew).")


def register_city(path: Path, scale: str, seed: int) -> None:
    """Write the register of the city's publishers."""
    from cli.simulation.places import SCALES, Places
    from cli.simulation.publishers import Publishers
    from cli.stack.clockfile import replace
    from schemas.publishers import written

    replace(path, written(Publishers(Places(SCALES[scale], seed)).sources()))


def wake_city(stack: "Stack", scale: str, seed: int, speed: float) -> None:
    """Start the city and wait until it has started the clock: the workers read the clock's file when they start."""
    from cli.stack.children import Unstartable, last_lines

    clock = stack.settings.clock_file
    before = clock.stat().st_mtime_ns if clock is not None and clock.exists() else 0
    say("City: going on from where it stopped" if before else "City: begins")
    options = ("--scale", scale, "--seed", str(seed), "--speed", str(speed))
    command = (sys.executable, "-m", "cli.stack.city", *options, "--position", str(stack.folder / "city.json"))
    child = stack.processes.start("city", command, stack.env, restart=False)
    end = time.monotonic() + CITY_SECONDS
    while clock is None or not clock.exists() or clock.stat().st_mtime_ns == before:
        if child.process.poll() is not None or time.monotonic() > end:
            raise Unstartable(f"The city did not wake: {last_lines(child.log, 1)}")
        time.sleep(0.1)


def watch(stack: "Stack", seconds: float, *, screen: bool) -> None:
    """Show the alerts until Ctrl-C, or for so many seconds; the demo ends when the city does."""
    from cli.stack.children import Unstartable
    from cli.stack.processes import handover

    end = time.monotonic() + seconds if seconds else float("inf")
    stack.say = warn
    shown = subprocess.Popen(handover("alerts", "--watch"), env={**os.environ, **stack.env}) if screen else None
    last = 0.0
    try:
        while time.monotonic() < end and (shown is None or shown.poll() is None):
            if stack.report_deaths():
                stack.record("demo")  # started again: other ids
            if any(child.given_up for child in stack.processes.children):
                raise Unstartable(f"A part of the demo has ended: see the logs in {stack.folder / 'logs'}.")
            if shown is None and time.monotonic() - last > LINE_SECONDS:
                say(line(stack.settings))
                last = time.monotonic()
            time.sleep(0.25)
    finally:
        if shown is not None:
            shown.terminate()
            shown.wait()


def line(settings: Settings) -> str:
    """What time it is in the city, and how many alerts it has had."""
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    from cli.stack.city import wall_ms
    from schemas.instants import show
    from sinks.readmodel.tables import alert
    from streams.clock import Clock

    now = show(Clock.load(settings.clock_file).now(wall_ms()))[:16].replace("T", " ")
    engine = open_database(settings)
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(alert.c.state, func.count()).group_by(alert.c.state)).all()
    except SQLAlchemyError:
        rows = []
    finally:
        engine.dispose()
    return f"{now}  alerts: " + (
        ", ".join(f"{count} {state}" for state, count in sorted(map(tuple, rows))) or "none yet"
    )
