"""`handover replay` and `handover publish --check` on files."""

import json
from pathlib import Path

import pytest

from cli.main import run
from tests.golden.timelines import FIELDS, FOLDERS, read

LATE = next(folder for folder in FOLDERS if folder.name.startswith("03"))


def rows(text: str) -> list[dict[str, object]]:
    return [{name: json.loads(line)[name] for name in FIELDS} for line in text.splitlines()]


def test_a_timeline_is_replayed_as_its_folder_says(capsys: pytest.CaptureFixture[str]) -> None:
    timeline = read(LATE)
    arguments = ["replay", str(LATE / "events.jsonl"), "--until", timeline.until.isoformat(), "--json"]
    assert run(arguments) == 0
    found = rows(capsys.readouterr().out)
    changes = [one for one, before in zip(found, [None, *found], strict=False) if one != before]
    assert {tuple(one.items()) for one in timeline.expected} <= {tuple(one.items()) for one in changes}


def test_several_files_are_one_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = LATE / "events.jsonl"
    lines = whole.read_text(encoding="utf-8").splitlines(keepends=True)
    parts = [tmp_path / "b.jsonl", tmp_path / "a.jsonl"]
    for number, part in enumerate(parts):
        part.write_text("".join(lines[number::2]), encoding="utf-8")
    until = read(LATE).until.isoformat()
    assert run(["replay", str(whole), "--until", until, "--json"]) == 0
    expected = capsys.readouterr().out
    assert run(["replay", *map(str, parts), "--until", until, "--json"]) == 0
    assert capsys.readouterr().out == expected


def test_people_get_sentences_without_whole_references(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(LATE / "events.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "A08" in said
    assert "…" in said
    assert not any(len(word) == 29 for word in said.split() if word.startswith("p1_"))


def test_invalid_lines_are_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    good = (LATE / "events.jsonl").read_text(encoding="utf-8")
    path.write_text(f"{good}\n{{}}\n", encoding="utf-8")
    assert run(["replay", str(path), "--json"]) == 0
    mixed = capsys.readouterr()
    number = len(good.splitlines()) + 2
    assert mixed.err.startswith(f"handover: {path}:{number}: SCHEMA")
    assert run(["replay", str(LATE / "events.jsonl"), "--json"]) == 0
    assert capsys.readouterr().out == mixed.out


def test_an_event_ahead_of_its_arrival_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    event = json.loads((LATE / "events.jsonl").read_text(encoding="utf-8").splitlines()[0])
    path.write_text(json.dumps({**event, "receivedtime": "2020-01-01T00:00:00+08:00"}), encoding="utf-8")
    assert run(["replay", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{path}:1: CLOCK_AHEAD" in said.err


def test_checking_sends_nothing_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    good = (LATE / "events.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([good[0], "{", "", good[1], "[]"]), encoding="utf-8")
    assert run(["publish", str(path), "--check", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out) == {"valid": 2, "invalid": 2}
    assert [line.split(":")[2] for line in said.err.splitlines()] == ["2", "5"]
    assert run(["publish", str(path), "--check", "--stop"]) == 2
    assert capsys.readouterr().out == "1 valid, 1 invalid\n"
