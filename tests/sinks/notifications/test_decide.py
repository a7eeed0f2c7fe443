"""Who is told of an alert at which step, and when: boundaries at one second before and after."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover.calendar import MILLISECOND
from sinks.notifications.decide import Told, find_staleness
from sinks.notifications.duty_list import Days, DutyList
from sinks.notifications.standing import remember
from tests.handover.histories import at
from tests.sinks.notifications.making import (
    CITY,
    COUNTY,
    DUTY,
    PROVINCE,
    TOWN,
    alert,
    as_told,
    changed,
    due,
    entry,
    names,
    over,
    standing,
    timetable,
)


def test_a_critical_alert_is_told_at_once_and_only_once() -> None:
    one = standing(alert("2026-03-07 23:00", severity="CRIT"))  # a Saturday night
    first = due(one, "2026-03-07 23:00")
    assert names(first.notices) == [("urgent", 0, "first")]
    assert first.notices[0].at_once
    assert due(one, "2026-03-07 23:01", as_told(first.notices)).notices == []


@pytest.mark.parametrize(
    ("now", "told", "next_at"),
    [
        ("2026-03-03 10:00", [], "2026-03-04 08:30"),
        ("2026-03-04 08:29", [], "2026-03-04 08:30"),
        ("2026-03-04 08:30", [("step", 0, "first")], None),
        ("2026-03-04 17:59", [("step", 0, "first")], None),
        ("2026-03-04 18:00", [], "2026-03-05 08:30"),  # the digest was missed: nobody is called after hours
    ],
)
def test_other_alerts_wait_for_the_next_digest(now: str, told: list[tuple[str, int, str]], next_at: str | None) -> None:
    decision = due(standing(alert("2026-03-03 10:00")), now)
    assert names(decision.notices) == told
    assert decision.next_at == (at(next_at) if next_at else None)


def test_the_digest_is_of_a_working_day() -> None:
    friday = alert("2026-03-06 08:31")
    assert due(standing(friday), "2026-03-07 09:00").next_at == at("2026-03-09 08:30")
    holiday = alert("2026-09-30 12:00")  # the National Day holidays follow
    assert due(standing(holiday), "2026-09-30 12:00").next_at == at("2026-10-08 08:30")


def test_an_alert_raised_as_the_digest_goes_out_is_in_it() -> None:
    table, digest = timetable(), at("2026-03-03 08:30")
    assert table.digest_from(digest) == digest
    assert table.digest_from(digest - MILLISECOND) == digest
    assert table.digest_from(digest + MILLISECOND) == at("2026-03-04 08:30")


def test_each_step_is_told_to_its_own_office() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT", owner_agency=TOWN)
    first = due(standing(one), "2026-03-03 10:00")
    told = as_told(first.notices)
    assert names(first.notices) == [("urgent", 0, "town")]
    second = changed(one, "2026-03-03 12:00", step=1)
    decision = due(standing(one, second), "2026-03-03 12:00", told)
    assert names(decision.notices) == [("urgent", 1, "first")]
    assert decision.notices[0].office == COUNTY
    third = changed(second, "2026-03-03 18:00", step=3)  # two steps at once
    told += as_told(decision.notices)
    assert names(due(standing(one, second, third), "2026-03-03 18:00", told).notices) == [
        ("urgent", 2, "city"),
        ("urgent", 3, "province"),
    ]


def test_a_rule_that_begins_above_the_owner_does_not_tell_the_owner() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT", step=2)
    assert names(due(standing(one), "2026-03-03 10:00").notices) == [("urgent", 2, "city")]


def test_an_alert_that_becomes_critical_is_told_at_once_to_those_of_the_digest_too() -> None:
    one = alert("2026-03-02 10:00")
    told = as_told(due(standing(one), "2026-03-03 08:30").notices)
    assert len(told) == 1
    worse = changed(one, "2026-03-03 20:00", severity="CRIT")
    decision = due(standing(one, worse), "2026-03-03 20:00", told)
    assert names(decision.notices) == [("urgent", 0, "first")]
    milder = changed(worse, "2026-03-03 21:00", severity="HIGH")
    told += as_told(decision.notices)
    assert due(standing(one, worse, milder), "2026-03-04 08:30", told).notices == []


def test_acknowledging_stops_the_step_and_not_the_next_one() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT")
    seen = changed(one, "2026-03-03 10:05", acknowledged_by="O-1")
    assert due(standing(one, seen), "2026-03-03 10:06").notices == []
    later = changed(seen, "2026-03-03 12:05", step=1)
    assert names(due(standing(one, seen, later), "2026-03-03 12:05").notices) == [("urgent", 1, "first")]
    taken_back = changed(seen, "2026-03-03 10:07", acknowledged_by=None)
    assert names(due(standing(one, seen, taken_back), "2026-03-03 10:07").notices) == [("urgent", 0, "first")]


def test_an_acknowledged_alert_that_becomes_critical_is_told() -> None:
    one = alert("2026-03-03 10:00")
    seen = changed(one, "2026-03-03 10:05", acknowledged_by="O-1")
    worse = changed(seen, "2026-03-03 11:00", severity="CRIT")
    assert names(due(standing(one, seen, worse), "2026-03-03 11:00").notices) == [("urgent", 0, "first")]


def test_a_snooze_is_silent_until_it_ends() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT")
    put_off = standing(one, changed(one, "2026-03-03 10:01", snoozed_until=at("2026-03-05 09:00")))
    before = due(put_off, "2026-03-05 08:59")
    assert (before.notices, before.next_at) == ((), at("2026-03-05 09:00"))
    assert names(due(put_off, "2026-03-05 09:00").notices) == [("urgent", 0, "first")]


def test_a_held_alert_is_silent_until_it_is_released() -> None:
    one = alert("2026-03-03 10:00", held=True)
    assert due(standing(one), "2026-03-04 08:30").notices == ()
    released = changed(one, "2026-03-04 10:00", held=False)
    assert names(due(standing(one, released), "2026-03-04 10:00").notices) == [("step", 0, "first")]


def test_the_end_is_told_to_whoever_was_told_and_to_nobody_else() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT", owner_agency=TOWN)
    second = changed(one, "2026-03-03 12:00", step=1)
    ended = standing(one, second, over(second, "2026-03-03 13:00"))
    told = as_told(due(standing(one, second), "2026-03-03 12:00").notices)
    assert {each.recipient for each in told} == {"town/mail", "first/mail"}
    decision = due(ended, "2026-03-03 13:00", told)
    assert names(decision.notices) == [("over", 0, "town"), ("over", 0, "first")]
    assert due(ended, "2026-03-03 13:01", told + as_told(decision.notices)).notices == []
    assert (
        due(ended, "2026-03-03 13:00", as_told(due(standing(one), "2026-03-03 10:00").notices, "waiting")).notices == []
    )
    assert due(ended, "2026-03-03 13:00").notices == []


def test_the_end_of_what_stood_in_a_digest_waits_for_the_digest() -> None:
    one = alert("2026-03-02 10:00")
    told = as_told(due(standing(one), "2026-03-03 08:30").notices)
    ended = standing(one, over(one, "2026-03-03 09:00"))
    assert due(ended, "2026-03-03 09:00", told).next_at == at("2026-03-04 08:30")
    assert names(due(ended, "2026-03-04 08:30", told).notices) == [("over", 0, "first")]


def test_what_may_have_arrived_counts_as_told() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT")
    told = as_told(due(standing(one), "2026-03-03 10:00").notices, "trying")
    ended = standing(one, over(one, "2026-03-03 10:02"))
    assert names(due(ended, "2026-03-03 10:02", told).notices) == [("over", 0, "first")]


def test_an_outage_wakes_nobody_for_what_is_long_over_and_tells_what_is_open() -> None:
    short, long = alert("2026-03-07 01:00", severity="CRIT"), alert("2026-03-07 02:00", severity="CRIT", step=1)
    ended = over(short, "2026-03-07 01:30")
    assert due(standing(short, ended, seen="2026-03-08 03:00"), "2026-03-08 03:00").notices == []
    still = standing(long, seen="2026-03-08 03:00")
    assert names(due(still, "2026-03-08 03:00").notices) == [("urgent", 1, "first")]


def test_while_the_workers_catch_up_a_new_alert_waits_but_not_for_ever() -> None:
    one = standing(alert("2026-03-07 01:00", severity="CRIT"), seen="2026-03-08 03:00")
    waiting = due(one, "2026-03-08 03:14", is_caught_up=False)
    assert waiting.notices == ()
    assert at("2026-03-08 03:14") < waiting.next_at < at("2026-03-08 03:15")  # soon again: they may have caught up
    assert names(due(one, "2026-03-08 03:15", is_caught_up=False).notices) == [("urgent", 0, "first")]


def test_a_step_climbed_while_nobody_was_told_is_told_with_the_others() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT", owner_agency=TOWN, revision=4, changed="2026-03-03 18:00", step=2)
    assert names(due(standing(one), "2026-03-03 19:00").notices) == [
        ("urgent", 0, "town"),
        ("urgent", 1, "first"),
        ("urgent", 2, "city"),
    ]


def test_an_alert_that_fires_again_is_told_anew() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT")
    ended = over(one, "2026-03-03 11:00")
    again = changed(
        ended, "2026-03-03 12:00", state="firing", outcome=None, resolved_at=None, raised_at=at("2026-03-03 12:00")
    )
    assert standing(one, ended, again).reached == {0: at("2026-03-03 12:00")}
    assert names(due(standing(one, ended, again), "2026-03-03 12:00").notices) == [("urgent", 0, "first")]


def test_a_deputy_is_told_where_the_first_is_absent_or_cannot_be_reached() -> None:
    day = at("2026-03-03 10:00").date()
    absent = DutyList([entry(COUNTY, "first", absent=(Days(day, day),)), entry(COUNTY, "second", deputy=True)])
    one = standing(alert("2026-03-03 10:00", severity="CRIT"))
    assert names(due(one, "2026-03-03 10:00", duty=absent).notices) == [("urgent", 0, "second")]
    assert names(due(one, "2026-03-04 10:00", duty=absent).notices) == [("urgent", 0, "first")]
    failed = as_told(due(one, "2026-03-03 10:00").notices, "failed")
    assert names(due(one, "2026-03-03 10:10", failed).notices) == [("urgent", 0, "second")]


def test_the_silence_of_a_whole_list_goes_to_the_office_above_and_at_last_to_the_operators() -> None:
    one = standing(alert("2026-03-03 10:00", severity="CRIT", owner_agency=TOWN))
    told: list[Told] = []
    for expected in ("town", "first", "second", "city", "province", "ops"):
        decision = due(one, "2026-03-03 10:00", told)
        assert names(decision.notices) == [("urgent", 0, expected)]
        told += as_told(decision.notices, "failed")
    assert due(one, "2026-03-03 10:00", told).notices == []
    nobody = due(one, "2026-03-03 10:00", duty=DutyList()).notices
    assert [(each.entry.recipient, each.office) for each in nobody] == [("ops", TOWN)]


def test_a_rota_that_changes_does_not_tell_a_step_again() -> None:
    one = standing(alert("2026-03-03 10:00", severity="CRIT"))
    told = as_told(due(one, "2026-03-03 10:00").notices)
    assert due(one, "2026-03-04 10:00", told, DutyList([entry(COUNTY, "next-day")])).notices == []


def test_a_prison_has_its_administration_above_it() -> None:
    duty = DutyList([entry("PRISON_ADMIN-990000-01", "admin"), entry(CITY, "city"), entry(PROVINCE, "province")])
    one = standing(alert("2026-03-03 10:00", severity="CRIT", owner_agency="PRISON-990100-01"))
    assert names(due(one, "2026-03-03 10:00", duty=duty).notices) == [("urgent", 0, "admin")]


def test_what_has_been_answered_is_not_sent_any_more() -> None:
    one = alert("2026-03-03 10:00", severity="CRIT")
    now = at("2026-03-03 11:00")
    assert find_staleness(standing(one), "urgent", 0, now) == ""
    assert find_staleness(standing(one, over(one, "2026-03-03 10:30")), "urgent", 0, now) == "over"
    assert (
        find_staleness(standing(one, changed(one, "2026-03-03 10:30", acknowledged_by="O-1")), "urgent", 0, now)
        == "acknowledged"
    )
    assert find_staleness(standing(one, changed(one, "2026-03-03 10:30", held=True)), "urgent", 0, now) == "held"
    put_off = changed(one, "2026-03-03 10:30", snoozed_until=at("2026-03-03 12:00"))
    assert find_staleness(standing(one, put_off), "urgent", 0, now) == "snoozed"
    assert find_staleness(standing(one, over(one, "2026-03-03 10:30")), "over", 0, now) == ""


def test_any_order_of_revisions_leaves_the_newest() -> None:
    first = alert("2026-03-03 10:00")
    revisions = [first, changed(first, "2026-03-03 12:00", step=1)]
    revisions.append(over(revisions[-1], "2026-03-03 13:00"))
    for order in permutations(revisions):
        known = None
        for one in order:
            known = remember(known, one, at("2026-03-03 14:00"))
        assert known is not None
        assert (known.revision, known.is_firing) == (3, False)


@given(
    st.lists(
        st.sampled_from(["step", "worse", "milder", "seen", "unseen", "hold", "release", "snooze", "end"]), max_size=12
    ),
    st.lists(st.sampled_from(["sent", "trying", "waiting"]), min_size=12, max_size=12),
)
def test_no_step_is_ever_told_twice_and_no_untold_end(changes: list[str], states: list[str]) -> None:
    """Whatever happens to an alert, deciding each time, and twice: each key once, an end only to whoever may have been told."""
    one = alert("2026-03-03 10:00", owner_agency=TOWN, severity="CRIT")
    known, told = standing(one), list[Told]()
    seen: set[tuple[str, int, str]] = set()
    for minute, (what, state) in enumerate(zip(changes, states, strict=False), start=1):
        when = f"2026-03-03 10:{minute:02}"
        one = changed(one, when, **_effect(what, one.step, when))
        known = remember(known, one, at(when))
        for _ in range(2):
            decision = due(known, when, told, DUTY)
            for kind, step, recipient in names(decision.notices):
                assert (kind, step, recipient) not in seen
                seen.add((kind, step, recipient))
                if kind == "over":
                    assert any(t.entry.recipient == recipient and t.state in ("sent", "trying") for t in told)
            told += as_told(decision.notices, state)  # type: ignore[arg-type]


def _effect(what: str, step: int, when: str) -> dict[str, object]:
    effects: dict[str, dict[str, object]] = {
        "step": {"step": min(step + 1, 3)},
        "worse": {"severity": "CRIT"},
        "milder": {"severity": "HIGH"},
        "seen": {"acknowledged_by": "O-1"},
        "unseen": {"acknowledged_by": None},
        "hold": {"held": True},
        "release": {"held": False},
        "snooze": {"snoozed_until": at(when)},
        "end": {"state": "resolved", "outcome": "met_late"},
    }
    return effects[what]
