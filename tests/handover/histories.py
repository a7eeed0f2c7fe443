"""Histories for tests: told events of one person and one dispute, and random mixtures of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.instants import instant

PERSON = "p1_" + "a" * 26
OTHER = "p1_" + "b" * 26
DISPUTE = "d1_" + "c" * 26
PRISON, COUNTY, TOWN = (
    "/agencies/PRISON-990100-01",
    "/agencies/COUNTY_JUSTICE-990102-01",
    "/agencies/TOWN_JUSTICE-990102004-01",
)
NEXT_COUNTY, OFFICE = "/agencies/COUNTY_JUSTICE-990103-01", "TOWN_JUSTICE-990102004-01"
CITY = "/agencies/CITY_JUSTICE-990100-01"
COURT, MEDIATION, POLICE = "/agencies/COURT-990102-01", "/agencies/MEDIATION-990102004-01", "/agencies/POLICE-990102-01"
_numbers = count(1)
Told = tuple[Event, datetime]


def at(text: str) -> datetime:
    """A local instant, "2026-03-01 10:00"."""
    return instant(text.replace(" ", "T") + ":00+08:00")


def told(
    fact: str, when: str, data: Mapping[str, Any], source: str = PRISON, subject: str = PERSON, **more: Any
) -> Event:
    """An event with a new id; `more` are attributes of the envelope."""
    identity = more.pop("id", f"e{next(_numbers)}")
    return Event(
        id=identity, source=source, type=f"reentry.{fact}.v1", subject=subject, time=at(when), data=data, **more
    )


def scheduled(when: str = "2026-01-05 10:00", date: str = "2026-03-31", *, key: bool = False, **more: Any) -> Event:
    """A planned release."""
    data = {
        "custody_episode_id": "E1",
        "release_kind": "EXPIRY",
        "release_date": date,
        "home_code": "990102004",
        "key_person": key,
        "minor": False,
    }
    return told("release.scheduled", when, data, **more)


def notice(when: str, to: str = "COUNTY_JUSTICE-990102-01", **more: Any) -> Event:
    """A release notice."""
    return told(
        "release.notice_sent", when, {"to_agency": to, "documents": ["RELEASE_NOTICE"], "channel": "NETWORK"}, **more
    )


def acknowledged(when: str, **more: Any) -> Event:
    """The county's answer."""
    return told("intake.acknowledged", when, {"accepted": True, "officer_ref": "O-1"}, COUNTY, **more)


def arriving(*events: Event) -> list[Told]:
    """Told at once."""
    return [(event, event.receivedtime or event.time) for event in events]


FILES: Mapping[str, list[str | None]] = {PERSON: ["H-1", "H-2"], OTHER: ["H-3"]}  # a number is one person's (4.2)


