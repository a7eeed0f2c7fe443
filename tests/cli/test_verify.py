"""Comparing alerts that were raised with those that should have been."""

from datetime import datetime
from typing import Any

from cli.verify import compare
from schemas.alert import Alert
from schemas.instants import instant

BASE: dict[str, Any] = {
    "alert_id": "a",
    "obligation_id": "o",
    "subject": "p1_" + "k" * 26,
    "handover_id": "h",
    "handover_kind": "A",
    "rule_id": "A02",
    "occurrence": "COUNTY_JUSTICE-990102-01",
    "rule_book": "cn-default@1",
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
    return [one.kind for one in compare(expected, found, until).differences]


def test_equal_alerts_have_no_difference() -> None:
    history = [alert(), alert(2, 6, step=1), ended(3, 7)]
    result = compare(history, list(reversed(history)))
    assert (result.alerts, result.revisions, result.differences) == (1, 3, [])


def test_what_should_have_been_raised_is_lost() -> None:
    assert kinds([alert()], []) == ["lost"]
    assert kinds([alert(), alert(2, 6, step=1)], [alert()]) == ["lost"]


def test_what_should_not_have_been_raised_is_false() -> None:
    assert kinds([], [alert()]) == ["false"]
    assert kinds([alert()], [alert(), ended(2, 6)]) == ["false"]


def test_a_field_that_differs_is_named() -> None:
    [difference] = compare([alert()], [alert(severity="HIGH", step=1)]).differences
    assert (difference.kind, difference.fields()) == ("differing", ["severity", "step"])


def test_only_the_last_snapshot_of_an_instant_counts() -> None:
    singly = [alert(), alert(2, severity="HIGH"), ended(3, 6)]
    assert kinds([alert(severity="HIGH"), ended(2, 6)], singly) == []


def test_an_alert_that_fired_and_ended_in_one_instant_is_none() -> None:
    assert kinds([], [alert(), ended(2, 5)]) == []
    assert kinds([], [alert(), ended(2, 6)]) == ["false", "false"]


def test_a_compacted_topic_is_compared_by_what_it_still_holds() -> None:
    history = [alert(), alert(2, 6, step=1), ended(3, 7)]
    assert kinds(history, [ended(3, 7)]) == []
    assert kinds(history, [alert(3, 7, step=2)]) == ["differing"]


def test_what_comes_after_the_last_instant_is_not_compared() -> None:
    assert kinds([alert()], [alert(), ended(2, 9)], at(8)) == []
    assert kinds([alert(), ended(2, 9)], [alert()], at(8)) == []
    assert kinds([alert(), ended(2, 9)], [alert()], at(9)) == ["lost"]


def test_texts_and_counts_of_revisions_may_differ() -> None:
    assert kinds([alert()], [alert(1, reason={"zh": "x", "en": "y"})]) == []
    assert kinds([alert(), ended(2, 6)], [alert(), alert(2, 5, step=0), ended(3, 6)]) == []
