"""The commands that talk to a broker, on a real one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from sqlalchemy import Engine, create_engine, func, select

from cli.main import run
from schemas.parse import parse
from schemas.topics import DLQ, INTAKE, SOURCES, named, partition_of
from sinks.readmodel import tables
from sinks.readmodel.database import connect, migrate
from tests.conditions import until
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline

SMALL = ("--days", "3", "--register", "0.02", "--seed", "5")
REFERENCE = "p1_" + "k" * 26


@pytest.fixture
def trial(kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Topics of this test that keep the writer's timestamps, and the settings that lead to them."""
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        for name, value in running.env.items():
            if name.startswith("REENTRY_"):
                monkeypatch.setenv(name, value)
        yield running


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def test_what_is_published_is_dumped_in_order_of_arrival(trial: Pipeline, tmp_path: Path) -> None:
    made, dumped = tmp_path / "made.jsonl", tmp_path / "dumped.jsonl"
    assert run(["simulate", *SMALL, "--faults", "none", "--out", str(made)]) == 0
    assert run(["publish", str(made)]) == 0
    assert run(["dump", "--out", str(dumped)]) == 0
    before, after = ([parse(line) for line in lines(path)] for path in (made, dumped))
    assert len(after) == len(before) > 1000
    arrivals = [event.receivedtime for event in after if event.receivedtime is not None]
    assert arrivals == sorted(arrivals)
    assert {(one.source, one.id, one.receivedtime) for one in before} == {
        (one.source, one.id, one.receivedtime) for one in after
    }


