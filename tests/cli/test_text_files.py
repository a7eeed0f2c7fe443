"""Files that an editor saved with a byte order mark are read like those without one."""

import json
from pathlib import Path

import orjson
import pytest

from cli.event_files import EventFiles
from cli.main import run
from console.web.uploads import read_book
from handover.calendar import CALENDAR_FILE, load_calendar
from handover.rules.rulebook import BOOKS, load
from schemas.text_files import read_text
from streams.clock import Clock
from tests.schemas.examples import LINES

MARK = b"\xef\xbb\xbf"


def test_events_are_checked_and_replayed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(MARK + b"\n".join(LINES))
    assert run(["publish", "--check", str(path)]) == 0
    assert f"{len(LINES)} valid, 0 invalid" in capfd.readouterr().out
    assert {event.id for event, _ in EventFiles([path]).all()} == {orjson.loads(line)["id"] for line in LINES}


def test_a_mark_within_a_file_is_no_beginning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + b"\n" + MARK + LINES[1])
    assert run(["publish", "--check", str(path)]) == 2
    assert f"{path}:2: MALFORMED: value: begins with a byte order mark" in capfd.readouterr().err


def test_a_line_says_all_that_is_wrong_with_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(orjson.dumps({**orjson.loads(LINES[0]), "time": "x", "data": {}}))
    assert run(["publish", "--check", str(path)]) == 2
    said = capfd.readouterr().err
    assert all(f"{place}: " in said for place in ("time", "data.release_date", "data.minor"))


def test_rule_books_and_calendars(tmp_path: Path) -> None:
    book, calendar = tmp_path / "book.toml", tmp_path / "calendar.toml"
    book.write_bytes(MARK + (BOOKS / "cn-default.toml").read_bytes())
    calendar.write_bytes(MARK + CALENDAR_FILE.read_bytes())
    assert load(book) == load("cn-default")
    assert read_book("book.toml", book.read_bytes())[0] == load("cn-default")
    assert load_calendar(calendar).years == load_calendar().years


def test_the_clock_and_secrets(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(MARK + json.dumps([{"log_start": 0, "time_start": "1970-01-01T00:00:00Z", "rate": 2.0}]).encode())
    assert Clock.load(path).millis_at(10) == 20
    path.write_bytes(MARK + "密码\n".encode())
    assert read_text(path).strip() == "密码"
