"""Publishers in other languages, each with its own client: what they send lands, whatever its mode and codec."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select

from cli.stack.kafka import REPOSITORY, java
from cli.stack.tools import console_producer
from schemas.instants import from_millis, show
from schemas.topics import DLQ, RELEASE, named
from sinks.readmodel import tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.handover.histories import scheduled
from tests.integration.pipeline import Pipeline, pipeline

pytestmark = pytest.mark.servers
HERE = Path(__file__).parent
JARS, BUILT = REPOSITORY / "var" / "kafka" / "libs", REPOSITORY / "var" / "clients"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
Order = Mapping[str, Any]


class City:
    """A broker, a worker and a sink; what clients are told to send, and whether it landed."""

    def __init__(self, running: Pipeline, database: Engine) -> None:
        self.running, self.database = running, database
        self.env = {**os.environ, "BROKERS": running.brokers, "TOPIC": named(running.prefix, RELEASE)}
        self._number = 0

    def order(self, mode: str, codec: str, transaction: str = "") -> Order:
        self._number += 1
        tail = "".join(BASE32[self._number >> 5 * place & 31] for place in range(26))
        recent = from_millis(round(time.time() * 1000)) - timedelta(days=2)
        event = scheduled("2026-01-05 10:00", "2027-12-30", subject=f"p1_{tail}").wire()
        event |= {"id": f"client-{self._number}", "time": show(recent), "datacontenttype": "application/json"}
        return {"mode": mode, "codec": codec, "transaction": transaction, "event": event}

    def landed(self, orders: Iterable[Order]) -> bool:
        """Whether each is a row of `event`, and its person has a case."""
        with self.database.connect() as connection:
            events = set(connection.execute(select(tables.event.c.id)).scalars())
            cases = set(connection.execute(select(tables.case.c.subject)).scalars())
        return all(one["event"]["id"] in events and one["event"]["subject"] in cases for one in orders)


@pytest.fixture(scope="module")
def city(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("clients")
    with pipeline(kafka, f"clients{os.getpid()}.", folder) as running:
        running.start("worker")
        running.start("sink")
        until((folder / "handover.sqlite").exists, seconds=60)
        database = connect(f"sqlite:///{folder / 'handover.sqlite'}")
        yield City(running, database)
        database.dispose()


def needs(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: {package}; make setup installs it)")


def fed(city: City, command: Sequence[str], orders: Iterable[Order], folder: Path = HERE) -> None:
    """Run a publisher and give it its orders."""
    lines = b"\n".join(orjson.dumps(one) for one in orders)
    ran = subprocess.run(command, input=lines, env=city.env, cwd=folder, capture_output=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-2_000:]


def python(city: City, orders: Sequence[Order]) -> None:
    fed(city, [sys.executable, str(HERE / "python" / "publisher.py")], orders)


def kafka_clients(city: City, orders: Sequence[Order]) -> None:
    needs("javac", "openjdk-17-jdk-headless")
    command = [java(), "-XX:TieredStopAtLevel=1", "-cp", f"{compiled()}{os.pathsep}{JARS}/*", "Publisher"]
    fed(city, command, orders)


@cache
def compiled() -> Path:
    classes = BUILT / "java"
    classes.mkdir(parents=True, exist_ok=True)
    command = ["javac", "-cp", f"{JARS}/*", "-d", str(classes), str(HERE / "java" / "Publisher.java")]
    subprocess.run(command, check=True, timeout=100)
    return classes


def go(program: str) -> Callable[[City, Sequence[Order]], None]:
    def publish(city: City, orders: Sequence[Order]) -> None:
        needs("go", "golang-go")
        built = subprocess.run(
            ["go", "build", "-o", str(BUILT / program), f"./{program}"],
            cwd=HERE / "go",
            env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if "requires go" in built.stderr:
            pytest.skip("the go of this system is older than go.mod asks for")
        assert built.returncode == 0, built.stderr
        fed(city, [str(BUILT / program)], orders)

    return publish


def kafkajs(city: City, orders: Sequence[Order]) -> None:
    needs("node", "nodejs npm")
    assert (HERE / "js" / "node_modules").exists(), "run: npm ci --ignore-scripts --prefix tests/clients/js"
    fed(city, ["node", "publisher.mjs"], orders, HERE / "js")


def headers(order: Order) -> list[tuple[str, str]]:
    if order["mode"] == "structured":
        return [("content-type", "application/cloudevents+json")]
    attributes = [(f"ce_{name}", str(value)) for name, value in order["event"].items() if name != "data"]
    return [("content-type", "application/json"), *attributes]


def value(order: Order) -> str:
    return json.dumps(order["event"]["data"] if order["mode"] == "binary" else order["event"])


def kcat(city: City, orders: Sequence[Order]) -> None:
    needs("kcat", "kcat")
    for one in orders:
        given = [part for name, text in headers(one) for part in ("-H", f"{name}={text}")]
        command = ["kcat", "-P", "-b", city.env["BROKERS"], "-t", city.env["TOPIC"], "-K", "\t", "-z", one["codec"]]
        subprocess.run(
            [*command, *given], input=f"{one['event']['subject']}\t{value(one)}\n", text=True, check=True, timeout=30
        )


def console(city: City, orders: Sequence[Order]) -> None:
    for codec in {one["codec"]: None for one in orders}:
        lines = [
            "\t".join((",".join(":".join(one) for one in headers(order)), order["event"]["subject"], value(order)))
            for order in orders
            if order["codec"] == codec
        ]
        options = ["--reader-property", "headers.separator=,", "--compression-codec", codec]
        console_producer(city.env["BROKERS"], city.env["TOPIC"], lines, options=options)


PUBLISHERS: Mapping[str, tuple[Callable[[City, Sequence[Order]], None], Sequence[str]]] = {
    "kcat": (kcat, CODECS),
    "console producer": (console, CODECS),
    "confluent-kafka": (python, CODECS),
    "kafka-clients": (kafka_clients, CODECS),
    "franz-go": (go("franz"), CODECS),
    "sarama": (go("sarama"), CODECS),
    "kafkajs": (kafkajs, ("none", "gzip")),
}
TRANSACTIONAL = ("confluent-kafka", "kafka-clients", "franz-go", "kafkajs")


@pytest.mark.parametrize("client", PUBLISHERS)
def test_what_a_client_sends_lands(city: City, client: str) -> None:
    publish, codecs = PUBLISHERS[client]
    orders = [city.order(mode, codec) for mode in ("structured", "binary") for codec in codecs]
    publish(city, orders)
    until(lambda: city.landed(orders), seconds=60, every=0.5)
    assert city.running.values(DLQ) == []


@pytest.mark.parametrize("client", TRANSACTIONAL)
def test_what_a_client_commits_lands(city: City, client: str) -> None:
    publish, _ = PUBLISHERS[client]
    orders = [
        city.order(mode, "zstd" if client != "kafkajs" else "gzip", "commit") for mode in ("structured", "binary")
    ]
    publish(city, orders)
    until(lambda: city.landed(orders), seconds=60, every=0.5)


class Landed(AssertionError):
    """What its publisher took back is a fact all the same."""


@pytest.mark.parametrize("client", TRANSACTIONAL)
def test_what_a_client_takes_back_does_not_land(city: City, client: str) -> None:
    publish, _ = PUBLISHERS[client]
    aborted, later = city.order("structured", "none", "abort"), city.order("structured", "none", "commit")
    later["event"]["subject"] = aborted["event"]["subject"]  # the same partition: it is read after the other
    publish(city, [aborted, later])
    until(lambda: city.landed([later]), seconds=60, every=0.5)
    with city.database.connect() as connection:
        found = connection.execute(select(tables.event.c.id)).scalars().all()
    if aborted["event"]["id"] in found:
        raise Landed
