"""The judge: alerts, cases and rows that stand, compared with those that should."""

from datetime import datetime
from typing import Any

import pytest

from handover.analysis.replay import Lived, live_all
from handover.analysis.verification import Judgement, case_view, judge_alerts, judge_cases, judge_rows
from handover.calendar import load_calendar
from handover.cases.codec import encode_case
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.case import CaseSnapshot, read
from schemas.instants import instant
from tests.handover.histories import PERSON, acknowledged, arriving, notice, scheduled
from tests.handover.histories import at as local

BASE: dict[str, Any] = {
    "alert_id": "a",
    "obligation_id": "o",
    "subject": "p1_" + "k" * 26,
    "handover_id": "h",
    "handover_kind": "A",
    "rule_id": "A02",
    "occurrence": "COUNTY_JUSTICE-990102-01",
    "rule_book": "cn-default@2",
    "severity": "WARN",
    "state": "firing",
    "outcome": None,
    "step": 0,
    "stage": 0,
    "held": False,
    "owner_agency": "COUNTY_JUSTICE-990102-01",
    "jurisdiction": "990102",
    "anchor_at": "2026-03-01T10:00:00+08:00",
    "due_at": "2026-03-05T00:00:00+08:00",
    "raised_at": "2026-03-05T00:00:00+08:00",
    "changed_at": "2026-03-05T00:00:00+08:00",
    "resolved_at": None,
    "acknowledged_by": None,
    "assigned_to": None,
    "snoozed_until": None,
    "contest": None,
    "provisional": False,
    "reason": {"zh": "…", "en": "…"},
    "basis": [],
    "seen": [],
    "missing": [],
    "computation": [],
    "ladder": [],
    "revision": 1,
}


def alert(revision: int = 1, day: int = 5, **changes: Any) -> Alert:
    """A revision of one alert, changed at 00:00 of a day in March."""
    return Alert.model_validate({**BASE, "revision": revision, "changed_at": at(day).isoformat(), **changes})


def at(day: int) -> datetime:
    return instant(f"2026-03-{day:02d}T00:00:00+08:00")


def ended(revision: int, day: int, raised: int = 5) -> Alert:
    when = at(day).isoformat()
    return alert(
        revision, day, state="resolved", outcome="met_late", resolved_at=when, raised_at=at(raised).isoformat()
    )


def kinds(expected: list[Alert], found: list[Alert], until: datetime | None = None) -> list[str]:
    return [one.kind for one in judge_alerts(expected, found, until).findings]


def test_equal_alerts_have_no_difference() -> None:
    history = [alert(), alert(2, 6, step=1), ended(3, 7)]
    result = judge_alerts(history, list(reversed(history)))
    assert (result.compared, result.findings) == ({"alerts": 1, "snapshots": 3}, [])


def test_what_should_have_been_raised_is_lost() -> None:
    assert kinds([alert()], []) == ["lost"]


def test_what_should_not_have_been_raised_is_false() -> None:
    assert kinds([], [alert()]) == ["false"]
    assert kinds([alert()], [alert(), ended(2, 6)]) == ["false"]


def test_a_revision_that_was_not_told_is_missing() -> None:
    assert kinds([alert(), alert(2, 6, step=1)], [alert()]) == ["missing revision"]
    history = [alert(), alert(2, 6, step=1), ended(3, 7)]
    [hole, instant_of_it] = judge_alerts(history, [history[0], history[2]]).findings
    assert (hole.kind, hole.key) == ("missing revision", "a:2")
    assert (instant_of_it.kind, instant_of_it.at) == ("missing revision", at(6))


def test_a_revision_told_twice_with_other_content_is_doubled() -> None:
    assert kinds([alert()], [alert(), alert()]) == []
    [doubled] = judge_alerts([alert()], [alert(), alert(missing=["intake.acknowledged"])], at(4)).findings
    assert (doubled.kind, doubled.key, doubled.fields()) == ("doubled", "a:1", ["missing"])


def test_a_field_that_differs_is_named() -> None:
    [difference] = judge_alerts([alert()], [alert(severity="HIGH", step=1)]).findings
    assert (difference.kind, difference.fields()) == ("differing", ["severity", "step"])
    assert kinds([alert()], [alert(reason={"zh": "x", "en": "y"})]) == ["differing"]


def test_only_the_last_snapshot_of_an_instant_counts() -> None:
    singly = [alert(), alert(2, severity="HIGH"), ended(3, 6)]
    assert kinds([alert(severity="HIGH"), ended(2, 6)], singly) == []


def test_an_alert_that_fired_and_ended_in_one_instant_is_none() -> None:
    assert kinds([], [alert(), ended(2, 5)]) == []
    assert kinds([], [alert(), ended(2, 6)]) == ["false", "false"]


def test_a_compacted_topic_is_compared_by_what_it_still_holds() -> None:
    history = [alert(), alert(2, 6, step=1), ended(3, 7)]

    def compacted(found: list[Alert]) -> list[str]:
        return [one.kind for one in judge_alerts(history, found, compacted=lambda _: True).findings]

    assert compacted([ended(3, 7)]) == []
    assert compacted([alert(3, 7, step=2)]) == ["differing"]


