"""Rule books: what can be said in TOML alone, and what is refused with which words."""

from pathlib import Path

import pytest

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import BOOKS, InvalidRuleBook, load, read
from tests.handover.histories import arriving, at, scheduled, told

CALENDAR = load_calendar()
HEAD = 'book = "test@1"\nextends = "cn-default@2"\nnames = { zh = "测试", en = "Test" }\n'
NEW_RULE = """
[[rule]]
id = "Z01"
names = { zh = "谈话未进行", en = "Talk not held" }
kinds = ["A"]
form = "within"
anchor = "release.scheduled"
within = "2 wd"
stages = [{ at = "due", severity = "WARN" }, { at = "due + 1 wd", severity = "CRIT" }]
owner = "sending"
cleared_by = ["release.education_completed[passed]"]
basis = { zh = "测试", en = "Test", status = "confirm_locally" }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "book.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["cn-default", "city-990100"])
def test_the_books_we_ship_can_be_used(name: str) -> None:
    assert load(name).book.startswith(name)


def test_a_new_rule_of_a_known_form_is_one_entry(tmp_path: Path) -> None:
    book = load(write(tmp_path, NEW_RULE))
    passed = told(
        "release.education_completed",
        "2026-01-09 10:00",
        {"started_on": "2026-01-05", "ended_on": "2026-01-08", "hours": 8, "passed": True},
    )
    alerts = [
        one
        for one in replay(arriving(scheduled(), passed), book, CALENDAR, at("2026-01-20 00:00"))
        if one.rule_id == "Z01"
    ]
    # Monday 01-05; Tuesday and Wednesday are the two working days; Thursday makes it critical.
    assert [(one.changed_at, one.state, one.severity, one.rule_book) for one in alerts[:1]] == [
        (at("2026-01-08 00:00"), "firing", "WARN", "test@1")
    ]
    assert any(one.changed_at == at("2026-01-09 00:00") and one.severity == "CRIT" for one in alerts)
    assert alerts[-1].outcome == "met_late"


def test_an_entry_of_the_same_id_and_part_sets_only_what_it_names(tmp_path: Path) -> None:
    base, changed = load("cn-default"), load(write(tmp_path, '[[rule]]\nid = "A11"\npart = "assign"\nwithin = "5 d"\n'))
    assert str(changed.by_key[("A11", "assign")].within) == "5 d"
    assert changed.by_key[("A11", "assign")].cleared_by == base.by_key[("A11", "assign")].cleared_by
    assert changed.by_key[("A11", "decide")] == base.by_key[("A11", "decide")]
    assert len(changed.rules) == len(base.rules)


def test_a_rule_that_is_off_is_not_asked(tmp_path: Path) -> None:
    book = load(write(tmp_path, '[[rule]]\nid = "A01"\noff = true\n'))
    assert ("A01", "") not in book.by_key
    assert not [
        one for one in replay(arriving(scheduled()), book, CALENDAR, at("2026-03-20 00:00")) if one.rule_id == "A01"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NEW_RULE.replace('within = "2 wd"', 'within = "2 weeks"'), "rule Z01, within: '2 weeks' is no duration"),
        (NEW_RULE.replace('form = "within"', 'form = "whenever"'), "rule Z01, form: unknown form; allowed are within, before"),
        (NEW_RULE.replace('owner = "sending"', 'owner = "warden"'), "rule Z01, owner: unknown role; allowed are "),
        (NEW_RULE.replace("release.scheduled", "release.planned"), "rule Z01, anchor: unknown fact release.planned"),
        (NEW_RULE.replace("[passed]", "[grade]"), "rule Z01, cleared_by: release.education_completed has no field grade"),
        (NEW_RULE.replace("release.education_completed[passed]", "intake.closed[cause=GONE]"), "unknown code GONE; cause may be "),
        (NEW_RULE.replace('"WARN"', '"CRIT"', 1).replace('"CRIT" }]', '"WARN" }]'), "rule Z01, stages: WARN comes after CRIT"),
        (NEW_RULE.replace(', status = "confirm_locally"', ""), "rule Z01, basis: status must be one of verified, confirm_locally"),
        (NEW_RULE + 'colour = "red"\n', "rule Z01, colour: unknown key"),
        (NEW_RULE + NEW_RULE, "rule Z01, id: stands twice with the same part"),
        (NEW_RULE.replace('kinds = ["A"]', 'kinds = ["Q"]'), "rule Z01, kinds: unknown kind Q"),
        (NEW_RULE.replace('within = "2 wd"\n', ""), "rule Z01, within: is needed"),
        (NEW_RULE.replace("due + 1 wd", "target - 6 h"), "rule Z01, stages: a target is a day and moves by days"),
        (NEW_RULE.replace("due + 1 wd", "target + 30 min"), "rule Z01, stages: a target is a day and moves by days"),
        (NEW_RULE.replace("due + 1 wd", "target - 3 d").replace('"within"', '"next_within"'),
         "rule Z01, stages: a rule of form next_within has no target"),
        (NEW_RULE.replace("due + 1 wd", "target").replace('["A"]', '["DISPUTE"]'),
         "rule Z01, stages: the target is the release date, which DISPUTE do not have"),
        ('[[rule]]\nid = "B09"\nstages = [{ at = "due", severity = "INFO" }, { at = "due + 3 d", severity = "HIGH" }]\n',
         "rule B09, stages: a missed window has its severity from in_a_row"),
    ],
)  # fmt: skip
def test_a_book_with_an_error_says_rule_field_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidRuleBook) as refused:
        load(write(tmp_path, text))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_book_that_changes_needs_a_new_name(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    path.write_text(HEAD.replace("test@1", "cn-default@2"), encoding="utf-8")
    with pytest.raises(InvalidRuleBook, match=r"new name|a new one"):
        load(path)


def test_a_changed_book_keeps_the_rules_that_do_not_change() -> None:
    book = load("cn-default")
    changed = book.changed("cn-default@2", [{"rule_id": "A10", "set": {"within": "5 d"}}])
    assert str(changed.by_key[("A10", "")].within) == "5 d"
    assert all(changed.by_key[key] is rule for key, rule in book.by_key.items() if key != ("A10", ""))


def test_only_rule_books_lie_among_the_books() -> None:
    assert {path.name for path in BOOKS.glob("*.toml")} == {"cn-default.toml", "cn-default@1.toml", "city-990100.toml"}


@pytest.mark.parametrize(
    ("id_", "told"),
    [("B08", "rule B08, off: name its part: "), ("Z99", "rule Z99, off: there is none to switch off")],
)
def test_switching_off_what_is_not_there_is_refused_and_not_passed_over(tmp_path: Path, id_: str, told: str) -> None:
    with pytest.raises(InvalidRuleBook) as refused:
        load(write(tmp_path, f'[[rule]]\nid = "{id_}"\noff = true\n'))
    assert told in str(refused.value)


def test_a_rule_of_very_many_stages_is_refused() -> None:
    stages = '{ at = "due", severity = "WARN" }, ' * 33
    text = f'book = "x@1"\nextends = "cn-default"\n[[rule]]\nid = "A02"\nstages = [{stages}]\n'
    with pytest.raises(InvalidRuleBook, match="rule A02, stages: more than 32"):
        read(text)


def test_a_key_of_very_many_parts_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidRuleBook, match=r"more than 16 parts \(at line 2"):
        read('book = "x@1"\n' + "a." * 17 + "a = 1\n")
