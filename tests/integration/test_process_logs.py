"""What the long-running processes write: every line is a record of one form, whoever said it, from start to end."""

import json
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from cli.stack.ports import free_ports
from schemas.topics import ALERT
from tests.conditions import until
from tests.integration.pipeline import Pipeline
from tests.integration.test_sinks import history
from tests.integration.test_unwritable import send

pytestmark = pytest.mark.servers
TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+ \S.*|    .*|")


@contextmanager
def running(topics: Pipeline, *command: str, **settings: str) -> Iterator[Path]:
    """A process, and the file of what it says; standard output is not its log."""
    log = topics.folder / f"{command[0]}.stderr"
    with log.open("wb") as stream, (topics.folder / f"{command[0]}.stdout").open("wb") as out:
        arguments = [sys.executable, "-m", "cli", *command]
        process = subprocess.Popen(arguments, env={**topics.env, **settings}, stdout=out, stderr=stream)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def has_come(log: Path, text: str) -> None:
    until(lambda: text in log.read_text(), seconds=60, every=0.5)


@pytest.mark.parametrize("form", ["json", "text"])
def test_worker_sink_and_console_write_one_form(kafka: str, topic_prefix: str, tmp_path: Path, form: str) -> None:
    port = free_ports(1)[0]
    settings = {"REENTRY_LOG_FORMAT": form, "REENTRY_LOG_LEVEL": "DEBUG", "REENTRY_STANDBY_REPLICAS": "0"}
    topics = Pipeline(kafka, topic_prefix, tmp_path, settings=settings)
    topics.create_topics()
    topics.publish(history(3))
    send(topics, ALERT, (b"k", {}), marked=False)  # somebody else writes to a topic of the workers
    with (
        running(topics, "worker") as worker,
        running(topics, "sink") as sink,
        running(topics, "console", REENTRY_WEB_PORT=str(port)) as console,
    ):
        has_come(sink, "no worker wrote this")
        has_come(worker, "Worker ready")
        until(lambda: _speaks(port), seconds=60)
        has_come(console, "Invalid HTTP request")
    logs = {path.name: path.read_text().splitlines() for path in (worker, sink, console)}
    for name, lines in logs.items():
        assert lines, name
        for line in lines:
            if form == "text":
                assert TEXT.fullmatch(line), f"{name}: {line}"
                continue
            record = json.loads(line)
            assert {"timestamp", "level", "logger", "event"} <= record.keys(), f"{name}: {line}"
            assert datetime.fromisoformat(record["timestamp"]).tzinfo is not None
    if form == "json":
        loggers = {
            name: Counter(json.loads(line)["logger"].partition(".")[0] for line in lines)
            for name, lines in logs.items()
        }
        assert {"aiokafka", "streams"} & loggers["worker.stderr"].keys()
        assert "uvicorn" in loggers["console.stderr"]
        [foreign] = [
            record for line in logs["sink.stderr"] if "no worker wrote this" in (record := json.loads(line))["event"]
        ]
        assert (foreign["sink"], foreign["place"]) == ("alerts", f"{ALERT}[0]@0")


def _speaks(port: int) -> bool:
    """Send the console what is no HTTP; whether it took the connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"\x16\x03\x01 no http\r\n\r\n")
            connection.recv(100)
    except OSError:
        return False
    return True
