"""The terminal's picture of the queue, from a real read model in SQLite."""

import json
import time
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from rich.cells import cell_len

from cli.main import run
from cli.queue_screen import Picture, Words, picture_lines
from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.alert import event
from schemas.instants import instant
from sinks.consumer import Record
from sinks.readmodel import alerts, queries, tables
from sinks.readmodel.data_time import read_data_time
from sinks.readmodel.database import connect, migrate
from tests.golden.timelines import FOLDERS, read
from tests.watermarks import put_watermark

NOW = "2026-03-20T09:00:00+08:00"
REFERENCE = "p1_" + "k" * 26


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A read model with the alerts of some timelines, and one duty that is due; the clock stands at NOW."""
    url = f"sqlite:///{tmp_path / 'handover.sqlite'}"
    engine = connect(url)
    migrate(engine)
    until = instant(NOW)
    records = [
        Record("", 0, number, None, orjson.dumps(event(alert)), (), 0, alert.changed_at)
        for number, alert in enumerate(
            alert
            for folder in FOLDERS
            if folder.name[:2] in ("03", "11", "17", "27", "29")
            for alert in replay(read(folder).events, load("cn-default"), load_calendar(), until)
        )
    ]
    with engine.begin() as connection:
        alerts.write(connection, records)
        connection.execute(tables.alert.update().where(tables.alert.c.rule_id == "B04").values(severity="CRIT"))
        connection.execute(tables.obligation.insert(), [duty("soon", "2026-03-20T18:00:00+08:00")])
        connection.execute(tables.obligation.insert(), [duty("later", "2026-04-10T00:00:00+08:00")])
        connection.execute(tables.event.insert(), [newest("2026-03-20T08:48:00+08:00")])
    put_watermark(engine, until)
    engine.dispose()
    clock = tmp_path / "clock.json"
    clock.write_text(json.dumps([{"log_start": time.time_ns() // 1_000_000, "time_start": NOW, "rate": 1e-6}]))
    monkeypatch.setenv("REENTRY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REENTRY_CLOCK_FILE", str(clock))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return url


def duty(name: str, due_at: str) -> dict[str, object]:
    return {
        "obligation_id": name,
        "alert_id": name,
        "subject": REFERENCE,
        "handover_id": "h",
        "handover_kind": "A",
        "rule_id": "A10",
        "occurrence": "",
        "owner_agency": "TOWN_JUSTICE-990102004-01",
        "jurisdiction": "990102004",
        "state": "open",
        "severity": "WARN",
        "anchor_at": instant("2026-03-10T00:00:00+08:00"),
        "due_at": instant(due_at),
        "warn_at": instant("2026-03-18T00:00:00+08:00"),
        "provisional": True,
        "reason": {"zh": "首次走访应在期限前完成", "en": "The first visit is to be done in time"},
        "missing": [],
        "computation": [],
    }


def newest(arrival: str) -> dict[str, object]:
    at = instant(arrival)
    plain = {"source": "/agencies/PRISON-990100-01", "id": "e", "topic": "t", "type": "t", "subject": REFERENCE}
    return {**plain, "time": at, "arrival": at, "day": "2026-03-20", "sequence": None, "body": {}}


def picture(url: str, now: str = NOW) -> Picture:
    engine = connect(url)
    try:
        at: datetime = instant(now)
        return Picture(
            at,
            queries.latest_arrival(engine),
            read_data_time(engine, at, lambda processed: at - processed),
            queries.firing_by_severity(engine),
            queries.open_alerts(engine),
            queries.due_next(engine, instant("2026-05-01T00:00:00+08:00")),
            frozenset(load("cn-default").policies.list_signalling("feed_silent", "manifest_gap")),
        )
    finally:
        engine.dispose()


def test_a_pipe_gets_the_picture_once(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts", "--watch", "--lang", "en"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Unanswered  ▲ CRIT ")
    assert said[1] == "alerts processed up to 03-20 09:00:00"
    assert said[2] == "2026-03-20 09:00 · newest event 12 min ago · 1 feed(s) silent or with gaps"
    assert any(line.startswith("Overdue  ") for line in said)
    assert any("The first visit is to be done in time" in line for line in said)
    assert "\x1b" not in "".join(said)


def test_critical_comes_first_and_then_time_to_deadline(database: str) -> None:
    lines = [line.plain for line in picture_lines(picture(database), Words("zh"), 80)]
    titles = [line.split("  ")[0] for line in lines[4:] if line and not line.startswith(" ")]
    assert titles == ["先处理", "逾期", "今天到期", "以后"]
    rows = [line for line in lines if line.startswith("  ") and not line.startswith("      ")]
    assert rows[0].lstrip().startswith("▲ 紧急")
    assert "剩 9小时0分" in next(line for line in rows if "A10" in line)


def test_how_long_it_is_late_and_how_high_it_climbed_is_shown(database: str) -> None:
    text = "\n".join(line.plain for line in picture_lines(picture(database), Words("zh"), 100))
    assert "逾期 " in text
    assert "[已升级到" in text
    assert "[日期待定]" in text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(database: str, width: int, language: str) -> None:
    for line in picture_lines(picture(database), Words(language), width):
        assert cell_len(line.plain) <= width


def test_a_person_never_stands_there_whole(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    for language in ("zh", "en"):
        for line in picture_lines(picture(database), Words(language), 300):
            assert "p1_" not in line.plain.replace("p1_kkkk…", "") or "…" in line.plain
            assert REFERENCE not in line.plain


def test_old_data_makes_the_picture_doubtful(database: str) -> None:
    _, processed, trust, *_ = picture_lines(picture(database, "2026-03-21T09:00:00+08:00"), Words("en"), 80)
    assert "newest event 1 d 0 h ago" in trust.plain
    assert processed.plain == "1 d 0 h behind, later limits not judged: alerts processed up to 03-20 09:00:00"
    assert "red" in str(trust.style)
    assert "red" in str(processed.style)


def test_what_the_workers_have_not_passed_is_not_called_late(database: str) -> None:
    engine = connect(database)
    put_watermark(engine, instant("2026-03-20T17:59:00+08:00"))
    engine.dispose()
    lines = [line.plain for line in picture_lines(picture(database, "2026-03-20T18:30:00+08:00"), Words("en"), 160)]
    [row] = [line for line in lines if " A10 " in line and "03-20 18:00" in line]
    assert "due, being judged" in row
    assert lines.index(row) > lines.index("Due, being judged  1")


def test_a_list_that_may_lack_alerts_ends_with_a_failure(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = connect(database)
    put_watermark(engine, instant("2026-03-20T08:00:00+08:00"))
    engine.dispose()
    assert run(["alerts", "--lang", "en"]) == 1
    assert "1 h 0 min behind, later limits not judged" in capsys.readouterr().out
    assert run(["alerts", "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["is_late"] is True


def test_an_empty_read_model_says_so(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'x.sqlite'}")
    migrate(engine)
    engine.dispose()
    lines = [line.plain for line in picture_lines(picture(f"sqlite:///{tmp_path / 'x.sqlite'}"), Words("en"), 80)]
    assert lines[1:3] == ["No alert processed yet: this list means nothing", "2026-03-20 09:00 · no event yet"]
    assert "Nothing is open." not in lines


def test_records_are_json_with_the_time_left(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts", "--json", "--scope", "990102"]) == 0
    first, *rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert first == {"kind": "data_time", "processed_until": NOW, "is_late": False}
    assert {row["kind"] for row in rows} == {"alert", "due"}
    assert all(row["jurisdiction"].startswith("990102") for row in rows)
    assert all(row["seconds_left"] < 0 for row in rows if row["kind"] == "alert")
    assert [row["seconds_left"] for row in rows if row["kind"] == "due"] == [32_400, 1_782_000]


def test_a_scope_leaves_out_other_places(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["alerts", "--json", "--scope", "9988"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
