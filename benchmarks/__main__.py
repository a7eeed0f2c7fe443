"""`make bench`: medians of several runs of each measure, printed and kept in benchmarks/results.json."""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.console import measured
from benchmarks.measures import deadlines, domain, replayed, same_second, worker

RESULTS = Path(__file__).parent / "results.json"
MEASURES: dict[str, tuple[Callable[[Path], float], str, int]] = {
    "pure domain: parse, take, advance, one core": (domain, "events/s", 3),
    "handover replay, command line, read and parsed": (replayed, "events/s", 3),
    "one worker: event topics to case and alert topics": (worker, "events/s", 3),
    "due instant to alert on the topic, p99 of 400": (deadlines, "s", 3),
    "100,000 deadlines due in the same instant, to the last alert on the topic": (same_second, "s", 1),
}


def main() -> None:
    """Measure; a name's part as argument measures only those."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found: dict[str, object] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    found |= {"machine": machine, "measured_at": time.strftime("%Y-%m-%d")}
    print(machine)
    for name, (measure, unit, runs) in MEASURES.items():
        if wanted not in name:
            continue
        values = []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                values.append(measure(Path(folder)))
        found[name] = {"median": statistics.median(values), "runs": values, "unit": unit}
        print(
            f"{name}: {statistics.median(values):,.2f} {unit}  (runs: {', '.join(f'{value:,.2f}' for value in values)})",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as folder:
        for name, value, unit, most in measured(Path(folder), wanted):
            load = round(os.getloadavg()[0], 1)  # a figure of a busy machine says so
            found[name] = {"median": value, "runs": [value], "unit": unit, "promised": most, "load": load}
            print(f"{name}: {value:,.3f} {unit}  (promised: {most:g} {unit})", flush=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


main()