def test_a_dump_replays_like_the_file_it_came_from(
    trial: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made, dumped = tmp_path / "made.jsonl", tmp_path / "dumped.jsonl"
    run(["simulate", *SMALL, "--faults", "none", "--out", str(made)])
    run(["publish", str(made)])
    run(["dump", "--out", str(dumped)])
    capfd.readouterr()
    assert run(["replay", str(made), "--json"]) == 0
    first = capfd.readouterr().out
    assert run(["replay", str(dumped), "--json"]) == 0
    assert capfd.readouterr().out == first
    assert len(first.splitlines()) > 5


def test_invalid_lines_are_named_and_the_others_sent(
    trial: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    good = event("a1")
    path.write_bytes(b"\n".join([orjson.dumps(good), b'{"specversion": "1.0"', orjson.dumps({**good, "id": "a2"})]))
    assert run(["publish", str(path)]) == 2
    said = capfd.readouterr()
    assert f"{path}:2: MALFORMED" in said.err
    assert said.out == "2 published, 1 invalid\n"
    assert len(trial.values(INTAKE)) == 2


def test_the_partition_is_the_one_of_murmur2(trial: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(orjson.dumps(event("a1")))
    run(["publish", str(path)])
    [record] = trial.records(INTAKE)
    assert record.partition == partition_of(REFERENCE.encode(), PARTITIONS)
    assert ("content-type", b"application/cloudevents+json") in record.headers


def test_a_simulation_with_faults_goes_into_other_partitions_too(trial: Pipeline, tmp_path: Path) -> None:
    made = tmp_path / "made.jsonl"
    run(["simulate", *SMALL, "--faults", "heavy", "--out", str(made)])
    assert run(["simulate", *SMALL, "--faults", "heavy", "--kafka"]) == 0
    records: list[Any] = [record for topic in SOURCES for record in trial.records(topic)]
    misplaced = [one for one in records if one.partition != partition_of(one.key, PARTITIONS)]
    assert 0.02 < len(misplaced) / len(records) < 0.5
    assert len(records) == len(lines(made))
    assert sum(one.value is None for one in records) == lines(made).count(b"null") > 0


def test_a_paced_simulation_keeps_to_the_clock_and_goes_on_after_a_stop(trial: Pipeline, tmp_path: Path) -> None:
    clock, state = tmp_path / "clock.json", tmp_path / "state.json"
    start = time.time_ns() // 1_000_000
    clock.write_text(json.dumps([{"log_start": start, "time_start": "2026-03-02T00:00:00+08:00", "rate": 7200}]))
    command = [sys.executable, "-m", "cli", "simulate", "--days", "0", "--register", "0.01", "--seed", "5"]
    command += ["--kafka", "--pace", "--state", str(state)]
    environment = {**os.environ, "REENTRY_CLOCK_FILE": str(clock)}
    for _ in range(2):
        before = count(state)
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        until(lambda: count(state) > before + 20)  # noqa: B023 used before the loop goes on
        process.terminate()
        process.wait(20)
    now = time.time_ns() // 1_000_000
    records: list[Any] = [record for topic in SOURCES for record in trial.records(topic)]
    assert len(records) >= count(state)
    assert all(start <= one.timestamp <= now for one in records)


def count(state: Path) -> int:
    return int(orjson.loads(state.read_bytes())["sent"]) if state.exists() else 0


def test_dead_letters_are_listed_shown_redriven_and_dropped(
    trial: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    database = f"sqlite:///{tmp_path / 'handover.sqlite'}"
    migrate(connect(database))
    bury(
        trial,
        [("SCHEMA", orjson.dumps(event("a1")), 0), ("MALFORMED", b"{", 0), ("FAILED", orjson.dumps(event("a2")), 3)],
    )
    assert run(["dlq", "list", "--json"]) == 1
    listed = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [one["reentry.reason"] for one in listed] == ["SCHEMA", "MALFORMED", "FAILED"]
    assert REFERENCE not in json.dumps(listed)

    assert run(["dlq", "show", listed[0]["place"]]) == 0
    shown = capfd.readouterr().out
    assert "data.officer_ref: str" in shown
    assert "O-1" not in shown

    assert run(["dlq", "redrive", "--all"]) == 0
    assert "1 of 3 would be sent" in capfd.readouterr().out
    assert trial.values(INTAKE) == []
    assert run(["dlq", "redrive", "--all", "--yes"]) == 0
    said = capfd.readouterr().out
    assert "was sent 3 times" in said
    assert "1 of 3 sent" in said
    [again] = trial.records(INTAKE)
    assert ("reentry.redrives", b"1") in again.headers
    assert again.value == orjson.dumps(event("a1"))

    assert run(["dlq", "redrive", "--all", "--yes"]) == 0
    assert "0 of 2 sent" in capfd.readouterr().out
    assert run(["dlq", "drop", "--reason", "MALFORMED", "--yes"]) == 0
    assert states(database) == {"SCHEMA": "redriven", "MALFORMED": "dropped"}
    capfd.readouterr()
    assert run(["dlq", "list"]) == 1
    assert capfd.readouterr().out.endswith("1 FAILED\n")


def test_nothing_is_redriven_unless_it_is_said_what(trial: Pipeline, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["dlq", "redrive", "--yes"]) == 2
    assert "name places, or use --reason or --all" in capfd.readouterr().err


def test_without_a_read_model_nothing_is_dropped(trial: Pipeline, capfd: pytest.CaptureFixture[str]) -> None:
    bury(trial, [("MALFORMED", b"{", 0)])
    assert run(["dlq", "drop", "--all", "--yes"]) == 2
    assert "nowhere to remember it" in capfd.readouterr().err


def test_missing_topics_are_said_in_one_line(
    kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REENTRY_BROKERS", kafka)
    monkeypatch.setenv("REENTRY_TOPIC_PREFIX", topic_prefix)
    assert run(["dump", "--out", "-"]) == 2
    assert capfd.readouterr().err.endswith("does not exist; create the topics: handover topics apply\n")


def test_doctor_finds_missing_topics_and_measures_the_clock(
    kafka: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = {"BROKERS": kafka, "TOPIC_PREFIX": topic_prefix, "PARTITIONS": "2", "REPLICATION": "1", "BROKR": "x"}
    for name, value in settings.items():
        monkeypatch.setenv(f"REENTRY_{name}", value)
    assert run(["doctor", "--json"]) == 1
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert "REENTRY_BROKR" in found[0]["text"]
    problems = {one["what"] for one in found if one["state"] == "problem"}
    assert problems == {"settings", "topics"}
    assert [one["state"] for one in found if one["what"] == "clock"] == ["ok"]
    assert all(one["fix"] for one in found if one["state"] == "problem")


def test_verify_finds_the_live_alerts_equal_to_the_replay(
    trial: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    end = "2026-03-05T00:00:00+08:00"  # the simulated instant that is now: what comes after is of no interest
    clock = tmp_path / "clock.json"
    now = time.time_ns() // 1_000_000
    clock.write_text(json.dumps([{"log_start": now, "time_start": end, "rate": 1}]))
    monkeypatch.setenv("REENTRY_CLOCK_FILE", str(clock))
    run(["simulate", "--days", "3", "--register", "0.02", "--seed", "6", "--faults", "normal", "--kafka"])
    trial.start("sink", REENTRY_CLOCK_FILE=str(clock))
    trial.start("worker", REENTRY_CLOCK_FILE=str(clock))
    verified = ["verify", "--until", end]
    until(lambda: run(verified) == 0, seconds=90, every=2)
    said = capfd.readouterr().out
    assert "equal" in said
    assert "answered alerts; 0 wrong" in said
    engine = create_engine(f"sqlite:///{tmp_path / 'handover.sqlite'}")
    with engine.begin() as connection:
        connection.execute(tables.alert.update().values(severity="INFO"))
    until(lambda: run(verified) == 1, seconds=30, every=2)  # what was written seconds ago is not judged yet
    assert "differing        alert table" in capfd.readouterr().out
    damage(engine)
    engine.dispose()
    assert run(verified) == 1
    said = capfd.readouterr().out
    assert said.count("is in no table") == 1
    assert said.count("history has") == 1
    assert said.count("events that are not there") >= 1


def damage(engine: Engine) -> None:
    """Take one answer of an alert and one revision in the middle out of the read model."""
    alert, history, event = tables.alert, tables.alert_history, tables.event
    with engine.begin() as connection:
        seen = connection.execute(select(alert.c.seen).where(alert.c.outcome.is_not(None))).scalars()
        connection.execute(event.delete().where(event.c.id == next(ids[-1] for ids in seen if ids)))
        long = select(history.c.alert_id).group_by(history.c.alert_id).having(func.count() > 2).limit(1)
        of = connection.execute(long).scalar_one()
        connection.execute(history.delete().where(history.c.alert_id == of, history.c.revision == 2))


def event(event_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/agencies/COUNTY_JUSTICE-990102-01",
        "type": "reentry.intake.acknowledged.v1",
        "subject": REFERENCE,
        "time": "2026-03-10T10:00:00+08:00",
        "data": {"accepted": True, "officer_ref": "O-1"},
    }


def test_dead_letters_are_found_by_publisher_type_and_time(trial: Pipeline, capfd: pytest.CaptureFixture[str]) -> None:
    mine = {**event("mine"), "source": "/agencies/COUNTY_JUSTICE-990102-01/mis"}
    other = {**event("other"), "source": "/agencies/COUNTY_JUSTICE-990199-01", "type": "reentry.intake.closed.v1"}
    bury(
        trial, [("SCHEMA", orjson.dumps(one), 0) for one in [*[mine] * 3, *[other] * 3_000]] + [("MALFORMED", b"{", 0)]
    )

    def found(*options: str) -> int:
        run(["dlq", "list", "--json", *options])
        return len(capfd.readouterr().out.splitlines())

    assert found("--source", "COUNTY_JUSTICE-990102-01") == found("--source", mine["source"]) == 3
    assert found("--source", "/agencies/COUNTY_JUSTICE-990102") == 0
    assert found("--type", "intake.closed") == found("--type", other["type"]) == 3_000
    assert found("--type", mine["type"], "--source", other["source"]) == 0
    assert found("--since", "2026-03-10T08:00:03.003+08:00") == 1
    assert found("--since", "2026-03-10T08:00:03.003+08:00", "--reason", "SCHEMA") == 0
    assert run(["dlq", "list", "--since", "yesterday"]) == 2


def bury(trial: Pipeline, letters: Sequence[tuple[str, bytes, int]]) -> None:
    producer = KafkaProducer(bootstrap_servers=trial.brokers, acks="all")
    for number, (reason, value, redrives) in enumerate(letters):
        headers = {
            "__streams.errors.topic": named(trial.prefix, INTAKE),
            "__streams.errors.partition": "0",
            "__streams.errors.offset": str(number),
            "__streams.errors.message": "data: wrong",
            "reentry.reason": reason,
            "reentry.redrives": str(redrives),
        }
        told = [(name, text.encode()) for name, text in headers.items()]
        when = 1_773_100_800_000 + number
        producer.send(
            named(trial.prefix, DLQ), key=REFERENCE.encode(), value=value, headers=told, partition=0, timestamp_ms=when
        )
    producer.flush(30)
    producer.close()


def states(database: str) -> dict[str, str]:
    engine = connect(database)
    with engine.connect() as connection:
        rows = connection.execute(select(tables.dead_letter)).mappings().all()
    engine.dispose()
    return {row["reason"]: row["state"] for row in rows}
