"""What-if: the recorded history under another book, compared alert by alert."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from handover.analysis.replay import Told, replay
from handover.analysis.whatif import Change, Memory, Result, compare
from handover.calendar import load_calendar
from handover.rules.rulebook import RuleBook, load, read
from tests.golden.timelines import FOLDERS
from tests.golden.timelines import read as timeline_of
from tests.handover.histories import COUNTY, DISPUTE, MEDIATION, arriving, at, histories, notice, scheduled, told

BOOK, CALENDAR = load("cn-default"), load_calendar()
HEAD = 'book = "draft@1"\nextends = "cn-default@2"\nnames = { zh = "草案", en = "Draft" }\n'


def draft(text: str) -> RuleBook:
    return read(HEAD + text)


def compared(history: Sequence[Told], after: RuleBook, **limits: object) -> tuple[Result, list[Change]]:
    found: list[Change] = []
    return compare(Memory(history), BOOK, after, CALENDAR, found.extend, **limits), found  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_same_book_makes_no_difference_and_tells_what_replay_tells(folder: Path) -> None:
    timeline = timeline_of(folder)
    result, changes = compared(timeline.events, BOOK, until=timeline.until)
    assert changes == []
    known = [one for one in timeline.events if one[1] <= timeline.until]
    alerts = {one.alert_id for one in replay(known, BOOK, CALENDAR, timeline.until)}
    assert result.total.before == result.total.after == len(alerts)


@settings(max_examples=25, deadline=None)
@given(histories())
def test_any_history_is_the_same_under_the_same_book(history: list[Told]) -> None:
    result, changes = compared(history, BOOK)
    assert changes == []
    assert result.total.before == len({one.alert_id for one in replay(history, BOOK, CALENDAR)})


def test_a_longer_limit_takes_alerts_away_and_lets_others_come_later() -> None:
    answered = told("intake.acknowledged", "2026-03-06 10:00", {"accepted": True, "officer_ref": "O-1"}, COUNTY)
    first = arriving(scheduled(), notice("2026-03-02 10:00"), answered)
    other = "p1_" + "z" * 26
    second = arriving(scheduled(subject=other), notice("2026-03-02 10:00", subject=other))
    result, changes = compared(
        [*first, *second], draft('[[rule]]\nid = "A02"\nwithin = "5 wd"\n'), until=at("2026-03-20 00:00")
    )
    found = {(one.rule_id, one.kind, one.subject == other) for one in changes}
    assert found == {("A02", "gone", False), ("A02", "later", True)}
    total = result.total
    assert (total.gone, total.later, total.new, total.earlier) == (1, 1, 0, 0)
    assert total.after == total.before - 1
    (moved,) = [one for one in changes if one.kind == "later"]
    assert moved.before is not None
    assert moved.after is not None
    # Monday 03-02: three working days end with Thursday, five with Monday 03-09.
    assert (moved.before.raised_at, moved.after.raised_at) == (at("2026-03-06 00:00"), at("2026-03-10 00:00"))


def test_a_shorter_limit_brings_alerts() -> None:
    answered = told("intake.acknowledged", "2026-03-04 10:00", {"accepted": True, "officer_ref": "O-1"}, COUNTY)
    history = arriving(scheduled(), notice("2026-03-02 10:00"), answered)
    result, changes = compared(history, draft('[[rule]]\nid = "A02"\nwithin = "1 wd"\n'), until=at("2026-03-10 00:00"))
    assert [(one.kind, one.rule_id, one.before) for one in changes] == [("new", "A02", None)]
    assert result.total.new == 1


def test_another_severity_is_another_alert_at_the_same_time() -> None:
    history = arriving(scheduled(), notice("2026-03-02 10:00"))
    book = draft('[[rule]]\nid = "A02"\nstages = [{ at = "due", severity = "CRIT" }]\n')
    _, changes = compared(history, book, until=at("2026-03-10 00:00"))
    assert {(one.kind, one.rule_id) for one in changes} == {("other", "A02")}


def test_key_persons_whose_alert_goes_are_counted_once_each() -> None:
    history = arriving(scheduled(date="2026-03-31", key=True))
    book = draft('[[rule]]\nid = "A05"\noff = true\n[[rule]]\nid = "A01"\noff = true\n')
    result, changes = compared(history, book, until=at("2026-03-30 00:00"))
    assert {one.rule_id for one in changes} == {"A01", "A05"}
    assert (result.key_alerts, result.key_persons) == (2, 1)


def test_only_alerts_raised_since_an_instant_count() -> None:
    history = arriving(scheduled(), notice("2026-03-02 10:00"))
    book = draft('[[rule]]\nid = "A02"\noff = true\n')
    for since, count in (("2026-03-06 00:00", 1), ("2026-03-06 00:01", 0)):
        result, changes = compared(history, book, since=at(since), until=at("2026-03-20 00:00"))
        assert len(changes) == count == result.total.gone


def test_persons_that_a_dispute_names_live_together_with_it() -> None:
    reported = told(
        "dispute.reported",
        "2026-03-02 10:00",
        {"kind": "LAND", "level": "TOWN", "place_code": "990102004", "found_by": "SCREENING", "person_refs": ["p1_" + "a" * 26]},
        f"/agencies/{MEDIATION.rpartition('/')[2]}",
        DISPUTE,
    )  # fmt: skip
    result, changes = compared(arriving(scheduled(), reported), draft('[[rule]]\nid = "D06"\noff = true\n'))
    assert [(one.rule_id, one.kind) for one in changes] == [("D06", "gone")]
    assert ("990102", "D06") in result.cells


def test_work_can_be_ended_from_outside() -> None:
    class Enough(Exception):
        pass

    def tell(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        compare(Memory(arriving(scheduled())), BOOK, BOOK, CALENDAR, lambda changes: None, tell)


def test_nothing_recorded_is_no_difference() -> None:
    result, changes = compared([], BOOK)
    assert (result.events, result.until, changes, result.total.before) == (0, None, [], 0)
