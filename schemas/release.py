"""What prisons, detention houses, prison administrations and courts tell: `reentry.release.v1`."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from schemas.payload import AgencyId, Code, Instant, LocalDate, Payload, PersonRef


class Scheduled(Payload):
    """A release is planned: opens a handover."""

    TYPE: ClassVar[str] = "reentry.release.scheduled.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("custody_episode_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "custody_episode_id": "E-2024-0117",
        "release_kind": "EXPIRY",
        "release_date": "2026-03-31",
        "home_code": "990102004",
        "intended_code": "990102004",
        "key_person": False,
        "key_reasons": [],
        "minor": False,
    }

    custody_episode_id: str = Field(description="the prison term; one handover")
    release_kind: Literal["EXPIRY", "AMNESTY", "PAROLE", "TEMP_EXEC"]
    release_date: LocalDate = Field(description="day of release, never rolled")
    home_code: Code = Field(description="registered home")
    intended_code: Code | None = Field(default=None, description="where the person means to live; preferred")
    key_person: bool = Field(description="key help person (必接必送)")
    key_reasons: list[str] | None = Field(default=None, description="codes THREE_NO, ILLNESS, MENTAL, HIGH_RISK, OTHER")
    minor: bool = Field(description="sealed file")


class DateChanged(Payload):
    """The day of release moved."""

    TYPE: ClassVar[str] = "reentry.release.date_changed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("new_date",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "old_date": "2026-03-31",
        "new_date": "2026-03-05",
        "cause": "COMMUTATION",
        "ruling_date": "2026-02-20",
        "ruling_received_date": "2026-02-26",
    }

    old_date: LocalDate
    new_date: LocalDate
    cause: Literal["COMMUTATION", "NEW_OFFENCE", "CORRECTION", "REVOKED"]
    ruling_date: LocalDate | None = None
    ruling_received_date: LocalDate | None = Field(default=None, description="known day if given")


class NoticeSent(Payload):
    """The receiving county was told that a person will come."""

    TYPE: ClassVar[str] = "reentry.release.notice_sent.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "to_agency": "COUNTY_JUSTICE-990102-01",
        "documents": ["RELEASE_NOTICE", "ASSESSMENT"],
        "channel": "NETWORK",
        "copied_to": ["POLICE-990102-01"],
    }

    to_agency: AgencyId = Field(description="receiving county justice bureau")
    documents: list[str] = Field(description="RELEASE_NOTICE, ASSESSMENT, JUDGMENT, OTHER")
    channel: Literal["NETWORK", "POST", "HAND", "COURIER"]
    copied_to: list[AgencyId] | None = None


class AssessmentShared(Payload):
    """The prison's assessment was shared."""

    TYPE: ClassVar[str] = "reentry.release.assessment_shared.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"risk_band": "LOW", "needs": ["EMPLOYMENT"], "assessed_on": "2026-02-20"}

    risk_band: Literal["LOW", "MID", "HIGH"] | None = Field(default=None, description="only where an officer made it")
    needs: list[Literal["EMPLOYMENT", "LEGAL_AID", "RELIEF", "MEDICAL", "HOUSING", "SCHOOL", "PSYCH"]]
    assessed_on: LocalDate
    key_person: bool | None = Field(default=None, description="replaces the flag of scheduled")


class EducationCompleted(Payload):
    """Pre-release education ended."""

    TYPE: ClassVar[str] = "reentry.release.education_completed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"started_on": "2026-02-01", "ended_on": "2026-03-01", "hours": 60, "passed": True}

    started_on: LocalDate
    ended_on: LocalDate
    hours: float
    passed: bool


class Occurred(Payload):
    """The person left the prison, for good or for a while."""

    TYPE: ClassVar[str] = "reentry.release.occurred.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "released_at": "2026-03-31T09:00:00+08:00",
        "reason": "RELEASED",
        "escorted_by": "TOWN_JUSTICE-990102004-01",
    }

    released_at: Instant = Field(description="equals time")
    reason: Literal["RELEASED", "TEMPORARY_ABSENCE", "HOSPITAL", "COURT", "TRANSFERRED", "UNKNOWN"] = Field(description="only RELEASED is a release")
    escorted_by: AgencyId | None = None


class Reversed(Payload):
    """A release was reported by mistake."""

    TYPE: ClassVar[str] = "reentry.release.reversed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("reverses_event_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"reverses_event_id": "ev-release-occurred", "cause": "MISTAKE"}

    reverses_event_id: str = Field(description="id of the release.occurred, same source")
    cause: Literal["MISTAKE", "RETURNED", "MERGE"]