def test_what_comes_after_the_last_instant_is_not_compared() -> None:
    assert kinds([alert()], [alert(), ended(2, 9)], at(8)) == []
    assert kinds([alert(), ended(2, 9)], [alert()], at(8)) == []
    assert kinds([alert(), ended(2, 9)], [alert()], at(9)) == ["missing revision"]


# --- a small history, with what stands changed by hand


@pytest.fixture
def lived() -> Lived:
    """A county that acknowledges too late: A02 fires and ends; later duties are still open."""
    told = arriving(scheduled("2026-01-05 10:00"), notice("2026-02-02 09:00"), acknowledged("2026-03-20 10:00"))
    return live_all(told, load("cn-default"), load_calendar(), local("2026-03-21 00:00"))


def standing(lived: Lived) -> dict[str, CaseSnapshot | None]:
    return {subject: read(encode_case(case).value) for subject, case in lived.cases.items()}


def test_the_history_is_equal_to_itself(lived: Lived) -> None:
    assert len(lived.alerts) > 2
    assert kinds(list(lived.alerts), list(lived.alerts)) == []
    found = judge_cases(lived.cases, standing(lived))
    assert (found.compared, found.findings) == ({"cases": 1}, [])


def test_each_alert_left_out_is_found(lived: Lived) -> None:
    for alert_id in {one.alert_id for one in lived.alerts}:
        rest = [one for one in lived.alerts if one.alert_id != alert_id]
        assert set(kinds(list(lived.alerts), rest)) == {"lost"}
        assert set(kinds(rest, list(lived.alerts))) == {"false"}


def test_each_revision_left_out_or_changed_is_found(lived: Lived) -> None:
    told = list(lived.alerts)
    for number, one in enumerate(told):
        several = sum(other.alert_id == one.alert_id for other in told) > 1
        rest = [*told[:number], *told[number + 1 :]]
        assert set(kinds(told, rest)) == ({"missing revision"} if several else {"lost"})
        changed = one.model_copy(update={"owner_agency": "COUNTY_JUSTICE-990199-01"})
        assert kinds(told, [*rest, changed]) == ["differing"]
        assert kinds(told, [*told, changed])[0] == "doubled"


def test_a_case_that_differs_is_named_with_its_fields(lived: Lived) -> None:
    held = standing(lived)
    snapshot = held[PERSON]
    assert snapshot is not None
    assert snapshot.obligations
    held[PERSON] = snapshot.model_copy(update={"obligations": snapshot.obligations[1:]})
    [difference] = judge_cases(lived.cases, held).findings
    assert (difference.kind, difference.key, difference.fields()) == ("differing", PERSON, ["obligations"])
    moved = snapshot.handovers[0].model_copy(update={"state": "CLOSED"})
    held[PERSON] = snapshot.model_copy(update={"handovers": (moved,)})
    assert [one.fields() for one in judge_cases(lived.cases, held).findings] == [["handovers"]]


def test_a_case_that_is_absent_or_should_be_is_found(lived: Lived) -> None:
    assert [one.kind for one in judge_cases(lived.cases, {}).findings] == ["lost"]
    assert [one.kind for one in judge_cases({}, standing(lived)).findings] == ["false"]


def test_a_tombstone_is_right_only_where_nobody_owes_anything(lived: Lived) -> None:
    assert [one.kind for one in judge_cases(lived.cases, {PERSON: None}).findings] == ["lost"]
    assert judge_cases({}, {PERSON: None}).findings == []


def test_a_case_that_lives_on_meanwhile_is_not_judged(lived: Lived) -> None:
    found = judge_cases(lived.cases, standing(lived), local("2026-03-01 00:00"))
    assert (found.moving, found.findings) == ({"reentry.case.v1": 1}, [])


def test_each_row_that_is_absent_extra_or_changed_is_found(lived: Lived) -> None:
    rows = {one.alert_id: one.wire() for one in lived.alerts}
    for key, row in rows.items():
        rest = {other: value for other, value in rows.items() if other != key}
        assert found_in(judge_rows("alert table", rows, rest)) == [("lost", key)]
        assert found_in(judge_rows("alert table", rest, rows)) == [("false", key)]
        assert found_in(judge_rows("alert table", rows, {**rest, key: {**row, "step": 9}})) == [("differing", key)]
        assert found_in(judge_rows("alert table", rows, rest, moving={key})) == []


def found_in(judgement: Judgement) -> list[tuple[str, str]]:
    return [(one.kind, one.key) for one in judgement.findings]


def test_the_order_in_which_duties_were_derived_is_no_difference(lived: Lived) -> None:
    [snapshot] = standing(lived).values()
    assert snapshot is not None
    turned = snapshot.model_copy(update={"obligations": tuple(reversed(snapshot.obligations))})
    assert case_view(turned) == case_view(snapshot)
