"""What lies on the disk is for its user alone, and what is shown bears no password."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli.commands import up
from cli.connection import mask_database_url
from cli.private_files import make_folder
from cli.runtime import KEY_FILE, SHORTEST_KEY, make_audit_key, read_audit_key
from cli.settings import Settings
from cli.stack.local import Stack, environment
from cli.stack.processes import Processes, handover

NASTY = "o'brien; touch X #$(touch Y)`touch Z`\n"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def stack(folder: Path, **values: object) -> Stack:
    """A stack that has started nothing."""
    make_folder(folder)
    settings = Settings(data_dir=folder, **values)  # type: ignore[arg-type]
    with Processes(folder / "logs") as processes:
        return Stack(folder, settings, environment(settings), processes, print)


@pytest.mark.parametrize("name", ["o'brien; touch X #", NASTY.strip(), "a b", "$HOME"])
def test_the_variables_of_a_folder_with_any_name_execute_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    stack(folder).record("up")
    told = subprocess.run(
        ["sh", "-c", '. "$1"; printf %s "$REENTRY_DATA_DIR"', "sh", str(folder / "env")],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == str(folder)
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_what_a_stack_writes_down_is_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    stack(folder, database_url="postgresql+psycopg://handover:S3cret@db/handover").record("up")
    assert mode(folder) == 0o700
    assert {mode(folder / name) for name in ("env", "stack.json")} == {0o600}
    assert "S3cret" not in (folder / "stack.json").read_text()


def test_what_a_command_makes_is_for_its_user_alone(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REENTRY_")}
    command = handover("console", "--migrate")
    done = subprocess.run(command, env={**kept, "REENTRY_DATABASE_URL": f"sqlite:///{tmp_path}/a.sqlite"}, check=False)
    assert done.returncode == 0
    assert mode(tmp_path / "a.sqlite") == 0o600


def test_status_shows_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    stack(folder, database_url="postgresql+psycopg://handover:S3cret@db/handover?password=Other1").record("up")
    up._show(json.loads((folder / "stack.json").read_text()))
    shown = capsys.readouterr().out
    assert "handover:***@db" in shown
    assert "S3cret" not in shown
    assert "Other1" not in shown


def test_an_address_that_is_none_is_not_shown() -> None:
    assert "S3cret" not in mask_database_url(Settings(database_url="S3cret"))


def test_the_first_start_makes_a_secret_for_the_audit_and_keeps_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    assert read_audit_key(settings) is None
    key = make_audit_key(settings)
    assert key is not None
    assert len(key) >= SHORTEST_KEY
    assert mode(tmp_path / "data" / KEY_FILE) == 0o600
    assert make_audit_key(settings) == read_audit_key(settings) == key
    assert [one.name for one in (tmp_path / "data").iterdir()] == [KEY_FILE]
