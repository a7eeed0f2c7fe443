"""How the command line behaves whatever the command: one line for what was wrong, quick help, quiet ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from cli.main import COMMANDS, run

HANDOVER = (sys.executable, "-m", "cli")


def handover(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run([*HANDOVER, *arguments], capture_output=True, text=True, env=env, check=False, timeout=60)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: handover {name}")


def test_help_imports_nothing_heavy() -> None:
    heavy = ("kafka", "faust", "sqlalchemy", "pydantic", "rich", "handover", "orjson")
    code = f"import sys; from cli.main import run; run(['--help']); sys.exit(bool(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"simulate" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("replay",),
        ("replay", "--untill", "x"),
        ("replay", "/nowhere/events.jsonl"),
        ("replay", "-", "--until", "yesterday"),
        ("replay", "-", "--rules", "no-such-book"),
        ("replay", "-", "--calendar", "/nowhere.toml"),
        ("publish", "/nowhere/events.jsonl", "--check"),
        ("simulate", "--scale", "planet"),
        ("simulate", "--faults", "2"),
        ("simulate", "--start", "tomorrow"),
        ("simulate", "--pace"),
        ("simulate", "--days", "-1"),
        ("simulate", "--days", "1", "--register", "0", "--out", "/nowhere/file.jsonl"),
        ("rules", "explain", "--rule", "Z99"),
        ("rules", "explain", "--lang", "fr"),
        ("dlq", "redrive"),
        ("dump",),
        ("alerts",),
    ],
    ids=" ".join,
)
def test_bad_usage_is_said_in_one_line(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REENTRY_DATA_DIR", "/nowhere")
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("handover: ")
    assert said.err.count("\n") == 1
    assert ";" in said.err  # what was wrong; what to do


@pytest.mark.parametrize("command", ["dump --out -", "verify", "dlq list", "simulate --kafka"])
def test_an_absent_broker_is_said_in_one_line(command: str) -> None:
    code = f"from cli import main; from cli.kafka import clients; clients.BOOTSTRAP_MS = 500; raise SystemExit(main.run({command.split()}))"
    env = {**os.environ, "REENTRY_BROKERS": "127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("handover: no broker answers at 127.0.0.1:1; ")
    assert done.stderr.count("\n") == 1


def test_a_setting_that_cannot_be_used_is_named() -> None:
    done = handover("dump", "--out", "-", REENTRY_PARTITIONS="many")
    assert done.returncode == 2
    assert "REENTRY_PARTITIONS" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_closed_pipe_ends_quietly() -> None:
    command = [*HANDOVER, "simulate", "--days", "0", "--register", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        assert writer.stdout.readline()
        writer.stdout.close()
        assert writer.wait(30) in (0, 1)
        assert writer.stderr.read() == b""


def test_ctrl_c_ends_quietly() -> None:
    hears = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also under a shell that ignores it
    )
    arguments = ["simulate", "--days", "0", "--register", "0.01", "--faults", "none"]
    command = [sys.executable, "-c", f"{hears}; from cli.main import main; main()", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert said == b""