class Cancelled(Payload):
    """The release will not take place: closes the handover."""

    TYPE: ClassVar[str] = "reentry.release.cancelled.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "NEW_CASE"}

    cause: Literal["DEATH", "ESCAPE", "NEW_CASE", "HOSPITAL", "PRISON_TRANSFER", "ERROR"] = Field(description="closes the handover")


class DecisionEffective(Payload):
    """A court or prison decided on community corrections: opens a handover."""

    TYPE: ClassVar[str] = "reentry.release.decision_effective.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("decision_no",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "decision_no": "D-2026-0042",
        "decision_kind": "PROBATION",
        "effective_date": "2026-01-30",
        "term_start": "2026-01-30",
        "term_end": "2027-01-29",
        "execution_place": "990102",
        "prohibition_order": False,
    }

    decision_no: str = Field(description="opaque number or hash; one handover")
    decision_kind: Literal["PUBLIC_SURVEILLANCE", "PROBATION", "PAROLE", "TEMP_EXEC"]
    effective_date: LocalDate
    approval_received_on: LocalDate | None = Field(default=None, description="B05 anchor")
    term_start: LocalDate
    term_end: LocalDate = Field(description="last day of the term")
    execution_place: Code
    prohibition_order: bool
    deliver_by: AgencyId | None = Field(default=None, description="who delivers the person (TEMP_EXEC)")


class DecisionNoticeSent(Payload):
    """`reentry.release.decision_notice_sent.v1`, by court."""

    TYPE: ClassVar[str] = "reentry.release.decision_notice_sent.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"to_agency": "COUNTY_JUSTICE-990102-01", "copied_to": ["POLICE-990102-01"]}

    to_agency: AgencyId
    copied_to: list[AgencyId] | None = None


class DecisionDocumentsSent(Payload):
    """`reentry.release.decision_documents_sent.v1`, by court."""

    TYPE: ClassVar[str] = "reentry.release.decision_documents_sent.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"to_agency": "COUNTY_JUSTICE-990102-01", "copied_to": ["POLICE-990102-01"]}

    to_agency: AgencyId
    copied_to: list[AgencyId] | None = None


class RevocationRuled(Payload):
    """`reentry.release.revocation_ruled.v1`, by court."""

    TYPE: ClassVar[str] = "reentry.release.revocation_ruled.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("kind",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"kind": "REVOKE_PROBATION", "granted": True, "ruled_on": "2026-06-10"}

    kind: Literal["REVOKE_PROBATION", "REVOKE_PAROLE", "RETURN_TO_PRISON", "ARREST"]
    granted: bool
    ruled_on: LocalDate


class PersonMerged(Payload):
    """`reentry.release.person_merged.v1`, by province justice."""

    TYPE: ClassVar[str] = "reentry.release.person_merged.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("removed_ref",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "survivor_ref": "p1_o2jmhljvic5yapacbm5o4zwnrc",
        "removed_ref": "p1_h7cmz7tulbyofqgzt5y7gd7qmv",
        "cause": "SAME_PERSON",
    }

    survivor_ref: PersonRef = Field(description="equals subject")
    removed_ref: PersonRef
    cause: Literal["SAME_PERSON", "KEY_ROTATION", "WRONG_MATCH"]


class PersonSplit(Payload):
    """`reentry.release.person_split.v1`, by province justice."""

    TYPE: ClassVar[str] = "reentry.release.person_split.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("removed_ref",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "survivor_ref": "p1_o2jmhljvic5yapacbm5o4zwnrc",
        "removed_ref": "p1_h7cmz7tulbyofqgzt5y7gd7qmv",
        "event_ids": ["ev-intake-person_reported"],
        "cause": "WRONG_MATCH",
    }

    survivor_ref: PersonRef = Field(description="equals subject")
    removed_ref: PersonRef = Field(description="receives the events")
    event_ids: list[str] = Field(description="ids of the events that move")
    cause: Literal["SAME_PERSON", "KEY_ROTATION", "WRONG_MATCH"]


PAYLOADS: tuple[type[Payload], ...] = (
    Scheduled,
    DateChanged,
    NoticeSent,
    AssessmentShared,
    EducationCompleted,
    Occurred,
    Reversed,
    Cancelled,
    DecisionEffective,
    DecisionNoticeSent,
    DecisionDocumentsSent,
    RevocationRuled,
    PersonMerged,
    PersonSplit,
)
