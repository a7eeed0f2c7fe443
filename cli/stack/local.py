"""The whole stack on this machine: broker, topics, workers, sink. One at a time in a folder; nothing outlives it."""

import fcntl
import json
import os
import shlex
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy.engine import URL, make_url

from brokers.refusal import refusal
from cli.connection import mask_database_url, read_kafka_connection
from cli.private_files import make_folder
from cli.settings import Settings
from cli.stack.children import Unstartable
from cli.stack.clockfile import replace
from cli.stack.data_time import read
from cli.stack.kafka import Broker, PortTaken
from cli.stack.ports import free_ports, is_open
from cli.stack.processes import Processes, handover

STATE = "stack.json"
READY_SECONDS = 90
SECURITY = ("kafka_", "database_password_", "database_ca_")  # settings that say how servers are reached
Say = Callable[[str], None]


@dataclass(slots=True)
class Stack:
    """What runs, and how other commands reach it."""

    folder: Path
    settings: Settings
    env: dict[str, str]
    processes: Processes
    say: Say
    broker: Broker | None = None
    ready_urls: list[str] = field(default_factory=list)

    def start_worker(self, number: int) -> None:
        """One stream worker with a folder and a port of its own."""
        port = free_ports(1)[0]
        data = self.folder / f"worker-{number}"
        data.mkdir(exist_ok=True)
        own = {"REENTRY_DATA_DIR": str(data), "REENTRY_WEB_PORT": str(port)}
        self.processes.start(f"worker-{number}", handover("worker"), {**self.env, **own})
        self.ready_urls.append(f"http://127.0.0.1:{port}/ready")

    def start_sink(self) -> None:
        """The sink that writes the SQL read model."""
        port = free_ports(1)[0]
        self.processes.start("sink", handover("sink"), {**self.env, "REENTRY_WEB_PORT": str(port)})
        self.ready_urls.append(f"http://127.0.0.1:{port}/ready")

    def start_console(self) -> str:
        """The console with its demo users, on a port of its own; where a browser finds it."""
        port = free_ports(1)[0]
        self.processes.start("console", handover("console", "--demo"), {**self.env, "REENTRY_WEB_PORT": str(port)})
        return f"http://127.0.0.1:{port}"

    def wait_ready(self) -> None:
        """Return when every worker raises alerts and the sink has written up to when. Raise Unstartable."""
        end = time.monotonic() + READY_SECONDS
        while not (all(_is_ready(url) for url in self.ready_urls) and self._has_processed()):
            self.report_deaths()
            if any(child.given_up for child in self.processes.children):
                raise Unstartable(f"A part of the stack does not stay alive: see the logs in {self.folder / 'logs'}.")
            if time.monotonic() > end:
                raise Unstartable(
                    f"Not everything is ready after {READY_SECONDS} s: see the logs in {self.folder / 'logs'}."
                )
            time.sleep(0.2)

    def _has_processed(self) -> bool:
        return read(self.settings).processed_until is not None

    def report_deaths(self) -> bool:
        """Say what died since the last look (it is started again where that may help); whether anything did."""
        lines = list(self.processes.restart_dead())
        for line in lines:
            self.say(line)
        return bool(lines)

    def record(self, what: str) -> None:
        """Write down what runs, for `status` and `down`, and the variables by which other commands reach it."""
        row = {
            "what": what,
            "pid": os.getpid(),
            "brokers": self.settings.brokers,
            "database": mask_database_url(self.settings),
            "env": {**self.env, "REENTRY_DATABASE_URL": mask_database_url(self.settings)},
            "processes": [child.row() for child in self.processes.children],
            "ready_urls": self.ready_urls,
        }
        if self.broker is not None and self.broker.process is not None:
            kafka = {"name": "kafka", "pid": self.broker.process.pid, "log": str(self.broker.log)}
            row["processes"] = [kafka, *[child.row() for child in self.processes.children]]
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.env.items())
        replace(self.folder / "env", exports)
        replace(self.folder / STATE, json.dumps(row, indent=1))


def local_settings(settings: Settings, folder: Path) -> Settings:
    """The settings for one machine: few partitions, one copy where nothing else was asked for, SQLite in `folder`."""
    small = {"partitions": 4, "replication": 1, "standby_replicas": 0, "log_format": "text"}
    changes: dict[str, Any] = {name: value for name, value in small.items() if name not in settings.model_fields_set}
    return settings.model_copy(update={**changes, "data_dir": folder})


