"""Years of a made-up county on one worker with little memory: what it holds and what its changelog keeps, late against early."""

import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
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
HEAP = 512 * 2**20  # bytes the worker may allocate: a leak ends it
PREFIX = "soak."
LONGEST_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Sample:
    """The worker at one moment: share of all events that it has done with, its memory, what compaction would leave of its changelog (bytes)."""

    done: float
    memory: int
    changelog: int


@dataclass(frozen=True, slots=True)
class Growth:
    """The last quarter of the last year over that of the first, medians."""

    memory: float
    changelog: float


def memory(folder: Path) -> list[float]:
    """Growth of the worker's resident memory, of each run."""
    return [one.memory for one in _growths(folder)]


def changelog(folder: Path) -> list[float]:
    """Growth of the newest records of all cases, of each run."""
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
        samples = list(_watched(running, worker))
    found = Growth(_grown(samples, lambda one: one.memory), _grown(samples, lambda one: one.changelog))
    print(f"  memory {found.memory:.2f} ×, changelog {found.changelog:.2f} ×", flush=True)
    return found


def _watched(running: Pipeline, worker: subprocess.Popen[bytes]) -> Iterator[Sample]:
    """Look once a second until everything is done. Raise TimeoutError; RuntimeError where the worker has ended."""
    consumer = KafkaConsumer(
        bootstrap_servers=running.brokers, group_id=f"{PREFIX}reentry-worker", enable_auto_commit=False
    )
    places = [TopicPartition(named(PREFIX, topic), number) for topic in SOURCES for number in range(PARTITIONS)]
    total, end, told = sum(consumer.end_offsets(places).values()), time.monotonic() + LONGEST_SECONDS, 0.0
    done, cases = 0.0, _Changelog(running)
    while done < 1:
        if worker.poll() is not None:
            raise RuntimeError("the worker has ended: more memory than it may have, or a bug; its log says which")
        if time.monotonic() > end:
            raise TimeoutError(f"{done:.0%} of {total:,} events done within {LONGEST_SECONDS} s")
        done = sum(consumer.committed(place) or 0 for place in places) / total
        sample = Sample(done, resident_bytes(worker.pid), cases.live_bytes())
        if done >= told:
            held, kept = sample.memory / 2**20, sample.changelog / 2**20
            print(f"  {done:4.0%} of {total:,} events, memory {held:.0f} MB, changelog {kept:.1f} MB", flush=True)
            told = done + 0.1
        yield sample
        time.sleep(1)
    consumer.close()
    cases.close()


def _grown(samples: Sequence[Sample], of: Callable[[Sample], int]) -> float:
    """The median in the last quarter of the last year over that of the first."""
    first, last = (
        statistics.median(of(one) for one in samples if year - 0.25 <= one.done * YEARS <= year) for year in (1, YEARS)
    )
    return last / first


class _Changelog:
    """Follows the case topic from its beginning."""

    def __init__(self, running: Pipeline) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=running.brokers, enable_auto_commit=False)
        self._places = [TopicPartition(named(PREFIX, CASE), number) for number in range(PARTITIONS)]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)
        self._newest: dict[bytes, int] = {}

    def live_bytes(self) -> int:
        """What the newest records of all cases come to now."""
        ends = self._consumer.end_offsets(self._places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            for records in self._consumer.poll(1_000, max_records=5_000).values():
                self._newest.update((one.key, len(one.value or b"")) for one in records)
        return sum(self._newest.values())

    def close(self) -> None:
        self._consumer.close()
