"""Real Kafka on this machine, one KRaft node or three, from the jars that `make setup` fetched, or from KAFKA_HOME."""

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

from cli.stack.children import Unstartable, alive, last_lines, spawn, stop
from cli.stack.ports import free_ports, is_open

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = Path(__file__).parent / "broker"
LIBS = REPOSITORY / "var" / "kafka" / "libs"
ARCHIVE = "kafka.jsa"  # class data shared between starts: halves the time to the first record
JVM = ("-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true")


def libs(configured: Path | None = None) -> Path:
    """The folder with Kafka's jars. Raise Unstartable where there is none."""
    home = os.environ.get("KAFKA_HOME")
    for folder in (configured, Path(home, "libs") if home else None, LIBS):
        if folder is not None:
            if any(folder.glob("kafka_2.13-*.jar")):
                return folder
            if folder is not LIBS:
                raise Unstartable(f"No Kafka jars in {folder}: correct REENTRY_KAFKA_LIBS or KAFKA_HOME, or unset it.")
    raise Unstartable("Kafka's jars are not here: run `make setup`, or set KAFKA_HOME to an unpacked Kafka.")


def java() -> str:
    """The Java launcher. Raise Unstartable where there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if found is None:
        raise Unstartable("No Java: install a Java 17 runtime (Debian: apt-get install openjdk-17-jre-headless).")
    return found


class PortTaken(Unstartable):
    """Another program listens on the port that our broker was given."""


@dataclass(frozen=True, slots=True)
class Door:
    """One more listener of a node: where it listens, and the port it names to clients that come through it."""

    name: str  # capitals, as Kafka writes listeners
    port: int
    advertised: int


class Broker:
    """One node with its data in a folder that stays: stopped and started again it has what it had."""

    def __init__(
        self,
        folder: Path,
        *,
        jars: Path | None = None,
        port: int | None = None,
        heap_mb: int = 512,
        properties: Mapping[str, str] | None = None,
        jvm: Sequence[str] = (),
        node: int = 1,
        doors: Sequence[Door] = (),
    ) -> None:
        """Choose ports; nothing is started. `properties` are added to server.properties and win over it."""
        ports = free_ports(2)
        self.node = node
        self.doors = tuple(doors)
        self.cluster = _new_identity()
        self.folder = folder.absolute()
        self.port = port or ports[0]
        self.controller_port = ports[1]
        self.heap_mb = heap_mb
        self.properties = dict(properties or {})
        self.jvm = tuple(jvm)
        self.log = self.folder / "kafka.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.voters = f"{node}@127.0.0.1:{self.controller_port}"
        self._jars = jars

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return f"127.0.0.1:{self.port}"

    def start(self, *, seconds: float = 60, detach: bool = False) -> Self:
        """Start the node and wait until it answers. Raise Unstartable with the end of its log."""
        self.launch(detach=detach)
        self.wait(seconds)
        return self

    def launch(self, *, detach: bool = False) -> None:
        """Start the node and do not wait: one of three answers only when another does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self._configure()
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(config)
        self.process = spawn(self._command("kafka.Kafka", config, self.jvm), self.log, detach=detach)

    def stop(self, seconds: float = 10) -> None:
        """End the node in order; kill it if that takes longer."""
        if self.process is not None:
            stop(self.process, seconds=seconds)
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _configure(self) -> Path:
        template = Template((FILES / "server.properties").read_text(encoding="utf-8"))
        text = template.substitute(
            node_id=self.node,
            voters=self.voters,
            port=self.port,
            controller_port=self.controller_port,
            log_dir=self.folder / "data",
        )
        lines = [f"{name}={value}" for name, value in {**self._listeners(), **self.properties}.items()]
        path = self.folder / "server.properties"
        path.write_text("\n".join([text, *lines, ""]), encoding="utf-8")
        return path

    def _listeners(self) -> dict[str, str]:
        if not self.doors:
            return {}
        own = f"PLAINTEXT://127.0.0.1:{self.port}"
        plain = ["PLAINTEXT", "CONTROLLER", *(door.name for door in self.doors)]
        inner = [f"{door.name}://127.0.0.1:{door.port}" for door in self.doors]
        outer = [f"{door.name}://127.0.0.1:{door.advertised}" for door in self.doors]
        return {
            "listeners": ",".join([own, *inner, f"CONTROLLER://127.0.0.1:{self.controller_port}"]),
            "advertised.listeners": ",".join([own, *outer]),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in plain),
            "inter.broker.listener.name": "PLAINTEXT",
        }

    def _command(self, main: str, config: Path, jvm: Sequence[str] = ()) -> list[str]:
        folder = libs(self._jars)
        archive = [f"-XX:SharedArchiveFile={folder / ARCHIVE}"] if (folder / ARCHIVE).exists() else []
        return [
            java(),
            f"-Xmx{self.heap_mb}m",
            *JVM,
            *(jvm or archive),
            f"-Dlog4j2.configurationFile={FILES / 'log4j2.xml'}",
            "-cp",
            # Explicit and sorted: the shared archive is valid for this very class path only.
            os.pathsep.join(str(jar) for jar in sorted(folder.glob("*.jar"))),
            main,
            str(config),
        ]

    def _format(self, config: Path) -> None:
        command = [*self._command("kafka.tools.StorageTool", config)[:-1], "format", f"--cluster-id={self.cluster}"]
        done = subprocess.run([*command, "-c", str(config)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unstartable(f"Kafka cannot format {self.folder}: {(done.stderr or done.stdout).strip()[-300:]}")

    def wait(self, seconds: float = 60) -> None:
        """Return when it answers, and not another in its place. Raise PortTaken, Unstartable with the end of its log."""
        end = time.monotonic() + seconds
        own = self._formatted_cluster()
        while (answering := cluster_at(self.bootstrap) if is_open(self.port) else None) != own:
            process = self.process
            ended = process is None or process.poll() is not None
            if answering is not None or (ended and is_open(self.port)):
                self.kill()
                raise PortTaken(f"Port {self.port} is taken by another program.")
            if ended:
                raise Unstartable(f"Kafka ended while starting; {self.log} ends with:\n{last_lines(self.log)}")
            if time.monotonic() > end:
                self.kill()
                raise Unstartable(f"Kafka did not answer within {seconds:.0f} s; its log: {self.log}")
            time.sleep(0.05)

    def _formatted_cluster(self) -> str:
        """The cluster id that this folder was formatted with: a later start has another `cluster`."""
        lines = (self.folder / "data" / "meta.properties").read_text(encoding="utf-8").splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))


