"""`make bench`: medians of several runs of each measure, printed, kept in benchmarks/results.json, and told in README.md."""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import console, open_cases, page, soak
from benchmarks.measures import deadlines, domain, replayed, same_second, worker
from benchmarks.targets import GROWTH, RUNS, TARGETS, Target
from benchmarks.whole_path import whole_path
from cli.main import collect_seldom

Measure = Callable[[Path], float | list[float]]  # of one run, or of all

_OF_OPEN_CASES: dict[str, Callable[[open_cases.Found], float]] = {
    "events/s of a backlog after a start": lambda found: found.first_per_second,
    "events/s of a backlog, going on": lambda found: found.events_per_second,
    "CPU of one event": lambda found: found.cpu_us_per_event,
    "CPU of an event whose case is not ready": lambda found: found.unready_us_per_event,
    "memory": lambda found: found.bytes_per_case,
    "restart": lambda found: found.restart_seconds,
    "due instant": lambda found: found.due_seconds,
}


def _measures() -> Iterator[tuple[str, Measure]]:
    yield "pure domain", domain
    yield "handover replay", replayed
    yield "one worker: event topics", worker
    for cases in GROWTH:
        for told, of in _OF_OPEN_CASES.items():
            yield f"one worker at {cases:,} open cases: {told}", partial(open_cases.measured, cases=cases, of=of)
    yield "whole path", whole_path
    yield "due instant", deadlines
    yield "100,000 deadlines", same_second
    yield "three years of a county: memory", soak.memory
    yield "three years of a county: changelog", soak.changelog


def main(arguments: list[str]) -> None:
    """Measure; a name's part as argument measures only those, `--deep` also those that take many minutes."""
    wanted = next((word for word in arguments if not word.startswith("--")), "")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found: dict[str, object] = json.loads(page.RESULTS.read_text(encoding="utf-8")) if page.RESULTS.exists() else {}
    print(machine)
    collect_seldom()
    measures = dict(_measures())
    for target in TARGETS:
        if wanted not in target.name or (target.deep and not wanted and "--deep" not in arguments):
            continue
        measure = next(one for name, one in measures.items() if target.name.startswith(name))
        found[target.name] = _measured(target, measure)
        found |= {"machine": machine, "measured_at": time.strftime("%Y-%m-%d")}
        page.keep(found)
    with tempfile.TemporaryDirectory() as folder:
        for name, value, unit, most in console.measured(Path(folder), wanted):
            load = round(os.getloadavg()[0], 1)  # a figure of a busy machine says so
            told = {"unit": unit, "promised": most, "load": load, "measured_at": time.strftime("%Y-%m-%d")}
            found[name] = {"median": value, "runs": [value], **told}
            print(f"{name}: {value:,.3f} {unit}  (promised: {most:g} {unit})", flush=True)
            page.keep(found)


def _measured(target: Target, measure: Measure) -> dict[str, object]:
    values: list[float] = []
    while len(values) < RUNS:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder))
        values += found if isinstance(found, list) else [found]
    middle = statistics.median(values)
    print(
        f"{target.name}: {middle:,.2f} {target.unit}  (runs: {', '.join(f'{one:,.2f}' for one in values)})", flush=True
    )
    return {"median": middle, "runs": values, "unit": target.unit, "measured_at": time.strftime("%Y-%m-%d")}


if __name__ == "__main__":
    main(sys.argv[1:])
