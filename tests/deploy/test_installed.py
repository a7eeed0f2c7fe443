"""The wheel alone, in an environment of its own and far from any checkout: every command is there with all that it reads."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
FEATURES = ("htmx.js", "uplot.js", "uplot.css", "console.css", "console.js")
pytestmark = pytest.mark.slow


class Installed:
    """The command of a clean environment. What the product stands on comes from ours: no index is asked."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder, self.python = folder, folder / "env" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
        [site] = (folder / "env" / "lib").glob("python3*/site-packages")
        zipfile.ZipFile(wheel).extractall(site)
        # Added to the path, so that the link to this checkout that stands in there is not followed.
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        self.site = site
        (folder / "work").mkdir()

    def run(self, *arguments: str, code: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("REENTRY_", "PYTHON"))}
        command = ["-c", code] if code else ["-m", "cli", *arguments]
        return subprocess.run(
            [str(self.python), *command], cwd=self.folder / "work", env={**clean, **settings}, capture_output=True, text=True, check=False
        )  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    return Installed(folder, wheel)


def test_nothing_of_the_checkout_is_looked_at(installed: Installed) -> None:
    names = "schemas handover brokers gateway streams sinks console cli"
    code = f"import importlib\nfor name in {names.split()!r}: print(importlib.import_module(name).__file__)"
    done = installed.run(code=code)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(str(installed.site)) for line in done.stdout.splitlines())


def test_help_names_every_command(installed: Installed) -> None:
    done = installed.run("--help")
    assert done.returncode == 0, done.stderr
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded(installed: Installed, name: str) -> None:
    done = installed.run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("book", ["cn-default", "city-990100"])
def test_rule_books_are_there(installed: Installed, book: str) -> None:
    named = book if book == "cn-default" else str(installed.site / "handover" / "rules" / "books" / f"{book}.toml")
    done = installed.run("rules", "check", named)
    assert done.returncode == 0, done.stderr


def _has_alerts(folder: Path) -> bool:
    expected = folder / "expected.jsonl"
    return expected.exists() and expected.stat().st_size > 0


def test_a_history_is_replayed(installed: Installed) -> None:
    folder = next(one for one in sorted((ROOT / "tests" / "golden").iterdir()) if _has_alerts(one))
    done = installed.run("replay", str(folder / "events.jsonl"), "--until", "2027-01-01T00:00:00+08:00", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")


def test_tables_are_made(installed: Installed) -> None:
    for command in ("sink", "console"):
        done = installed.run(command, "--migrate")
        assert done.returncode == 0, done.stderr


def test_contracts_are_written(installed: Installed) -> None:
    done = installed.run("schemas", "export", "contracts")
    assert done.returncode == 0, done.stderr
    assert (installed.folder / "work" / "contracts" / "asyncapi.json").exists()


def test_what_pages_load_is_there(installed: Installed) -> None:
    code = f"from console.web.assets import asset\nfor name in {FEATURES!r}: assert asset(name), name"
    done = installed.run(code=code)
    assert done.returncode == 0, done.stderr


def test_a_template_is_made(installed: Installed) -> None:
    done = installed.run("import", "--template", "intake.acknowledged", "template.xlsx")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["up", "demo"])
def test_without_kafka_a_stack_ends_in_one_line(installed: Installed, command: str) -> None:
    done = installed.run(command)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "KAFKA_HOME" in done.stderr


@pytest.mark.servers
@pytest.mark.timeout(240)
def test_a_stack_runs_from_the_wheel(installed: Installed) -> None:
    """With Kafka's jars, which no wheel carries."""
    libs = ROOT / "var" / "kafka" / "libs"
    assert any(libs.glob("kafka_2.13-*.jar")), "make setup"
    settings = {"REENTRY_KAFKA_LIBS": str(libs), "REENTRY_REPLICATION": "1", "REENTRY_PARTITIONS": "2"}
    try:
        started = installed.run("up", "--workers", "1", **settings)
        assert started.returncode == 0, started.stderr
        assert installed.run("status", **settings).returncode == 0
    finally:
        stopped = installed.run("down", **settings)
    assert "Stopped" in stopped.stdout
