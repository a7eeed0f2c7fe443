"""`handover up`, `status`, `down` and `handover demo`: started as people start them, and nothing is left running."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from cli.stack.children import alive
from cli.stack.processes import handover

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]


def call(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run our command with these variables and none of the caller's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REENTRY_")}
    return subprocess.run(
        handover(*arguments), env={**ours, **environment}, capture_output=True, text=True, timeout=200, check=False
    )


def test_up_runs_in_the_background_until_down(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    environment = {"REENTRY_BROKERS": kafka, "REENTRY_TOPIC_PREFIX": topic_prefix, "REENTRY_DATA_DIR": str(tmp_path)}
    assert call(environment, "status").returncode == 1
    started = call(environment, "up")
    try:
        assert started.returncode == 0, started.stderr
        assert call(environment, "up").returncode == 1, "a folder holds one stack"
        told = call(environment, "status", "--json")
        assert told.returncode == 0, told.stdout
        state = json.loads(told.stdout)
        assert state["data_time"]["processed_until"] is not None
        assert [process["name"] for process in state["processes"]] == ["worker-1", "worker-2", "sink"]
        assert all(process["alive"] for process in state["processes"])
    finally:
        ended = call(environment, "down")
    assert ended.returncode == 0, ended.stderr
    assert not any(alive(process["pid"]) for process in state["processes"])
    assert call(environment, "status").stdout == "Nothing runs here: handover up, or handover demo.\n"
    assert call(environment, "down").stdout == "Nothing runs here.\n"


def test_two_stacks_started_together_have_a_broker_each(tmp_path: Path) -> None:
    environments = [{"REENTRY_DATA_DIR": str(tmp_path / name)} for name in ("one", "other")]
    with ThreadPoolExecutor() as pool:
        started = list(pool.map(lambda one: call(one, "up", "--workers", "1"), environments))
    try:
        assert [one.returncode for one in started] == [0, 0], [one.stderr for one in started]
        states = [json.loads(call(one, "status", "--json").stdout) for one in environments]
        assert len({state["brokers"] for state in states}) == 2
        assert all(process["alive"] for state in states for process in state["processes"])
    finally:
        for one in environments:
            call(one, "down")


def test_a_demo_stopped_and_started_goes_on(tmp_path: Path) -> None:
    environment = {"REENTRY_DATA_DIR": str(tmp_path)}
    arguments = ("demo", "--seconds", "12", "--no-screen", "--speed", "2")
    first = call(environment, *arguments)
    assert first.returncode == 0, first.stderr + first.stdout
    before = events(tmp_path)
    second = call(environment, *arguments)
    assert second.returncode == 0, second.stderr + second.stdout
    assert 0 < before < events(tmp_path)
    assert "ended" not in first.stderr + second.stderr, "a part of the demo died"
    segments = json.loads((tmp_path / "demo" / "clock.json").read_text())
    assert [segment["rate"] for segment in segments] == [7200.0, 1e-6, 7200.0, 1e-6]
    assert not left(tmp_path)


def events(folder: Path) -> int:
    engine = create_engine(f"sqlite:///{folder / 'demo' / 'handover.sqlite'}")
    with engine.connect() as connection:
        count: int = connection.execute(text("select count(*) from event")).scalar_one()
    engine.dispose()
    return count


def left(folder: Path) -> list[Any]:
    """Processes that still name the folder in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in named:
            found.append(process.name)
    return found