def _choices() -> Sequence[tuple[str, str, Mapping[str, Any], str]]:
    return (
        ("release.scheduled", PRISON, {"custody_episode_id": "E1", "release_kind": "EXPIRY", "release_date": "2026-03-31", "home_code": "990102004", "key_person": False, "minor": False}, PERSON),
        ("release.scheduled", PRISON, {"custody_episode_id": "E2", "release_kind": "PAROLE", "release_date": "2026-04-20", "home_code": "990103001", "key_person": True, "minor": False}, PERSON),
        ("release.date_changed", PRISON, {"old_date": "2026-03-31", "new_date": "2026-03-12", "cause": "COMMUTATION"}, PERSON),
        ("release.notice_sent", PRISON, {"to_agency": "COUNTY_JUSTICE-990102-01", "documents": [], "channel": "NETWORK"}, PERSON),
        ("release.notice_sent", PRISON, {"to_agency": "COUNTY_JUSTICE-990103-01", "documents": [], "channel": "POST"}, PERSON),
        ("release.occurred", PRISON, {"released_at": "2026-03-31T09:00:00+08:00", "reason": "RELEASED"}, PERSON),
        ("release.decision_effective", COURT, {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": "2026-02-02", "term_start": "2026-02-02", "term_end": "2026-04-02", "execution_place": "990102", "prohibition_order": False}, PERSON),
        ("intake.acknowledged", COUNTY, {"accepted": True, "officer_ref": "O-1"}, PERSON),
        ("intake.returned", COUNTY, {"reason": "NOT_OURS"}, PERSON),
        ("intake.assigned", COUNTY, {"town_agency": "TOWN_JUSTICE-990102004-01", "officer_ref": "O-1"}, PERSON),
        ("intake.person_reported", TOWN, {"reported_at": "2026-04-01T09:00:00+08:00", "channel": "HAND", "report_type": "ON_TIME"}, PERSON),
        ("intake.registered", TOWN, {"group_formed": True, "plan_made": False, "agreement_signed": True}, PERSON),
        ("intake.visit_done", TOWN, {"visited_on": "2026-04-05", "met_person": True}, PERSON),
        ("intake.custody_notified", POLICE, {"status": "DETAINED", "since": "2026-03-05T10:00:00+08:00", "organ": "POLICE"}, PERSON),
        ("intake.custody_notified", POLICE, {"status": "RELEASED", "since": "2026-03-09T10:00:00+08:00", "organ": "POLICE"}, PERSON),
        ("intake.closed", COUNTY, {"cause": "TERM_END"}, PERSON),
        ("intake.closed", COUNTY, {"cause": "MOVED", "to_code": "990103"}, PERSON),
        ("intake.closed", COUNTY, {"cause": "MOVED"}, PERSON),
        ("intake.death_notified", POLICE, {"on": "2026-03-20"}, PERSON),
        ("intake.acknowledged", NEXT_COUNTY, {"accepted": True, "officer_ref": "O-2"}, PERSON),
        ("intake.acknowledged", COUNTY, {"accepted": False, "officer_ref": "O-1"}, PERSON),
        ("intake.verification_returned", TOWN, {"result": "PERSON_UNKNOWN", "checked_on": "2026-03-01", "family_contacted": False}, PERSON),
        ("intake.person_reported", TOWN, {"reported_at": "2026-04-01T09:00:00+08:00", "channel": "HAND", "report_type": "NOT_REPORTED"}, PERSON),
        ("intake.pickup_planned", COUNTY, {"planned_at": "2026-03-31T08:30:00+08:00"}, PERSON),
        ("release.cancelled", PRISON, {"cause": "PRISON_TRANSFER"}, PERSON),
        ("release.revocation_ruled", COURT, {"kind": "REVOKE_PROBATION", "granted": True, "ruled_on": "2026-03-20"}, PERSON),
        ("release.admitted", PRISON, {"custody_episode_id": "E3", "admitted_on": "2026-02-03", "home_code": "990102004"}, PERSON),
        ("release.admission_notice_sent", PRISON, {"to_agency": "COUNTY_JUSTICE-990102-01"}, PERSON),
        ("release.admission_education_assessed", PRISON, {"passed": False, "attempt": 1}, PERSON),
        ("release.survey_requested", PRISON, {"survey_id": "S1", "to_agency": "COUNTY_JUSTICE-990102-01", "purpose": "PAROLE", "fast_track": True}, PERSON),
        ("intake.survey_answered", COUNTY, {"survey_id": "S1", "opinion": "SUITABLE", "answered_on": "2026-03-13"}, PERSON),
        ("intake.transfer_requested", COUNTY, {"transfer_id": "T1", "from_code": "990102", "to_code": "990103"}, PERSON),
        ("intake.transfer_decided", COUNTY, {"transfer_id": "T1", "decision": "APPROVED", "from_agency": "COUNTY_JUSTICE-990102-01", "to_agency": "COUNTY_JUSTICE-990103-01", "received_on": "2026-03-12"}, PERSON),
        ("checkin.plan_set", TOWN, {"items": [{"kind": "CALL", "cadence": "WEEKLY"}], "class": "STRICT", "from": "2026-02-10"}, PERSON),
        ("checkin.completed", TOWN, {"kind": "CALL", "at": "TIME", "verified_by": "OFFICER"}, PERSON),
        ("checkin.location_checked", TOWN, {"result": "NO_FIX", "checked_at": "TIME"}, PERSON),
        ("checkin.location_checked", TOWN, {"result": "OUT_OF_AREA", "checked_at": "TIME"}, PERSON),
        ("checkin.location_checked", TOWN, {"result": "IN_AREA", "checked_at": "TIME"}, PERSON),
        ("release.scheduled", PRISON, {"custody_episode_id": "E1", "release_kind": "EXPIRY", "release_date": "2026-03-31", "home_code": "990102004", "key_person": False, "minor": False}, OTHER),
        ("intake.visit_done", TOWN, {"visited_on": "2026-04-05", "met_person": True}, OTHER),
        ("release.person_merged", PRISON, {"survivor_ref": PERSON, "removed_ref": OTHER, "cause": "SAME_PERSON"}, PERSON),
        ("release.person_split", PRISON, {"survivor_ref": PERSON, "removed_ref": OTHER, "event_ids": ["h0", "h3"], "cause": "WRONG_MATCH"}, PERSON),
        ("work.duty_set", COUNTY, {"items": [{"kind": "SCREENING", "cadence": "WEEKLY"}, {"kind": "TRAINING", "cadence": "QUARTERLY"}], "from": "2026-02-02"}, OFFICE),
        ("work.reported", COUNTY, {"kind": "SCREENING", "from": "2026-02-02", "to": "2026-02-20"}, OFFICE),
        ("dispute.reported", MEDIATION, {"kind": "LAND", "level": "TOWN", "place_code": "990102004", "found_by": "SCREENING", "person_refs": [PERSON]}, DISPUTE),
        ("dispute.accepted", MEDIATION, {"committee": "MEDIATION-990102004-01", "mediator_ref": "M-1"}, DISPUTE),
        ("dispute.agreed", MEDIATION, {"written": True}, DISPUTE),
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Told]:
    """Up to sixteen events in two months, some told late, some told twice, some corrected."""
    first = at("2026-02-01 00:00")
    found: list[Told] = []
    for number, (fact, source, data, subject) in enumerate(
        draw(st.lists(st.sampled_from(_choices()), min_size=2, max_size=16))
    ):
        happened = first + timedelta(hours=draw(st.integers(0, 24 * 75)))
        filled = {key: happened.isoformat() if value == "TIME" else value for key, value in data.items()}
        mine = [event.id for event, _ in found if event.subject == subject and event.source == source]
        correcting = draw(st.sampled_from([None] * 8 + mine[-1:]))
        named = draw(st.sampled_from([None] * 12 + FILES.get(subject, [None] * 2)))
        event = Event(
            f"h{number}", source, f"reentry.{fact}.v1", subject, happened, filled, corrects=correcting, handoverid=named
        )
        arrival = happened + timedelta(hours=draw(st.sampled_from([0, 0, 0, 1, 30, 200])))
        found.append((event, arrival))
        if draw(st.integers(0, 9)) == 0:
            found.append((event, arrival + timedelta(hours=5)))
    return found
