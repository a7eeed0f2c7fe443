"""Thousands of spoilt records through a real broker, a real worker and a real sink, compressed in every way."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError

from cli.stack.ports import free_ports
from handover.cases.authority import WITHOUT_AUTHORITY
from schemas.topics import CASE, DLQ, RELEASE, ROUTED, SOURCES, named
from tests.conditions import until
from tests.fuzz.eras import witness
from tests.fuzz.records import Draft, drafts
from tests.integration.pipeline import Pipeline, pipeline
from tests.measured import measured
from tests.streams.test_records import Name

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(600)]
RECORDS, EACH = 3_000, 300  # a witness after so many
COMPRESSIONS = (None, "gzip", "lz4", "zstd", "snappy")


def publish(running: Pipeline) -> tuple[list[str], int]:
    """Return the persons of the records that must be applied, and how many records the broker took."""
    producers = [
        KafkaProducer(bootstrap_servers=running.brokers, compression_type=one, acks="all", linger_ms=20, max_request_size=20_000_000)
        for one in COMPRESSIONS
    ]  # fmt: skip
    turns = cycle(producers)
    sent: list[Any] = []
    witnesses: list[Draft] = []
    for number, (at_ms, draft, _) in enumerate(islice(drafts(11, 0), RECORDS)):
        if draft.topic != ROUTED:
            sent.append(send(next(turns), running, draft))
        if number % EACH == EACH - 1:
            witnesses.append(witness(0, number, at_ms))
            sent.append(send(next(turns), running, witnesses[-1]))
        if number == RECORDS // 2:
            sent += [send(producers[1], running, one) for one in worst()]
    taken = 0
    for one in sent:
        try:
            one.get(timeout=60)
        except KafkaError:
            continue  # larger than the broker takes
        taken += 1
    for producer in producers:
        producer.close()
    return [(one.key or b"").decode() for one in witnesses], taken


def worst() -> list[Draft]:
    """What is small only while it is compressed; a header whose name is not UTF-8."""
    return [Draft(RELEASE, b"k", b"x" * 8_000_000), Draft(RELEASE, b"k", b"{}", [(Name("x"), b"1"), ("none", None)])]


def send(producer: Any, running: Pipeline, draft: Draft) -> Any:
    topic = named(running.prefix, draft.topic)
    value = draft.value if draft.value is not None or draft.key is not None else b""
    told = [(name, text or b"") for name, text in draft.headers]  # this client sends no header without value
    return producer.send(topic, key=draft.key, value=value, headers=told, partition=draft.place())


def counted(port: int, prefix: str) -> Counter[str]:
    """What the worker says of the source topics: records by outcome."""
    found: Counter[str] = Counter()
    sources = {named(prefix, topic) for topic in SOURCES}
    for one in measured(port, "reentry_records_total"):
        if one.labels["topic"] in sources:
            found[one.labels["outcome"]] += int(one.value)
    return found


def dead_letters(running: Pipeline) -> set[tuple[bytes, ...]]:
    """The records that were refused, by topic, partition and offset."""
    places = ("__streams.errors.topic", "__streams.errors.partition", "__streams.errors.offset")
    records = [dict(one.headers) for one in running.records(DLQ)]
    return {tuple(headers[name] for name in places) for headers in records if not _was_judged_in_its_case(headers)}


def _was_judged_in_its_case(headers: dict[str, Any]) -> bool:
    """An action without authority over its alert is an event, and heard by nobody."""
    return bool(headers["__streams.errors.message"] == WITHOUT_AUTHORITY.encode())


def test_nothing_stops_worker_sink_or_commands(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        processes = [running.start("worker", REENTRY_WEB_PORT=str(port)), running.start("sink")]
        witnesses, taken = publish(running)
        until(lambda: counted(port, topic_prefix).total() >= taken, seconds=300, every=1)
        assert counted(port, topic_prefix)["bug"] == 0  # the others may count again after a rebalance
        until(
            lambda: set(witnesses) <= {orjson.loads(one)["subject"] for one in running.values(CASE)},
            seconds=60,
            every=1,
        )
        assert [process.poll() for process in processes] == [None, None]
        dumped = command(running, "dump", "--out", str(tmp_path / "events.jsonl"))
        assert dumped.returncode == 0, dumped.stderr
        left_out = int(re.search(r"(\d+) records left out", dumped.stderr)[1])  # type: ignore[index]
        until(lambda: len(dead_letters(running)) >= left_out, seconds=60, every=1)  # the last transaction may be open
        assert len(dead_letters(running)) == left_out
        listed = command(running, "dlq", "list")
        assert (listed.returncode, listed.stderr) == (1, "")
        replayed = command(running, "replay", str(tmp_path / "events.jsonl"), "--json")
        assert replayed.returncode == 0, replayed.stderr


def command(running: Pipeline, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, **running.env},
        capture_output=True,
        text=True,
        check=False,
    )
