"""`make bench-peers`: builds each peer, runs all on one broker in one go, prints ratios, keeps results.json and writes README.md."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page as measurements
from benchmarks.peers import page
from benchmarks.peers.install import NotInstalled, classpath, python_of
from benchmarks.peers.load import Load, load_city, load_toy
from benchmarks.peers.race import Program, race
from benchmarks.processes import standing_clock
from benchmarks.targets import RUNS
from cli.stack.kafka import Broker
from schemas.topics import ALERT

SMALL = 10  # the slow forms get this part of the load


@dataclass(frozen=True, slots=True)
class Entry:
    """One program of a race. `part`: it gets this part of the load, because it is slow."""

    job: str  # toy or city
    program: Program
    part: int = 1


def entries() -> Iterator[Entry]:
    """Everything that runs, ours first; each peer is built when its turn comes."""
    ours = sys.executable
    yield Entry("toy", _python("ours", ours, "ours_toy", quiet=4.0))
    jar = ["java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classpath(), "Job"]
    yield Entry("toy", Program("kstreams, in-memory store", [*jar, "memory"], {}, 8.0))
    yield Entry("toy", Program("kstreams, RocksDB store", [*jar, "rocksdb"], {}, 8.0))
    yield Entry("toy", _python("bytewax", python_of("bytewax"), "bytewax_toy", ends=True))
    yield Entry("toy", _python("quix, keyed state", python_of("quix"), "quix_toy", "state"))
    yield Entry("toy", _python("quix, session window", python_of("quix"), "quix_toy", "session"), SMALL)
    yield Entry("toy", _python("faust", python_of("faust"), "faust_toy"), SMALL // 2)
    yield Entry("city", Program("ours", [ours, "-m", "cli", "worker"], {}, 6.0))
    yield Entry("city", _python("bytewax", python_of("bytewax"), "bytewax_city", ends=True))
    yield Entry("city", _python("quix, keyed state", python_of("quix"), "quix_city"))
    yield Entry("city", _python("faust", python_of("faust"), "faust_city"))


def _python(name: str, python: str, job: str, *words: str, quiet: float = 6.0, ends: bool = False) -> Program:
    return Program(name, [python, "-m", f"benchmarks.peers.jobs.{job}", *words], {}, quiet, ends)


def main(arguments: Sequence[str]) -> int:
    """Run; every program reads a copy of the load of its own, equal to the others'."""
    asked = _options(arguments)
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="peers-") as folder, Broker(Path(folder) / "kafka") as broker:
        try:
            for number, entry in enumerate(entries()):
                if entry.job not in asked.job or asked.only not in f"{entry.job} {entry.program.name}":
                    continue
                found += _raced(entry, f"race{number}", broker.bootstrap, Path(folder) / f"{number}", asked)
        except NotInstalled as error:
            print(f"bench-peers: {error}", file=sys.stderr)
            return 1
    if not asked.only:
        _keep(found, asked.job)
    for line in page.table(found):
        print(line)
    return 0


def _keep(found: Sequence[Mapping[str, object]], jobs: Sequence[str]) -> None:
    """Replace what was measured of these jobs."""
    before = page.load()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    days = {**before["measured_at"], **dict.fromkeys(jobs, time.strftime("%Y-%m-%d"))}
    others = [row for row in before["runs"] if row["job"] not in jobs]
    page.keep({"machine": machine, "measured_at": days, "runs": [*found, *others]})
    measurements.write()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--events", type=int, default=400_000, help="events of the toy job")
    parser.add_argument("--days", type=int, default=4, help="days of the simulated city")
    parser.add_argument("--runs", type=int, default=RUNS, help="times that each program runs")
    parser.add_argument("--job", action="append", choices=list(page.TITLES), help="only this job; without it both")
    parser.add_argument("--only", default="", help="part of the name of what is to run; nothing is kept then")
    asked = parser.parse_args(arguments)
    asked.job = asked.job or list(page.TITLES)
    return asked


def _raced(
    entry: Entry, name: str, brokers: str, folder: Path, asked: argparse.Namespace
) -> Iterator[dict[str, object]]:
    for number in range(asked.runs):
        run = f"{name}x{number}"
        load = _load(entry, brokers, run, asked)
        program, alerts = entry.program, f"{run}.alerts"
        own = folder / str(number)
        if entry.job == "city" and program.name == "ours":
            program, alerts = _product(program, brokers, run, own, load), f"{run}.{ALERT}"
        measured = race(program, brokers, run, load, own, alerts)
        row = {"job": entry.job, "program": program.name, **measured.wire()}
        print(f"  {entry.job} {program.name}: {measured.rate:,.0f} events/s, {measured.ended}", flush=True)
        yield row


def _load(entry: Entry, brokers: str, run: str, asked: argparse.Namespace) -> Load:
    if entry.job == "toy":
        return load_toy(brokers, run, asked.events // entry.part)
    return load_city(brokers, run, asked.days)


def _product(program: Program, brokers: str, run: str, folder: Path, load: Load) -> Program:
    """The product's worker; its clock stands still after the last record, as the peers' does."""
    clock = standing_clock(folder, load.end_ms)
    settings = {
        "REENTRY_BROKERS": brokers,
        "REENTRY_TOPIC_PREFIX": f"{run}.",
        "REENTRY_PARTITIONS": "4",
        "REENTRY_REPLICATION": "1",
        "REENTRY_STANDBY_REPLICAS": "0",
        "REENTRY_DATA_DIR": str(folder),
        "REENTRY_CLOCK_FILE": str(clock),
        "REENTRY_LOG_LEVEL": "WARNING",
    }
    return Program(program.name, program.command, settings, program.quiet_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
