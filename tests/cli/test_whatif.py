"""`handover whatif` on files and on the read model."""

import json
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest

from cli.main import run
from handover.analysis.replay import Told
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.parse import trusted
from sinks.obligation_ledger.history import Recorded
from sinks.readmodel.database import connect, prepare
from tests.console.model import fill
from tests.golden.timelines import FOLDERS
from tests.golden.timelines import read as timeline_of
from tests.handover.histories import acknowledged, arriving, at, notice, scheduled

DRAFT = """
book = "draft@1"
extends = "cn-default@2"
names = { zh = "草案", en = "Draft" }

[[rule]]
id = "A02"
within = "5 wd"
"""
HISTORY = arriving(scheduled(), notice("2026-03-02 10:00"), acknowledged("2026-03-06 10:00"))


@pytest.fixture
def draft(tmp_path: Path) -> str:
    path = tmp_path / "draft.toml"
    path.write_text(DRAFT, encoding="utf-8")
    return str(path)


def written(path: Path, history: Iterable[Told]) -> str:
    path.write_bytes(b"".join(orjson.dumps(event.wire()) + b"\n" for event, _ in history))
    return str(path)


def test_a_file_is_compared_and_each_alert_that_changes_is_one_line(
    draft: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "events.jsonl", HISTORY)
    assert run(["whatif", "--rules", draft, "--base", "cn-default", file, "--json"]) == 0
    *changes, counts = map(json.loads, capsys.readouterr().out.splitlines())
    assert [(one["rule_id"], one["kind"], one["after"]) for one in changes] == [("A02", "gone", None)]
    assert changes[0]["before"]["raised_at"] == "2026-03-06T00:00:00+08:00"
    assert (counts["events"], counts["gone"], counts["until"]) == (3, 1, "2026-03-06T10:00:00+08:00")
    assert {name: counts["by"][-1][name] for name in ("county", "rule_id", "before", "after", "gone")} == {
        "county": "990102",
        "rule_id": "A02",
        "before": 1,
        "after": 0,
        "gone": 1,
    }


def test_people_get_figures_and_a_table(draft: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "events.jsonl", HISTORY)
    assert run(["whatif", "--rules", draft, "--base", "cn-default", file, "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "cn-default@2 → draft@1: 3 events replayed" in said
    assert "Gone 1;" in said
    assert "990102" in said
    assert run(["whatif", "--rules", "cn-default", "--base", "cn-default", file, "--lang", "zh"]) == 0
    assert "没有任何差别" in capsys.readouterr().out


def test_a_span_of_time_leaves_out_what_was_raised_before(
    draft: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "events.jsonl", HISTORY)
    for since, gone in (("2026-03-06T00:00:00+08:00", 1), ("2026-03-06T00:01:00+08:00", 0)):
        limits = ["--from", since, "--to", "2026-03-07T00:00:00+08:00"]
        assert run(["whatif", "--rules", draft, "--base", "cn-default", file, "--json", *limits]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["gone"] == gone


def test_sql_and_file_come_to_the_same(
    draft: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Told] = [one for folder in FOLDERS[:12] for one in timeline_of(folder).events]
    told = list(
        {(event.source, event.id): (event, at_) for event, at_ in sorted(told, key=lambda one: one[1])}.values()
    )
    url = f"sqlite:///{tmp_path / 'model.sqlite'}"
    engine = connect(url)
    prepare(engine)
    fill(engine, told, load("cn-default"), load_calendar(), max(at_ for _, at_ in told))
    recorded = list(Recorded(engine).all())
    assert [event for event, _ in recorded] == [trusted(orjson.dumps(event.wire())) for event, _ in recorded]
    assert len(recorded) == Recorded(engine).count()
    engine.dispose()
    monkeypatch.setenv("REENTRY_DATABASE_URL", url)
    file = written(tmp_path / "events.jsonl", recorded)
    found = []
    for source in ([], [file]):
        assert run(["whatif", "--rules", draft, "--base", "cn-default", *source, "--json"]) == 0
        found.append(sorted(capsys.readouterr().out.splitlines()))
    assert found[0] == found[1]
    assert any('"rule_id":"A02"' in line for line in found[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rules", "no-such-book"], "handover: book no-such-book: there is none of that name"),
        (["--rules", "cn-default", "/nowhere.jsonl"], "cannot read /nowhere.jsonl"),
        (["--rules", "cn-default", "--from", "yesterday"], "--from "),
        (["--rules", "cn-default"], "there is no read model in "),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REENTRY_DATA_DIR", str(tmp_path))
    assert run(["whatif", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_dates_of_the_files_decide_the_order(draft: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [written(tmp_path / f"{n}.jsonl", [one]) for n, one in enumerate(reversed(HISTORY))]
    assert run(["whatif", "--rules", draft, "--base", "cn-default", *files, "--json"]) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (counts["events"], counts["gone"]) == (3, 1)
    assert at("2026-03-06 10:00").isoformat() in counts["until"]
