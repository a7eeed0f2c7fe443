"""What is derived fact by fact equals what is derived from scratch, at every instant a case lives through."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handover.calendar import load_calendar
from handover.cases import feed_case
from handover.cases.advance import derived_anew, live, next_instant
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.feeds.feed_state import HEARTBEAT
from handover.feeds.manifest import VERDICT
from handover.ids import alert_id, obligation_id
from handover.obligations.rule_index import LIGHT
from handover.rules.rulebook import load
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
    assert _renewed(Case.empty(PERSON), told) > 0


def _renewed(case: Case, told: Iterable[Told]) -> int:
    """Live through everything, comparing at each instant. How often something was derived step by step."""
    world, renewed = SharedState(BOOK, CALENDAR), 0
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
        assert [scope.feed for scope in case.derived.scopes] == [scope.feed for scope in anew.scopes]
    return renewed


@st.composite
def published(draw: st.DrawFn) -> list[Told]:
    """Heartbeats in any order of arrival, some corrected, some told twice; manifests, verdicts and actions between."""
    found: list[Told] = []
    names = st.sampled_from([HEARTBEAT] * 20 + ["system.publisher_manifest", VERDICT, "action.waived"])
    for number, name in enumerate(draw(st.lists(names, min_size=4, max_size=60))):
        happened = FIRST + timedelta(minutes=draw(st.integers(0, 3 * 24 * 60)))
        late = timedelta(minutes=draw(st.sampled_from([0, 0, 0, 0, 1, 20, 500])))
        event, arrival = _told(name, PRISON, _of_feed(draw, name), happened, late, f"s{number}")
        corrected = (
            draw(st.integers(0, number - 1)) if number and name == HEARTBEAT and draw(st.integers(0, 19)) == 0 else None
        )
        event = replace(event, subject=PRISON, corrects=None if corrected is None else f"s{corrected}")
        found += [(event, arrival)] * draw(st.sampled_from([1, 1, 1, 2]))
    return sorted(found, key=lambda one: one[1])


def _of_feed(draw: st.DrawFn, name: str) -> Mapping[str, Any]:
    day = (FIRST + timedelta(days=draw(st.integers(-1, 2)))).date().isoformat()
    if name == HEARTBEAT:
        return {"period": draw(st.sampled_from(["PT15M", "PT15M", "PT1H", "P1D"]))}
    if name == "system.publisher_manifest":
        return {"day": day, "topics": [{"topic": "reentry.release.v1", "count": 1}]}
    if name == VERDICT:
        met = FIRST + timedelta(minutes=draw(st.integers(0, 3 * 24 * 60)))
        return {"day": day, "met_at": draw(st.sampled_from([None, met.isoformat()]))}
    return {**PAYLOADS[f"reentry.{name}.v1"].EXAMPLE, "alert_id": alert_id(obligation_id(PRISON, "X03", ""))}


@CAREFUL
@given(published(), st.sampled_from([8, 128]))
def test_a_feed_told_heartbeat_by_heartbeat_equals_one_read_whole(told: list[Told], kept: int) -> None:
    with mock.patch.object(feed_case, "KEPT_SIGNS", kept):
        renewed = _renewed(Case.empty(PRISON), told)
        assert renewed > 0 or any(event.fact != HEARTBEAT or event.corrects is not None for event, _ in told)
