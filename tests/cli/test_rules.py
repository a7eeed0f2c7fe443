"""`handover rules`: check, explain, diff."""

import json
import re
from pathlib import Path

import pytest

from cli.main import run
from console.rules.rule_text import describe_rule
from console.text.i18n import LANGUAGES, texts
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from sinks.readmodel.database import connect, prepare
from tests.console.model import fill
from tests.handover.histories import arriving, at, notice, scheduled

CJK = re.compile(r"[\u4e00-\u9fff]")

OWN = """
book = "own@1"
extends = "cn-default@2"
names = { zh = "本地", en = "Local" }

[[rule]]
id = "A02"
within = "5 wd"

[[rule]]
id = "X08"
off = true
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    return str(path)


def test_a_usable_book_is_called_usable(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", "cn-default"]) == 0
    assert run(["rules", "check", own]) == 0
    assert capsys.readouterr().out.endswith("own@1: 67 rules, usable\n")


def test_a_wrong_entry_is_named_with_its_rule_and_field(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(own).write_text(OWN.replace("5 wd", "5 moons"), encoding="utf-8")
    assert run(["rules", "check", own]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"handover: {own}: rule A02, within")
    assert said.endswith("; correct this entry and check again\n")


def test_a_rule_is_explained_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "explain", "--rule", "A02", "--lang", "zh"]) == 0
    zh = capsys.readouterr().out
    assert "3 个工作日" in zh
    assert "县级司法局" in zh
    assert run(["rules", "explain", "--rule", "A02", "--lang", "en"]) == 0
    en = capsys.readouterr().out
    assert "Limit: 3 working days" in en
    assert (
        "Within 3 working days of “Release notice sent” the county justice office has not given “County's answer”" in en
    )
    assert "Warning when due → High 3 working days after it is due" in en
    assert "[Confirm locally]" in en


def test_who_sees_a_rule_and_what_it_counts_as_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "explain", "--rule", "B04", "--lang", "en"]) == 0
    en = capsys.readouterr().out
    assert "Seen by: the justice offices of the place, whoever owes it, the procurator of the place" in en
    assert 'Counts as: column "Arrival" of the scoreboard, not arrived, time to an answer' in en
    assert run(["rules", "explain", "--rule", "X06", "--lang", "zh"]) == 0
    zh = capsys.readouterr().out
    assert "可见于: 当地司法行政机关、平台管理\n" in zh
    assert "计入: 数据迟到" in zh


def test_every_rule_of_the_default_book_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for language in ("zh", "en"):
        assert run(["rules", "explain", "--lang", language]) == 0
    assert capsys.readouterr().out.count("A01") >= 2


def test_a_difference_is_told_key_by_key(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "diff", "cn-default", own, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rules = [(one["rule"], one["key"], one["before"], one["after"]) for one in found if one["rule"] == "A02"]
    assert rules == [("A02", "within", "3 wd", "5 wd")]
    assert [(one["key"], one["after"]) for one in found if one["rule"] == "X08"] == [(None, None)]
    assert run(["rules", "diff", "cn-default", own]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "~ A02 within: 3 wd → 5 wd" in said
    assert "- X08" in said


def test_no_sentence_of_a_rule_is_left_half_said() -> None:
    book = load("cn-default")
    for rule in book.rules:
        for language in LANGUAGES:
            said = describe_rule(rule, book, texts(language)).say
            assert "“”" not in said, rule.key
            assert not re.search(r"(?<!\S)(release|intake|checkin|dispute|system)\.[a-z_]+", said), said
            assert bool(CJK.search(said)) == (language == "zh"), said


def test_a_limit_of_no_length_is_said_as_a_day_or_an_instant() -> None:
    book = load("cn-default")
    assert describe_rule(book.by_key[("A08", "")], book, texts("en")).say.startswith("“Released” without ")
    assert describe_rule(book.by_key[("B16", "")], book, texts("en")).say.startswith(
        "The day of “Decision effective: Term ends” has ended"
    )


def test_open_duties_that_would_move_are_counted(own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'model.sqlite'}")
    prepare(engine)
    now = at("2026-03-04 00:00")
    fill(engine, arriving(scheduled(), notice("2026-03-02 10:00")), load("cn-default"), load_calendar(), now)
    url = str(engine.url)
    engine.dispose()
    assert run(["rules", "diff", "cn-default", own, "--database", url]) == 0
    assert "open duties that would move: 1 (1 later, 0 earlier, 0 gone, 0 new)" in capsys.readouterr().out
    assert run(["rules", "diff", "cn-default", own, "--database", url, "--json"]) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert counts == {"open_duties": {"later": 1, "earlier": 0, "gone": 0, "new": 0}}


def test_a_database_that_cannot_be_read_is_said(own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "diff", "cn-default", own, "--database", f"sqlite:///{tmp_path / 'empty.sqlite'}"]) == 2
    assert "the read model cannot be read" in capsys.readouterr().err
