"""Only who has authority over an alert acts on it: judged when the action arrives, whatever the order of arrival."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handover.analysis.replay import Lived, live_all
from handover.calendar import MILLISECOND, load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from tests.handover.histories import CITY, COUNTY, OTHER, PERSON, PRISON, TOWN, Told, at, histories, scheduled, told

BOOK, DAYS = load("cn-default"), load_calendar()
PROVINCE, ADMIN = "/agencies/PROVINCE_JUSTICE-990000-01", "/agencies/PRISON_ADMIN-990000-01"
FOREIGN = (
    "/agencies/COUNTY_JUSTICE-980201-01",
    "/agencies/CITY_JUSTICE-980200-01",
    "/agencies/PROVINCE_JUSTICE-980000-01",
    "/agencies/PRISON-980100-01",
    "/agencies/PRISON_ADMIN-980000-01",
    "/agencies/TOWN_JUSTICE-980201004-01",
    "/agencies/POLICE-990102-01",
    "/agencies/LOCATION-990100-01",
)
UNTIL = at("2026-06-01 00:00")
DATA: dict[str, dict[str, Any]] = {
    "acknowledged": {},
    "assigned": {"to": "O-2"},
    "snoozed": {"until": "2026-03-20T00:00:00+08:00", "note": "n"},
    "waived": {"note": "n"},
    "reopened": {},
    "contested": {"note": "n"},
    "contest_decided": {"upheld": True, "note": "n"},
}


def lived(*events: Event | Told) -> Lived:
    return live_all([one if isinstance(one, tuple) else (one, one.time) for one in events], BOOK, DAYS, UNTIL)


def act(name: str, alert: Alert, source: str, when: str, **more: Any) -> Event:
    data = {"alert_id": alert.alert_id, "by": "O-1", **DATA[name], **more.pop("data", {})}
    return told(f"action.{name}", when, data, source, more.pop("subject", PERSON), **more)


def first(rule: str, *events: Event | Told) -> Alert:
    return next(one for one in lived(*events).alerts if one.rule_id == rule)


PLAN = scheduled()
A01 = first("A01", PLAN)  # owed by the prison, waited for in 990102004; raised on 1 March
DAY = "2026-03-05 10:00"


@pytest.mark.parametrize("source", [PRISON, ADMIN, COUNTY, CITY, PROVINCE, f"{COUNTY}/console"])
def test_who_owes_waits_or_stands_above_is_heard(source: str) -> None:
    found = lived(PLAN, act("waived", A01, source, DAY))
    last = [one for one in found.alerts if one.alert_id == A01.alert_id][-1]
    assert (last.outcome, found.refused) == ("waived", ())


@pytest.mark.parametrize("source", [*FOREIGN, TOWN.replace("004", "005"), COUNTY.replace("990102", "990103")])
@pytest.mark.parametrize("when", [DAY, "2026-01-20 10:00"])  # while it fires, and before it is due
def test_a_stranger_waives_nothing(source: str, when: str) -> None:
    action = act("waived", A01, source, when)
    found = lived(PLAN, action)
    assert found.alerts == lived(PLAN).alerts
    assert [(one.source, one.id) for one in found.refused] == [(source, action.id)]


def test_the_decision_on_an_objection_comes_from_above_the_owner() -> None:
    objection = act("contested", A01, PRISON, DAY)
    for source, contest in ((PRISON, "open"), (COUNTY, "open"), (CITY, "upheld"), (ADMIN, "upheld")):
        decision = act("contest_decided", A01, source, "2026-03-06 10:00")
        last = [one for one in lived(PLAN, objection, decision).alerts if one.alert_id == A01.alert_id][-1]
        assert last.contest == contest, source


def _notice(when: str, to: str) -> Event:
    return told("release.notice_sent", when, {"to_agency": to, "documents": [], "channel": "NETWORK"})


def test_authority_is_that_of_the_instant_of_arrival() -> None:
    """Who owed when it arrived was heard, and stays so after the person was sent elsewhere; the new owner is heard from then on."""
    out = told(
        "release.occurred", "2026-03-31 09:00", {"released_at": "2026-03-31T09:00:00+08:00", "reason": "RELEASED"}
    )
    sent = [PLAN, _notice("2026-02-01 10:00", "COUNTY_JUSTICE-990102-01"), out]
    again = _notice("2026-04-25 10:00", "COUNTY_JUSTICE-990103-01")
    raised = first("A07", *sent)
    assert (raised.owner_agency, raised.raised_at < at("2026-04-20 00:00")) == ("COUNTY_JUSTICE-990102-01", True)
    new = COUNTY.replace("990102", "990103")
    before, after = "2026-04-22 10:00", "2026-04-28 10:00"
    for source, when, heard in (
        (COUNTY, before, True),
        (new, before, False),
        (COUNTY, after, False),
        (new, after, True),
    ):
        found = lived(*sent, again, act("waived", raised, source, when))
        last = [one for one in found.alerts if one.alert_id == raised.alert_id][-1]
        assert last.owner_agency == (
            "COUNTY_JUSTICE-990102-01" if source == COUNTY and heard else "COUNTY_JUSTICE-990103-01"
        )
        assert (found.refused == (), last.outcome == "waived") == (heard, heard), (source, when)


def test_an_action_on_an_alert_that_is_not_there_is_never_heard() -> None:
    early = act("waived", A01, COUNTY, "2026-01-01 10:00")
    found = lived(early, PLAN)
    assert (found.alerts, found.refused) == (lived(PLAN).alerts, ())


def test_another_copy_of_a_heard_action_does_not_carry_its_authority_to_another_alert() -> None:
    notice = told(
        "release.notice_sent",
        "2026-02-01 10:00",
        {"to_agency": "COUNTY_JUSTICE-980201-01", "documents": [], "channel": "NETWORK"},
    )
    foreign = first("A02", PLAN, notice)
    assert foreign.owner_agency == "COUNTY_JUSTICE-980201-01"
    good = act("acknowledged", A01, PRISON, "2026-02-02 10:00", id="twice")
    bad = act("waived", foreign, PRISON, "2026-02-03 10:00", id="twice")
    found = lived(PLAN, notice, good, bad)
    assert [one.name for one in found.refused] == ["action.waived"]
    assert [one for one in found.alerts if one.rule_id == "A02"] == [
        one for one in lived(PLAN, notice).alerts if one.rule_id == "A02"
    ]


def test_a_refusal_is_remembered_in_the_written_case() -> None:
    world, case = SharedState(BOOK, DAYS), Case.empty(PERSON)
    stranger, owner = act("waived", A01, FOREIGN[0], DAY), act("acknowledged", A01, PRISON, DAY)
    for event in (PLAN, stranger, owner):
        case.take(event, event.time)
    alerts = advance(case, world, at("2026-03-06 00:00"))
    assert [one.id for one in case.take_refusals()] == [stranger.id]
    again = decode_case(encode_case(case).value)
    assert (again.heard, again.refused) == (case.heard, case.refused)
    assert not again.take(stranger, stranger.time)
    rest = advance(again, SharedState(BOOK, DAYS), UNTIL + MILLISECOND)
    assert again.take_refusals() == []
    assert (*alerts, *rest) == tuple(one for one in lived(PLAN, stranger, owner).alerts)


def test_actions_of_a_removed_ref_are_refused_once() -> None:
    merged = told(
        "release.person_merged",
        "2026-03-20 10:00",
        {"survivor_ref": OTHER, "removed_ref": PERSON, "cause": "SAME_PERSON"},
        PROVINCE,
        OTHER,
    )
    for when in (DAY, "2026-03-25 10:00"):
        stranger = act("waived", A01, FOREIGN[0], when)
        found = lived(PLAN, merged, stranger)
        assert [one.id for one in found.refused] == [stranger.id], when
        assert found.alerts == lived(PLAN, merged).alerts


@st.composite
def _with_strangers(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """A history, and actions of strangers on its alerts at any instant, told in any order."""
    history = draw(histories())
    alerts = live_all(history, BOOK, DAYS, UNTIL).alerts
    found: list[Told] = []
    if not alerts:
        return history, found
    for number in range(draw(st.integers(1, 6))):
        alert = draw(st.sampled_from(alerts))
        name = draw(st.sampled_from(sorted(DATA)))
        happened = at("2026-02-01 00:00") + timedelta(hours=draw(st.integers(0, 24 * 90)))
        data = {"alert_id": alert.alert_id, "by": "O-9", **DATA[name]}
        source = draw(st.sampled_from(FOREIGN[:6]))
        event = Event(f"s{number}", source, f"reentry.action.{name}.v1", alert.subject, happened, data)
        found.append((event, happened + timedelta(hours=draw(st.sampled_from([0, 0, 30])))))
    return history, found


def _live(told_: Sequence[Told]) -> tuple[list[Alert], set[str]]:
    """One case after another told as they come: what is told after its arrival has been lived past is told late."""
    found = live_all(told_, BOOK, DAYS, UNTIL)
    return list(found.alerts), {action.id for action in found.refused}


@settings(max_examples=60, deadline=None)
@given(both=_with_strangers(), data=st.data())
def test_no_stranger_changes_any_alert_in_any_order(both: tuple[list[Told], list[Told]], data: st.DataObject) -> None:
    history, strangers = both
    without, none = _live(history)
    mixed = data.draw(st.permutations([*history, *strangers]))
    alerts, refused = _live(mixed)
    assert alerts == without
    assert none == set()
    assert refused <= {event.id for event, _ in strangers}


@settings(max_examples=40, deadline=None)
@given(both=_with_strangers(), data=st.data())
def test_a_case_told_late_decides_as_one_told_in_order(
    both: tuple[list[Told], list[Told]], data: st.DataObject
) -> None:
    mine = [
        one for one in (*both[0], *both[1]) if one[0].subject == PERSON and not one[0].fact.startswith("release.person")
    ]
    ordered = sorted(mine, key=lambda one: one[1])
    mixed = data.draw(st.permutations(mine))
    cases = []
    for run in (ordered, mixed):
        world, case = SharedState(BOOK, DAYS), Case.empty(PERSON)
        for event, arrival in run:
            case.take(event, arrival)
            advance(case, world, arrival + MILLISECOND)
        advance(case, world, UNTIL)
        cases.append(case)
    assert cases[0].heard == cases[1].heard
    assert cases[0].refused == cases[1].refused
