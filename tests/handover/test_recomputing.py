"""Cases computed again are those that were lost, and what was told is not told again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handover.analysis.recompute import Recomputed, recompute, remember, remembered, untold, withdrawn
from handover.analysis.replay import Told, live_all, verdicts
from handover.analysis.verification import judge_alerts
from handover.calendar import MILLISECOND, load_calendar
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.alert import Alert
from tests.golden.timelines import FOLDERS
from tests.golden.timelines import read as timeline_of
from tests.handover.histories import arriving, histories, notice, scheduled

BOOK, CALENDAR = load("cn-default"), load_calendar()


def computed(told: Sequence[Told], until: datetime, kept: Mapping[str, Case] | None = None) -> Recomputed:
    return recompute([*told, *verdicts(told)], SharedState(BOOK, CALENDAR), until + MILLISECOND, kept or {})


def snapshots(found: Recomputed) -> list[Alert]:
    return [alert for told in found.lived.values() for _, alert in told]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_computed_again_is_what_replay_gives(folder: Path) -> None:
    timeline = timeline_of(folder)
    found = computed(timeline.events, timeline.until)
    assert not found.failed
    expected = live_all(timeline.events, BOOK, CALENDAR, timeline.until).alerts
    assert not judge_alerts(expected, snapshots(found)).findings


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 100))
def test_cases_computed_up_to_an_instant_go_on_as_if_they_had_lived(history: list[Told], percent: int) -> None:
    """Written, read back, and told everything once more with what came later: nothing that was told is told again."""
    arrivals = sorted(at for _, at in history)
    last = arrivals[-1] + timedelta(days=40)
    cut = arrivals[0] + (last - arrivals[0]) * percent / 100
    first = computed([one for one in history if one[1] <= cut], cut)
    written = {subject: decode_case(encode_case(case).value) for subject, case in first.cases.items() if case.lived}
    second = computed(history, last, written)
    expected = live_all(history, BOOK, CALENDAR, last).alerts
    assert not judge_alerts(expected, [*snapshots(first), *snapshots(second)]).findings


FIRST = live_all(arriving(scheduled(), notice("2026-03-01 15:00")), BOOK, CALENDAR).alerts[0]


def revised(revision: int, minutes: int, **more: object) -> Alert:
    changed = FIRST.changed_at + timedelta(minutes=minutes)
    return FIRST.model_copy(update={"revision": revision, "changed_at": changed, **more})


def test_only_what_is_missing_is_told_and_revisions_only_grow() -> None:
    lived = [revised(1, 0), revised(2, 5, step=1), revised(3, 9, step=2)]
    assert untold(lived, lived[-1], 0) == []
    assert untold(lived, revised(7, 9, step=2), 7) == []  # told singly when live
    assert untold(lived, revised(4, 5, step=1), 4) == [revised(5, 9, step=2)]
    assert untold(lived, None, 0) == lived
    assert [one.revision for one in untold(lived, None, 6)] == [7, 8, 9]


def test_what_stands_otherwise_is_told_again() -> None:
    lived = [revised(1, 0), revised(2, 5, step=1)]
    assert untold(lived, revised(2, 5, step=3), 2) == [revised(3, 5, step=1)]
    ended = withdrawn(FIRST, 9, FIRST.changed_at + timedelta(hours=1))
    assert (ended.state, ended.outcome, ended.revision) == ("withdrawn", "mistake", 10)


def test_a_case_goes_on_from_the_revisions_that_were_told() -> None:
    told = arriving(scheduled(), notice("2026-03-01 15:00"))
    found = computed(told, told[-1][1] + timedelta(days=60))
    [case] = [case for case in found.cases.values() if case.memories]
    numbers = {alert_id: revision + 40 for alert_id, revision in remembered(case).items()}
    remember(case, numbers)
    assert remembered(decode_case(encode_case(case).value)) == numbers
    assert {one.alert_id: one.revision for one in case.shown.values()}.items() <= numbers.items()
