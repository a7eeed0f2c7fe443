"""`handover rules`: check, explain, diff."""

import json
from pathlib import Path

import pytest

from cli.main import run

OWN = """
book = "own@1"
extends = "cn-default@1"
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
    assert capsys.readouterr().out.endswith("own@1: 52 rules, usable\n")


def test_a_wrong_entry_is_named_with_its_rule_and_field(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(own).write_text(OWN.replace("5 wd", "5 moons"), encoding="utf-8")
    assert run(["rules", "check", own]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"handover: {own}: rule A02, within")
    assert said.endswith("; correct this entry and check again\n")


def test_a_rule_is_explained_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "explain", "--rule", "A02", "--lang", "zh"]) == 0
    zh = capsys.readouterr().out
    assert "3个工作日" in zh
    assert "县级司法局" in zh
    assert run(["rules", "explain", "--rule", "A02", "--lang", "en"]) == 0
    en = capsys.readouterr().out
    assert "Within: 3 working days" in en
    assert "WARN (due) → HIGH (due + 3 working days)" in en
    assert "[confirm locally]" in en


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
