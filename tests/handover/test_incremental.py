"""What is derived fact by fact equals what is derived from scratch, at every instant a case lives through."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover.calendar import load_calendar
from handover.case import Case
from handover.life import derived_anew, live, next_instant
from handover.rulebook import load
from handover.ruleset import LIGHT
from handover.world import World
from schemas.catalogue import PAYLOADS
from schemas.envelope import Event
from tests.handover.histories import COURT, PERSON, PRISON, TOWN, Told, at

BOOK, CALENDAR = load("cn-default"), load_calendar()
FIRST, LAST = at("2026-02-01 00:00"), at("2026-05-20 00:00")
CAREFUL = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_RESULTS = ("IN_AREA", "OUT_OF_AREA", "NO_FIX", "DEVICE_OFF")
_OPENINGS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("release.decision_effective", COURT, {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": "2026-02-02", "term_start": "2026-02-02", "term_end": "2026-05-02", "execution_place": "990102", "prohibition_order": False}),
    ("release.scheduled", PRISON, {"custody_episode_id": "E1", "release_kind": "EXPIRY", "release_date": "2026-02-20", "home_code": "990102004", "key_person": True, "minor": False}),
    ("intake.assigned", TOWN, {"town_agency": "TOWN_JUSTICE-990102004-01", "officer_ref": "O-1"}),
    ("intake.help_referred", TOWN, {"referral_id": "R-1", "kind": "LEGAL_AID", "to_agency": "LEGAL_AID-990102-01"}),
)  # fmt: skip


@st.composite
def supervised(draw: st.DrawFn) -> list[Told]:
    """One or two facts that open, then many light ones in any order of arrival."""
    found = [
        _told(name, source, data, FIRST + timedelta(hours=draw(st.integers(0, 40))), timedelta(), f"o{number}")
        for number, (name, source, data) in enumerate(
            draw(st.lists(st.sampled_from(_OPENINGS), min_size=1, max_size=2, unique_by=lambda one: one[0]))
        )
    ]
    names = st.sampled_from([*sorted(LIGHT), *["checkin.location_checked"] * 12, *["checkin.completed"] * 6])
    for number, name in enumerate(draw(st.lists(names, min_size=4, max_size=28))):
        happened = FIRST + timedelta(hours=draw(st.integers(0, 24 * 90)))
        late = timedelta(hours=draw(st.sampled_from([0, 0, 0, 0, 2, 50, 150])))
        found.append(_told(name, TOWN, _data(draw, name, happened), happened, late, f"l{number}"))
    return sorted(found, key=lambda one: one[1])


def _data(draw: st.DrawFn, name: str, happened: datetime) -> Mapping[str, Any]:
    filled = {**PAYLOADS[f"reentry.{name}.v1"].EXAMPLE}
    if name == "checkin.location_checked":
        return filled | {"result": draw(st.sampled_from(_RESULTS)), "checked_at": happened.isoformat()}
    if name == "checkin.completed":
        return filled | {"at": happened.isoformat()}
    if name == "checkin.plan_set":
        items = [{"kind": "REPORT", "cadence": draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]))}]
        return filled | {"items": items, "from": happened.date().isoformat()}
    for field in ("from", "until", "on"):
        if field in filled:
            filled[field] = (happened + timedelta(days=draw(st.integers(0, 20)))).date().isoformat()
    return filled


def _told(name: str, source: str, data: Mapping[str, Any], happened: datetime, late: timedelta, id_: str) -> Told:
    return Event(id_, source, f"reentry.{name}.v1", PERSON, happened, data), happened + late


@CAREFUL
@given(supervised())
def test_what_is_derived_step_by_step_equals_what_isderived_anew(told: list[Told]) -> None:
    world, case, renewed = World(BOOK, CALENDAR), Case.empty(PERSON), 0
    for event, arrival in told:
        case.take(event, arrival)
    while (now := next_instant(case, world)) is not None and now < LAST:
        before = case.derived
        live(case, world, now)
        assert case.derived is not None
        renewed += case.derived is before
        anew = derived_anew(case, world, world.frame(now))
        assert case.derived.duties == anew.duties
        assert case.derived.alarm == anew.alarm
    assert renewed > 0