@contextmanager
def run_stack(settings: Settings, folder: Path, say: Say, *, port: int | None = None) -> Iterator[Stack]:
    """A broker (unless REENTRY_BROKERS names one) with its topics; whatever is started in the block ends with it.

    Ctrl-C, SIGTERM and SIGHUP end the block by KeyboardInterrupt. Raise Unstartable.
    """
    folder = folder.absolute()
    make_folder(folder)
    settings = local_settings(settings, folder)
    with hold_folder(folder), interruptible(), _orderly_end() as stack:
        (folder / STATE).unlink(missing_ok=True)  # left by one that was killed
        stack.callback((folder / STATE).unlink, missing_ok=True)
        broker = None
        if "brokers" not in settings.model_fields_set:
            say("Kafka: starting")
            broker = _start_broker(folder, settings.kafka_libs, port, say)
            stack.callback(broker.stop)
            settings = settings.model_copy(update={"brokers": broker.bootstrap})
        say(f"Kafka: {settings.brokers}, {provision(settings)} topics in place")
        settings = keep_password_aside(settings, folder)
        processes = stack.enter_context(Processes(folder / "logs"))
        yield Stack(folder, settings, environment(settings), processes, say, broker)


def keep_password_aside(settings: Settings, folder: Path) -> Settings:
    """The settings with a password that the database's address held in a file that only we can read: the address is written down and shown."""
    url = make_url(settings.database_address)
    if url.password is None or settings.database_password_file is not None:
        return settings
    secret = folder / "database.password"
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600, exist_ok=False)
    secret.write_text(str(url.password), encoding="utf-8")
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    changes = {"database_url": bare.render_as_string(), "database_password_file": secret}
    return settings.model_copy(update=changes)


@contextmanager
def _orderly_end() -> Iterator[ExitStack]:
    """What is registered ends in reverse order, and no second Ctrl-C cuts that short."""
    stack = ExitStack()
    try:
        yield stack
    finally:
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(each, signal.SIG_IGN) for each in signals]
        stack.close()
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def provision(settings: Settings) -> int:
    """Bring the topics to what they must be; return how many there are. Raise Unstartable."""
    from kafka.errors import KafkaError

    from cli.stack.provision import apply, connect, differences, list_topics

    topics, kafka = list_topics(settings), read_kafka_connection(settings)
    try:
        admin = connect(kafka)
    except (KafkaError, OSError) as error:
        raise Unstartable(refusal(kafka) or f"No broker answers at {settings.brokers}: {error}") from None
    try:
        apply(admin, topics, differences(admin, topics))
        stuck = differences(admin, topics)
    finally:
        admin.close()
    if stuck:
        raise Unstartable(f"{stuck[0].topic}: {stuck[0].text}")
    return len(topics)


def environment(settings: Settings) -> dict[str, str]:
    """The variables by which a process of ours gets these settings."""
    found = {
        "REENTRY_BROKERS": settings.brokers,
        "REENTRY_TOPIC_PREFIX": settings.topic_prefix,
        "REENTRY_PARTITIONS": str(settings.partitions),
        "REENTRY_REPLICATION": str(settings.replication),
        "REENTRY_STANDBY_REPLICAS": str(settings.standby_replicas),
        "REENTRY_DATA_DIR": str(settings.data_dir),
        "REENTRY_DATABASE_URL": settings.database_address,
        "REENTRY_RULES": settings.rules,
        "REENTRY_LOG_FORMAT": settings.log_format,
    }
    if settings.publishers is not None:
        found["REENTRY_PUBLISHERS"] = str(settings.publishers.absolute())
    found |= {
        f"REENTRY_{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if name in settings.model_fields_set and name.startswith(SECURITY) and value is not None
    }
    if settings.clock_file is not None:
        found["REENTRY_CLOCK_FILE"] = str(settings.clock_file.absolute())
    return found


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold the folder. Raise Unstartable while another process does; a dead one holds nothing."""
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unstartable(f"A stack already runs in {folder}: `handover down` or Ctrl-C where it runs.") from None
        yield


def is_held(folder: Path) -> bool:
    """Whether a stack runs in the folder now."""
    if not (folder / "lock").exists():
        return False
    try:
        with hold_folder(folder):
            return False
    except Unstartable:
        return True


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signals = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(each, interrupt) for each in signals]
    try:
        yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _start_broker(folder: Path, jars: Path | None, wanted: int | None, say: Say) -> Broker:
    """Start this folder's own broker: on the port asked for, the one it had last time, or a free one. Raise Unstartable."""
    remembered = folder / "port"
    last = int(remembered.read_text()) if remembered.exists() else None
    for port in (wanted, last, *free_ports(2)):
        if port is None or is_open(port):
            continue
        broker = Broker(folder / "kafka", jars=jars, port=port)
        try:
            broker.start()
        except PortTaken:  # by one that was started in the same moment
            continue
        except BaseException:
            broker.stop()
            raise
        if wanted is not None and port != wanted:
            say(f"Kafka: port {wanted} is taken by another program, so this one listens on {port}")
        replace(remembered, str(port))
        return broker
    raise Unstartable("No free port for Kafka: stop what listens, or set REENTRY_BROKERS to use a broker that runs.")


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  a port of our own on loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
