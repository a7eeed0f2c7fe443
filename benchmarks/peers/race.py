"""One program on one load: started, watched by what it writes, stopped; its speed, its CPU and memory, its alerts held against those due."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from benchmarks.peers.load import PARTITIONS, Load
from benchmarks.processes import usage_of_session

LONGEST_SECONDS = 300.0
WATCHED_EACH_SECONDS = 0.1
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Program:
    """How one program is started. `reads_to_the_end`: it stops by itself and says how long it took."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    quiet_seconds: float = 6.0
    reads_to_the_end: bool = False


@dataclass(slots=True)
class Run:
    """What was measured. `seconds`: from the first to the last record written, or what the program itself says."""

    events: int
    seconds: float
    cpu_seconds: float
    memory_mb: float
    written: int
    alerts: int
    lost: int | None
    false: int | None
    doubled: int
    ended: str  # quiet, by itself, at the limit of time, or died

    @property
    def rate(self) -> float:
        """Events per second; 0 where nothing was written."""
        return self.events / self.seconds if self.seconds else 0.0

    def wire(self) -> dict[str, Any]:
        """As plain JSON, with what follows from it."""
        cpu_us = self.cpu_seconds / self.events * 1e6
        return {**asdict(self), "events_per_second": round(self.rate, 1), "cpu_us_per_event": round(cpu_us, 1)}


def race(program: Program, brokers: str, run: str, load: Load, folder: Path, alert_topic: str) -> Run:
    """Run one program until it writes no more, and read its alerts."""
    folder.mkdir(parents=True, exist_ok=True)
    consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=None, auto_offset_reset="earliest")
    own = {
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(REPOSITORY)),  # with the compiled domain first, as `make` says
        "PEERS_BROKERS": brokers,
        "PEERS_RUN": run,
        "PEERS_FOLDER": str(folder),
        "PEERS_PARTITIONS": str(PARTITIONS),
        **program.settings,
    }
    outputs = _Outputs(consumer, run, alert_topic)
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            program.command, env={**os.environ, **own}, cwd=folder, stdout=out, stderr=out, start_new_session=True
        )
    try:
        watched = _watch(process, program, outputs)
    finally:
        _stop(process)
    if program.reads_to_the_end:
        watched.seconds = _said_seconds(log)
    found = _alerts(consumer, alert_topic)
    consumer.close()
    due = load.alerts
    return Run(
        events=load.events,
        seconds=round(watched.seconds, 3),
        cpu_seconds=round(watched.cpu, 2),
        memory_mb=round(watched.memory, 1),
        written=watched.written,
        alerts=len(set(found)),
        lost=None if due is None else len(due - set(found)),
        false=None if due is None else len(set(found) - due),
        doubled=len(found) - len(set(found)),
        ended=watched.ended,
    )


@dataclass(slots=True)
class _Watched:
    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    written: int = 0
    ended: str = ""


class _Outputs:
    """How many records stand on what a program writes: alerts, cases, changelogs."""

    def __init__(self, consumer: KafkaConsumer, run: str, alert_topic: str) -> None:
        self._consumer, self._run, self._alerts = consumer, run, alert_topic
        self._counted = 0

    def count(self) -> int:
        """All of them now; what was counted before where the broker does not answer."""
        try:
            mine = [name for name in self._consumer.topics() if self._is_output(name)]
            places = [TopicPartition(name, number) for name in mine for number in range(PARTITIONS)]
            self._counted = sum(self._consumer.end_offsets(places).values()) if places else 0
        except (KafkaError, KeyError):  # KeyError: kafka-python, a topic so new that its leader is not known
            pass
        return self._counted

    def _is_output(self, name: str) -> bool:
        return name.startswith((self._run, f"changelog__{self._run}")) and (
            name == self._alerts or "changelog" in name or name.endswith("reentry.case.v1")
        )


def _watch(process: subprocess.Popen[bytes], program: Program, outputs: _Outputs) -> _Watched:
    found, begun = _Watched(), time.time()
    seen, first, last = outputs.count(), 0.0, 0.0
    base = seen
    while True:
        time.sleep(WATCHED_EACH_SECONDS)
        cpu, memory = usage_of_session(process.pid)
        now, count = time.time(), outputs.count()
        found.memory = max(found.memory, memory)
        if count > seen:
            first, last, seen = first or now, now, count
            found.cpu = max(found.cpu, cpu)
        if program.reads_to_the_end:
            found.cpu = max(found.cpu, cpu)
        if process.poll() is not None:
            found.ended = "by itself" if process.returncode == 0 else f"died with {process.returncode}"
        elif now - begun > LONGEST_SECONDS:
            found.ended = "at the limit of time"
        elif first and not program.reads_to_the_end and now - last > program.quiet_seconds:
            found.ended = "quiet"
        if found.ended:
            found.seconds, found.written = last - first, seen - base
            return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _said_seconds(log: Path) -> float:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("SECONDS "):
            return float(line.split()[1])
    return 0.0


def _alerts(consumer: KafkaConsumer, topic: str) -> list[str]:
    """The name of every alert written: its id and, where it has revisions, the revision."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    consumer.seek_to_beginning(*places)
    found = []
    while any(consumer.position(place) < ends[place] for place in places):
        for records in consumer.poll(timeout_ms=300).values():
            found += [_name(record.value) for record in records]
    return found


def _name(value: bytes) -> str:
    told = orjson.loads(value)
    return str(told.get("alert") or told["id"])