class Cluster:
    """Three nodes, each broker and controller: every record three times, two must have it before it counts as written."""

    NODES = 3
    PROPERTIES: Mapping[str, str] = {
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        # Kafka's own patience: a busy machine must not fence a node that lives.
        "broker.session.timeout.ms": "9000",
        "broker.heartbeat.interval.ms": "2000",
    }

    def __init__(
        self,
        folder: Path,
        *,
        jars: Path | None = None,
        heap_mb: int = 300,
        properties: Mapping[str, str] | None = None,
        doors: Sequence[Sequence[Door]] = ((), (), ()),
    ) -> None:
        """Choose ports; nothing is started. `doors`: per node the listeners it has besides its own."""
        settings = {**self.PROPERTIES, **(properties or {})}
        self.nodes = [
            Broker(folder / f"node-{number}", jars=jars, heap_mb=heap_mb, properties=settings, node=number, doors=own)
            for number, own in enumerate(doors, 1)
        ]
        voters = ",".join(node.voters for node in self.nodes)
        for node in self.nodes:
            node.voters, node.cluster = voters, self.nodes[0].cluster

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return ",".join(node.bootstrap for node in self.nodes)

    def start(self, *, seconds: float = 90) -> Self:
        """Start all nodes and wait until each answers. Raise Unstartable."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait(seconds)
        return self

    def stop(self, seconds: float = 10) -> None:
        """End all at once: one after another the last would wait for a quorum that is gone."""
        for node in self.nodes:
            if node.process is not None:
                node.process.terminate()
        end = time.monotonic() + seconds
        for node in self.nodes:
            while node.process is not None and alive(node.process.pid) and time.monotonic() < end:
                time.sleep(0.05)
            node.kill()

    def kill(self) -> None:
        """End all as a power cut would."""
        for node in self.nodes:
            node.kill()

    def __enter__(self) -> Self:
        """Start."""
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def _new_identity() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def is_answering(bootstrap: str) -> bool:
    """Whether a broker answers there and knows itself."""
    return cluster_at(bootstrap) is not None


def cluster_at(bootstrap: str) -> str | None:
    """The id of the cluster whose broker answers there and knows itself; None where none does."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), bootstrap_timeout_ms=1000)
    except (KafkaError, OSError):
        return None
    try:
        cluster = admin.describe_cluster()
        return str(cluster["cluster_id"]) if any(not one.get("is_fenced") for one in cluster["brokers"]) else None
    except (KafkaError, OSError, KeyError):
        return None
    finally:
        admin.close()
