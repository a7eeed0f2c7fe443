"""Everything that runs: three brokers, PostgreSQL, workers behind wires of their own, sinks. What dies is started again."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from cli.settings import Settings
from cli.stack.children import Unstartable, last_lines, spawn, stop
from cli.stack.kafka import Broker, Cluster, Door
from cli.stack.local import environment, provision
from cli.stack.ports import free_ports
from cli.stack.postgres import Postgres
from cli.stack.processes import handover
from schemas.topics import ALERT
from tests.chaos.clocks import WallClock
from tests.chaos.disks import Disk, can_mount
from tests.chaos.proxy import Wire, Wires
from tests.measured import measured

PARTITIONS = 4
SESSION_SECONDS = 8
WORKERS = ("worker-1", "worker-2", "worker-3")  # the third comes and goes
SINKS = ("sink-1", "sink-2")
_TEND_SECONDS = 0.2


@dataclass(slots=True)
class Part:
    """A process of ours, and whether it should run now."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    web_port: int
    wanted: bool = False
    process: subprocess.Popen[bytes] | None = None
    deaths: list[str] = field(default_factory=list)  # those that we did not cause


class Plant:
    """The whole stack in a folder. Faults reach into it; `tend` brings back what died by itself."""

    def __init__(self, folder: Path, say: Callable[[str], None], *, stepping: bool = False) -> None:
        """Choose ports; nothing is started. `stepping`: the workers' wall clocks can be made to step."""
        self.folder, self.say, self._stepping = folder, say, stepping
        self.wires = {worker: [Wire() for _ in range(Cluster.NODES)] for worker in WORKERS}
        doors = [
            [Door(_door(worker), wires[node].exit, wires[node].entrance) for worker, wires in self.wires.items()]
            for node in range(Cluster.NODES)
        ]
        self.cluster = Cluster(folder / "kafka", doors=doors)
        self.postgres = Postgres(folder / "postgres")
        self.network = Wires(wire for wires in self.wires.values() for wire in wires)
        self.parts: dict[str, Part] = {}
        self.clock_file = folder / "clock.json"
        self.clocks = {worker: WallClock(folder / f"{worker}.clock") for worker in WORKERS}
        self.disks = {"postgres": Disk(self.postgres.folder)}
        self.disks |= {node.folder.name: Disk(node.folder / "data") for node in self.cluster.nodes}
        self.poison: set[tuple[str, int, int]] = set()  # topic, partition, offset of rows that no database holds
        self.taken_back: set[str] = set()  # ids of events in aborted transactions
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._done = threading.Event()

    @property
    def settings(self) -> Settings:
        """The settings of the pipeline, as commands outside of it have them."""
        return Settings(
            brokers=self.cluster.bootstrap,
            partitions=PARTITIONS,
            replication=Cluster.NODES,
            standby_replicas=1,
            data_dir=self.folder / "data",
            database_url=self.postgres.url,
            clock_file=self.clock_file,
            log_format="text",
        )

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of a command that sees this stack."""
        return {**os.environ, **environment(self.settings), "PYTHONUNBUFFERED": "1"}

    # --- starting and stopping

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _begin(self) -> None:
        self._stack.enter_context(self.network)
        for disk in self.disks.values() if can_mount() else ():
            self._stack.enter_context(disk)
        self._stack.enter_context(self.postgres)
        self._stack.enter_context(self.cluster)
        provision(self.settings)
        _keep_every_revision(self.cluster.bootstrap)
        subprocess.run(handover("sink", "--migrate"), env=self.env, check=True, capture_output=True)
        for name in (*WORKERS, *SINKS):
            self.parts[name] = self._part(name, self.env)
        tending = threading.Thread(target=self._tend, name="tend")
        tending.start()
        self._stack.callback(tending.join)
        self._stack.callback(self._done.set)
        self._stack.callback(self._stop_parts)

    def _part(self, name: str, env: Mapping[str, str]) -> Part:
        data = self.folder / "data" / name
        data.mkdir(parents=True)
        port = free_ports(1)[0]
        own = {"REENTRY_DATA_DIR": str(data), "REENTRY_WEB_PORT": str(port), "REENTRY_LOG_LEVEL": "INFO"}
        if name in self.wires:
            own["REENTRY_BROKERS"] = ",".join(f"127.0.0.1:{wire.entrance}" for wire in self.wires[name])
            own["REENTRY_SESSION_TIMEOUT_SECONDS"] = str(SESSION_SECONDS)
            own["REENTRY_PURGE_SECONDS"] = "10"
            own |= self.clocks[name].environment if self._stepping else {}
        command = handover("worker" if name in WORKERS else "sink")
        return Part(name, command, {**env, **own}, self.folder / "logs" / f"{name}.log", port)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _stop_parts(self) -> None:
        for part in self.parts.values():
            self.stop(part.name)

    # --- the parts

    def start(self, name: str) -> None:
        """Let it run from now on: a child dies with the thread that started it, so one thread starts them all."""
        with self._lock:
            self.parts[name].wanted = True

    def stop(self, name: str, seconds: float = 20) -> None:
        """End it in order, kill it when that takes too long; it stays down."""
        with self._lock:
            part = self.parts[name]
            part.wanted, process, part.process = False, part.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            stop(process, seconds=seconds)

    def kill(self, name: str) -> None:
        """End it as a power cut would; it stays down until `start`."""
        with self._lock:
            part = self.parts[name]
            part.wanted, process, part.process = False, part.process, None
        if process is not None:
            process.kill()
            process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        with self._lock:
            process = self.parts[name].process
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def _tend(self) -> None:
        while not self._done.wait(_TEND_SECONDS):
            with self._lock:
                for part in self.parts.values():
                    if part.wanted:
                        self._see_to(part)

    def _see_to(self, part: Part) -> None:
        if part.process is not None and (code := part.process.poll()) is not None:
            part.deaths.append(f"exit {code}: {last_lines(part.log, 1)[:200]}")
            self.say(f"{part.name} ended by itself ({code}), is started again")
            part.process = None
        if part.process is None:
            part.process = spawn(part.command, part.log, env=part.env, death_signal=signal.SIGKILL)

    # --- what can be asked of it

    def watermark_ms(self) -> dict[int, int]:
        """How far each partition has been applied, in broker ms, as its worker says."""
        found: dict[int, int] = {}
        for name in WORKERS:
            if self.parts[name].wanted:
                for one in measured(self.parts[name].web_port, "reentry_watermark_timestamp_seconds", seconds=2):
                    partition = int(one.labels["partition"])
                    found[partition] = max(round(one.value * 1000), found.get(partition, 0))
        return found

    def leader(self, partition: int) -> Broker:
        """The broker that leads a partition of the alert topic."""
        with _admin(self.cluster.bootstrap) as admin:
            [topic] = admin.describe_topics([ALERT])
            leaders: dict[int, int] = {one["partition_index"]: one["leader_id"] for one in topic["partitions"]}
        return self.cluster.nodes[max(leaders[partition], 1) - 1]

    def in_sync(self) -> bool:
        """Whether every partition has all its copies again: only then may another broker fail."""
        try:
            with _admin(self.cluster.bootstrap) as admin:
                topics = admin.describe_topics()
        except (KafkaError, OSError):
            return False
        return all(len(one["isr_nodes"]) == Cluster.NODES for topic in topics for one in topic["partitions"])

    def wait_in_sync(self, seconds: float = 400) -> None:
        """Return when it is so. Raise Unstartable."""
        end = time.monotonic() + seconds
        while not self.in_sync():
            if time.monotonic() > end:
                raise Unstartable(f"the brokers are not in sync after {seconds:.0f} s")
            time.sleep(0.5)

    def row(self) -> dict[str, Any]:
        """What died by itself, by part."""
        return {name: part.deaths for name, part in self.parts.items() if part.deaths}


class _admin:  # noqa: N801  # used as a function
    def __init__(self, brokers: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=brokers.split(","), bootstrap_timeout_ms=10_000)

    def __enter__(self) -> KafkaAdminClient:
        return self._admin

    def __exit__(self, *_: object) -> None:
        self._admin.close()


def _keep_every_revision(brokers: str) -> None:
    """Compaction of alerts would hide a lost revision from the judge; cases are compacted as always."""
    with _admin(brokers) as admin:
        lag = {"min.compaction.lag.ms": str(7 * 24 * 3600 * 1000)}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ALERT, lag)])


def _door(worker: str) -> str:
    return worker.replace("-", "").upper()
