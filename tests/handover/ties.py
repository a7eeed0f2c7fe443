"""Histories of persons whose records are merged and split, and what one who knows everything at once would make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from handover.alerts.lifecycle import Memory
from handover.calendar import MILLISECOND, load_calendar
from handover.cases import case as case_module
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.facts.forwarding import existence
from handover.ids import alert_id, handover_id, obligation_id
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from tests.handover.histories import COUNTY, MEDIATION, PRISON, TOWN, Told, at

BOOK, CALENDAR = load("cn-default"), load_calendar()
REFS = tuple("p1_" + letter * 26 for letter in "abcd")
DISPUTE = "d1_" + "e" * 26
PROVINCE = "/agencies/PROVINCE_JUSTICE-990000-01"
FIRST = at("2026-02-01 00:00")
UNTIL = at("2026-06-01 00:00")

_FACTS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("release.scheduled", PRISON, {"custody_episode_id": "E1", "release_kind": "EXPIRY", "release_date": "2026-03-10", "home_code": "990102004", "key_person": False, "minor": False}),
    ("release.date_changed", PRISON, {"old_date": "2026-03-10", "new_date": "2026-03-01", "cause": "COMMUTATION"}),
    ("release.notice_sent", PRISON, {"to_agency": "COUNTY_JUSTICE-990102-01", "documents": [], "channel": "NETWORK"}),
    ("release.occurred", PRISON, {"released_at": "2026-03-10T09:00:00+08:00", "reason": "RELEASED"}),
    ("intake.acknowledged", COUNTY, {"accepted": True, "officer_ref": "O-1"}),
    ("intake.assigned", COUNTY, {"town_agency": "TOWN_JUSTICE-990102004-01", "officer_ref": "O-1"}),
    ("intake.person_reported", TOWN, {"reported_at": "2026-03-11T09:00:00+08:00", "channel": "HAND", "report_type": "ON_TIME"}),
    ("intake.closed", COUNTY, {"cause": "OTHER"}),
)  # fmt: skip


@st.composite
def tied_histories(draw: st.DrawFn, refs: Sequence[str] = REFS) -> list[Told]:
    """Up to eighteen events of up to four refs and a dispute, with merges, splits, corrections, lateness and repetition."""
    found: list[Told] = []
    for number in range(draw(st.integers(3, 18))):
        happened = FIRST + timedelta(hours=draw(st.integers(0, 24 * 50)))
        arrival = happened + timedelta(hours=draw(st.sampled_from([0, 0, 0, 1, 30, 300])))
        fact, source, data, subject = draw(_contents(refs))
        earlier = [one.id for one, _ in found if one.source == source]
        corrects = draw(st.sampled_from(earlier)) if earlier and draw(st.integers(0, 7)) == 0 else None
        named = subject in refs and not fact.startswith("release.person_") and draw(st.integers(0, 2)) == 0
        file = f"FILE-{subject[3]}" if named else None
        event = Event(
            f"e{number}", source, f"reentry.{fact}.v1", subject, happened, data, handoverid=file, corrects=corrects
        )
        found.append((event, arrival))
        if draw(st.integers(0, 9)) == 0:
            found.append((event, arrival + timedelta(hours=5)))
    return [(_of_whole_files(event, found), arrival) for event, arrival in found]


def _of_whole_files(event: Event, told: Sequence[Told]) -> Event:
    """A split moves all of a file that the publisher has numbered or nothing: its number is one person's (semantics.md 4.2)."""
    if event.fact != "release.person_split":
        return event
    names = set(event.data["event_ids"])
    files = {one.handoverid for one, _ in told if one.id in names} - {None}
    more = {one.id for one, _ in told if one.handoverid in files}
    return replace(event, data={**event.data, "event_ids": sorted(names | more)})


@st.composite
def _contents(draw: st.DrawFn, refs: Sequence[str]) -> tuple[str, str, Mapping[str, Any], str]:
    kind = draw(st.sampled_from(["fact"] * 6 + ["merge", "split", "split", "dispute", "action"]))
    if kind == "fact":
        return (*draw(st.sampled_from(_FACTS)), draw(st.sampled_from(refs)))
    if kind in ("merge", "split"):
        survivor, removed = draw(st.permutations(refs))[:2]
        tie: dict[str, Any] = {"survivor_ref": survivor, "removed_ref": removed, "cause": "WRONG_MATCH"}
        if kind == "split":
            tie["event_ids"] = draw(st.lists(st.sampled_from([f"e{n}" for n in range(18)]), max_size=9, unique=True))
        return f"release.person_{'merged' if kind == 'merge' else 'split'}", PROVINCE, tie, survivor
    if kind == "dispute":
        named = draw(st.lists(st.sampled_from(refs), max_size=2, unique=True))
        report = {"kind": "LAND", "level": "TOWN", "place_code": "990102004", "found_by": "SCREENING"}
        return "dispute.reported", MEDIATION, {**report, "person_refs": named}, DISPUTE
    return draw(_actions(refs))


@st.composite
def _actions(draw: st.DrawFn, refs: Sequence[str]) -> tuple[str, str, Mapping[str, Any], str]:
    """A decision on an alert that these facts may raise, of a person or of the dispute."""
    subject = draw(st.sampled_from((*refs, DISPUTE)))
    files = (handover_id(subject, 1), f"FILE-{subject[3]}")
    scope = DISPUTE if subject == DISPUTE else draw(st.sampled_from(files))
    rule, occurrence = draw(
        st.sampled_from([("A01", ""), ("A03", "COUNTY_JUSTICE-990102-01"), ("A07", ""), ("D01", "")])
    )
    name = draw(st.sampled_from(["acknowledged", "waived"]))
    data = {"alert_id": alert_id(obligation_id(scope, rule, occurrence)), "by": "U-1", "reason": "CHECKED"}
    return f"action.{name}", COUNTY, data, subject


class Knowing(Case):
    """One case of all persons: it knows every fact and speaks for every ref, so nothing needs to be told to anybody."""

    __slots__ = ()

    def refs(self) -> set[str]:
        return set(REFS)

    def speaks_for(self, ref: str, at: datetime) -> bool:
        return True

    @property
    def moved_to(self) -> str:
        return ""


def known_at_once(told: Sequence[Told], until: datetime = UNTIL) -> dict[str, Memory]:
    """The last memory of every alert of a person, as one case that knows all facts remembers it."""
    case = Knowing("p1_everybody", "PERSON")
    for event, arrival in sorted(told, key=lambda one: one[1]):
        if event.fact.startswith("dispute."):
            case.take(existence(event, ""), arrival)
        elif event.subject.startswith("p1_") or event.corrects is not None:  # that may be of a person
            case.take(event, arrival)
    advance(case, SharedState(BOOK, CALENDAR), until + MILLISECOND)
    return {alert_id(obligation_id(*slot)): memory for slot, memory in case.memories.items()}


def newest(alerts: Sequence[Alert]) -> dict[str, Alert]:
    """The greatest revision of each alert of a person."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        known = found.get(alert.alert_id)
        if alert.subject.startswith("p1_") and (known is None or alert.revision >= known.revision):
            found[alert.alert_id] = alert
    return found


interpreted = pytest.mark.skipif(
    str(case_module.__file__).endswith(".so"), reason="the reference overrides what a compiled case does"
)
