"""Years of a made-up county on one worker with little memory: what it holds and what its changelog keeps, late against early."""

import resource
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from benchmarks.measures import publish_city, told_by
from benchmarks.processes import resident_bytes, standing_clock
from benchmarks.targets import RUNS
from cli.simulation.stream import Options
from cli.stack.kafka import Broker
from schemas.topics import CASE, SOURCES, named
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline

YEARS, YEAR_DAYS = 3, 365
FIRST_DAY = date(2023, 3, 1)  # so that the last lies in the past: a worker does not live ahead of its broker's clock
RETENTION_DAYS = 92  # the least, instead of five years: so cases end within the run
READY = 2_000  # cases kept ready: as many as so small a heap has room for
HEAP = (
    512 * 2**20
)  # bytes the worker may allocate; what it reads ahead of a backlog takes up to 300 MB of them, a leak ends it
PREFIX = "soak."
LONGEST_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Sample:
    """The worker at one moment: share of all events that it has done with, its memory."""

    done: float
    memory: int


@dataclass(frozen=True, slots=True)
class Growth:
    """The end of the run over the end of its first year."""

    memory: float
    changelog: float


def memory(folder: Path) -> list[float]:
    """Resident memory of the worker: median of the last quarter of a year over that of the first year's last quarter; of each run."""
    return [one.memory for one in _growths(folder)]


def changelog(folder: Path) -> list[float]:
    """Bytes of the newest record of every case, as compaction leaves them: at the end over the end of the first year; of each run."""
    return [one.changelog for one in _growths(folder)]


_measured: list[Growth] = []  # both measures come from the same runs


def _growths(folder: Path) -> list[Growth]:
    if not _measured:
        _measured.extend(_measure(folder / str(number)) for number in range(RUNS))
    return _measured


def _measure(folder: Path) -> Growth:
    folder.mkdir()
    clock_file = folder / "clock.json"
    settings = {
        "REENTRY_CLOCK_FILE": str(clock_file),
        "REENTRY_CASE_RETENTION_DAYS": str(RETENTION_DAYS),
        "REENTRY_DECODED_CASES": str(READY),
    }
    with (
        Broker(folder / "kafka") as broker,
        pipeline(broker.bootstrap, PREFIX, folder, recorded=True, **settings) as running,
    ):
        county = told_by(Options("county", days=YEARS * YEAR_DAYS, start=FIRST_DAY))
        standing_clock(folder, publish_city(broker.bootstrap, PREFIX, county))
        worker = running.start("worker")
        resource.prlimit(worker.pid, resource.RLIMIT_DATA, (HEAP, HEAP))
        samples, early = list[Sample](), 0
        for sample in _watched(running, worker):
            samples.append(sample)
            if not early and sample.done >= 1 / YEARS:
                early = _live_bytes(running)  # now: later, compaction has taken what has been written anew since
        late = _live_bytes(running)
    print(f"  changelog {early / 2**20:.1f} MB after a year, {late / 2**20:.1f} MB after {YEARS}", flush=True)
    return Growth(_held(samples, YEARS) / _held(samples, 1), late / early)


def _watched(running: Pipeline, worker: subprocess.Popen[bytes]) -> Iterator[Sample]:
    """Look once a second until everything is done. Raise TimeoutError; RuntimeError where the worker has ended."""
    consumer = KafkaConsumer(
        bootstrap_servers=running.brokers, group_id=f"{PREFIX}reentry-worker", enable_auto_commit=False
    )
    places = [TopicPartition(named(PREFIX, topic), number) for topic in SOURCES for number in range(PARTITIONS)]
    total, end, told = sum(consumer.end_offsets(places).values()), time.monotonic() + LONGEST_SECONDS, 0.0
    done = 0.0
    while done < 1:
        if worker.poll() is not None:
            raise RuntimeError("the worker has ended: more memory than it may have, or a bug; its log says which")
        if time.monotonic() > end:
            raise TimeoutError(f"{done:.0%} of {total:,} events done within {LONGEST_SECONDS} s")
        done = sum(consumer.committed(place) or 0 for place in places) / total
        sample = Sample(done, resident_bytes(worker.pid))
        if done >= told:
            print(f"  {done:4.0%} of {total:,} events, {sample.memory / 2**20:.0f} MB", flush=True)
            told = done + 0.1
        yield sample
        time.sleep(1)
    consumer.close()


def _held(samples: Sequence[Sample], year: int) -> float:
    """The median memory in the last quarter of a year."""
    return statistics.median(one.memory for one in samples if year - 0.25 <= one.done * YEARS <= year)


def _live_bytes(running: Pipeline) -> int:
    """What the newest records of all cases come to, as compaction leaves them."""
    return sum({record.key: len(record.value or b"") for record in running.read(CASE, LONGEST_SECONDS)}.values())
