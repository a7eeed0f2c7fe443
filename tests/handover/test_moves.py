"""Open duties that a rule change would move, and what can be told as a change."""

from datetime import timedelta
from pathlib import Path

import pytest

from handover.analysis.replay import replay
from handover.analysis.rule_impact import Move, moves
from handover.calendar import load_calendar
from handover.cases.shared_state import SharedState
from handover.rules.diff import NotTellable, as_changes, differences
from handover.rules.rulebook import InvalidRuleBook, load, read
from schemas.envelope import Event
from schemas.instants import show
from tests.golden.timelines import FOLDERS, ordered, rows
from tests.golden.timelines import read as read_timeline
from tests.handover.histories import PERSON, arriving, at, notice, scheduled, told

BOOK, CALENDAR = load("cn-default"), load_calendar()
HEAD = 'book = "draft@1"\nextends = "cn-default@2"\nnames = { zh = "草案", en = "Draft" }\n'
NEW_RULE = """
[[rule]]
id = "Z01"
names = { zh = "新", en = "New" }
kinds = ["A"]
form = "within"
anchor = "release.scheduled"
within = "2 wd"
stages = [{ at = "due", severity = "WARN" }]
owner = "sending"
cleared_by = ["release.occurred"]
basis = { zh = "测试", en = "Test", status = "confirm_locally" }
"""
PROVINCE = "/agencies/PROVINCE_JUSTICE-990000-01"


def changed(effective: str, *, apply_to_open: bool) -> SharedState:
    """A world in which A02 has five working days from an instant on."""
    data = {
        "book": "cn-default@2",
        "effective_from": f"{effective.replace(' ', 'T')}:00+08:00",
        "apply_to_open": apply_to_open,
        "changes": [{"rule_id": "A02", "set": {"within": "5 wd"}}],
    }
    world = SharedState(BOOK, CALENDAR)
    world.take(told("system.rules_changed", "2026-03-03 10:00", data, PROVINCE, PROVINCE), at("2026-03-03 10:00"))
    return world


def moved(effective: str, *, apply_to_open: bool) -> list[Move]:
    history = arriving(scheduled(), notice("2026-03-02 10:00"))
    found = moves(
        history, SharedState(BOOK, CALENDAR), changed(effective, apply_to_open=apply_to_open), at("2026-03-04 00:00")
    )
    return list(found)


def test_open_duties_move_when_the_change_is_applied_to_them() -> None:
    (one,) = moved("2026-03-04 00:00", apply_to_open=True)
    assert (one.subject, one.rule_id) == (PERSON, "A02")
    assert (one.before, one.after) == (at("2026-03-06 00:00"), at("2026-03-10 00:00"))


def test_older_duties_stay_when_it_is_not() -> None:
    assert moved("2026-03-04 00:00", apply_to_open=False) == []


def test_duties_that_began_after_its_date_move_all_the_same() -> None:
    assert [one.rule_id for one in moved("2026-03-01 00:00", apply_to_open=False)] == ["A02"]


def test_a_rule_that_is_off_leaves_no_duty() -> None:
    off = SharedState(read(HEAD + '[[rule]]\nid = "A02"\noff = true\n'), CALENDAR)
    found = list(
        moves(
            arriving(scheduled(), notice("2026-03-02 10:00")), SharedState(BOOK, CALENDAR), off, at("2026-03-04 00:00")
        )
    )
    assert [(one.rule_id, one.after) for one in found] == [("A02", None)]


def test_what_can_be_told_as_a_change_makes_the_same_book() -> None:
    text = '[[rule]]\nid = "A02"\nwithin = "5 wd"\n[[rule]]\nid = "A11"\npart = "other"\nwithin = "5 wd"\n[[rule]]\nid = "X08"\noff = true\n'
    draft = read(HEAD + text)
    changes = as_changes(BOOK, draft)
    assert changes == [
        {"rule_id": "A02", "set": {"within": "5 wd"}},
        {"rule_id": "A11", "set": {"within": "5 wd"}, "part": "other"},
        {"rule_id": "X08", "set": {"off": True}},
    ]
    assert BOOK.changed("draft@1", changes).rules == draft.rules
    assert {one.key for one in differences(BOOK.changed("draft@1", changes), draft)} <= {"names", "extends"}


def test_a_rule_that_comes_is_told_as_a_change() -> None:
    draft = read(HEAD + NEW_RULE)
    (change,) = as_changes(BOOK, draft)
    assert (change["rule_id"], change["set"]["form"]) == ("Z01", "within")
    assert BOOK.changed("draft@1", [change]).rules == draft.rules


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_first_book_moved_to_the_second_tells_what_the_second_tells(folder: Path) -> None:
    timeline = read_timeline(folder)
    if any(event.fact == "system.rules_changed" for event, _ in timeline.events):
        pytest.skip("the timeline changes its own rules")
    first = load("cn-default@1")
    at_once = min(arrival for _, arrival in timeline.events) - timedelta(days=400)
    data = {
        "book": BOOK.book,
        "effective_from": show(at_once),
        "apply_to_open": True,
        "changes": as_changes(first, BOOK),
    }
    moved = Event("move", PROVINCE, "reentry.system.rules_changed.v1", PROVINCE, at_once, data)
    events = [(moved, at_once), *timeline.events]
    assert rows(replay(events, first, CALENDAR, timeline.until)) == ordered(timeline.expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('settle = "90 min"\n', "settle: only keys of rules can be changed"),
    ],
)  # fmt: skip
def test_what_no_change_can_say_is_refused(text: str, said: str) -> None:
    with pytest.raises(NotTellable, match=said):
        as_changes(BOOK, read(HEAD + text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not = toml = x", "not TOML in UTF-8: "),
        ("a = " + "[" * 5000, "not TOML in UTF-8: "),
        ('extends = "../../etc/passwd.toml"\nbook = "x@1"', "extends: only a book by its name"),
        ('extends = "/etc/passwd"\nbook = "x@1"', "extends: only a book by its name"),
        ('extends = 7\nbook = "x@1"', "extends: only a book by its name"),
        (f'extends = "{"x" * 400}"\nbook = "x@1"', "extends: only a book by its name"),
        ('extends = "nowhere@1"\nbook = "x@1"', "book nowhere@1: there is none of that name"),
        ('book = "x@1"\nrule = 5', "rule: must be entries; write [[rule]]"),
        ('book = "x@1"\nladder = 5', "ladder: must be a table"),
        ('book = "x@1"\n[[rule]]\nid = []', "rule [], id: must be a text"),
        ('book = "x@1"\n[[rule]]\nid = "A01"\nform = []', "rule A01, form: unknown form"),
        (HEAD + '[[rule]]\nid = "A02"\nowner = []', "rule A02, owner: unknown role"),
        (HEAD + '[[rule]]\nid = "A02"\nnames = { zh = 1, en = "x" }', "rule A02, names: must have zh and en"),
        ("", "book: the name of the book is needed"),
    ],
)  # fmt: skip
def test_what_is_sent_and_is_no_book_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InvalidRuleBook) as refused:
        read(text)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
