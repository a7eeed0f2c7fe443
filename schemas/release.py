"""What prisons, detention houses, prison administrations and courts tell: `reentry.release.v1`, subject person_ref."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from schemas import agencies, codes
from schemas.agencies import Senders
from schemas.payload import (
    MOST_CODES,
    MOST_EVENTS,
    MOST_HOURS,
    AgencyId,
    Code,
    Instant,
    LocalDate,
    Payload,
    PersonRef,
    Ref,
)


class Scheduled(Payload):
    """A release is planned: opens a handover, or joins the one of the same prison term."""

    TYPE: ClassVar[str] = "reentry.release.scheduled.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
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

    custody_episode_id: Ref = Field(description="the prison term; one handover")
    release_kind: Annotated[str, codes.RELEASE_KIND] = Field(description="how the prison term ends")
    release_date: LocalDate = Field(description="day of release, never rolled")
    home_code: Code = Field(description="registered home")
    intended_code: Code | None = Field(default=None, description="where the person means to live; preferred")
    key_person: bool = Field(description="key help person (必接必送): must be fetched")
    key_reasons: list[Ref] | None = Field(
        default=None, max_length=MOST_CODES, description="codes THREE_NO, ILLNESS, MENTAL, HIGH_RISK, OTHER"
    )
    minor: bool = Field(description="sealed file")


class DateChanged(Payload):
    """The day of release moved: all limits before it move along."""

    TYPE: ClassVar[str] = "reentry.release.date_changed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("new_date",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "old_date": "2026-03-31",
        "new_date": "2026-03-05",
        "cause": "COMMUTATION",
        "ruling_date": "2026-02-20",
        "ruling_received_date": "2026-02-26",
    }

    old_date: LocalDate = Field(description="day of release so far")
    new_date: LocalDate = Field(description="day of release from now on")
    cause: Annotated[str, codes.DATE_CHANGE_CAUSE] = Field(description="why")
    ruling_date: LocalDate | None = Field(default=None, description="day of the ruling")
    ruling_received_date: LocalDate | None = Field(default=None, description="known day if given")


class NoticeSent(Payload):
    """The prison told the receiving county that a person will come."""

    TYPE: ClassVar[str] = "reentry.release.notice_sent.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "to_agency": "COUNTY_JUSTICE-990102-01",
        "documents": ["RELEASE_NOTICE", "ASSESSMENT"],
        "channel": "NETWORK",
        "copied_to": ["POLICE-990102-01"],
    }

    to_agency: AgencyId = Field(description="receiving county justice bureau")
    documents: list[Ref] = Field(
        max_length=MOST_CODES,
        description="kinds of papers, never their text: RELEASE_NOTICE, ASSESSMENT, JUDGMENT, OTHER",
    )
    channel: Annotated[str, codes.CHANNEL] = Field(description="how it was sent")
    copied_to: list[AgencyId] | None = Field(default=None, max_length=MOST_CODES, description="other agencies told")


class AssessmentShared(Payload):
    """The prison shared its assessment: what help the person needs, and whether it is a key person."""

    TYPE: ClassVar[str] = "reentry.release.assessment_shared.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"risk_band": "LOW", "needs": ["EMPLOYMENT"], "assessed_on": "2026-02-20"}

    risk_band: Annotated[str, codes.RISK_BAND] | None = Field(default=None, description="only where an officer made it")
    needs: list[Annotated[str, codes.HELP_KIND]] = Field(max_length=MOST_CODES, description="kinds of help needed")
    assessed_on: LocalDate = Field(description="day of the assessment")
    key_person: bool | None = Field(default=None, description="replaces the flag of scheduled")


class EducationCompleted(Payload):
    """Education before release ended."""

    TYPE: ClassVar[str] = "reentry.release.education_completed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "started_on": "2026-02-01",
        "ended_on": "2026-03-01",
        "hours": 60,
        "passed": True,
    }

    started_on: LocalDate = Field(description="first day")
    ended_on: LocalDate = Field(description="last day")
    hours: float = Field(ge=0, le=MOST_HOURS, allow_inf_nan=False, description="hours, decimal")
    passed: bool = Field(description="whether the person passed")


class Occurred(Payload):
    """The person left the prison, for good or for a while. Believed after a settling time."""

    TYPE: ClassVar[str] = "reentry.release.occurred.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "released_at": "2026-03-31T09:00:00+08:00",
        "reason": "RELEASED",
        "escorted_by": "TOWN_JUSTICE-990102004-01",
    }
    REPEATS_TIME: ClassVar[str | None] = "released_at"

    released_at: Instant = Field(description="equals time")
    reason: Annotated[str, codes.LEAVING_REASON] = Field(description="only RELEASED is a release")
    escorted_by: AgencyId | None = Field(default=None, description="agency that came to fetch the person")


class Reversed(Payload):
    """A release that was told did not happen, or not for good."""

    TYPE: ClassVar[str] = "reentry.release.reversed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("reverses_event_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"reverses_event_id": "ev-release-occurred", "cause": "MISTAKE"}

    reverses_event_id: Ref = Field(description="id of the release.occurred, same source")
    cause: Annotated[str, codes.REVERSAL_CAUSE] = Field(description="why")


class Cancelled(Payload):
    """There will be no release from this prison: closes the handover, unless another prison takes it over."""

    TYPE: ClassVar[str] = "reentry.release.cancelled.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "NEW_CASE"}

    cause: Annotated[str, codes.CANCELLATION_CAUSE] = Field(
        description="closes the handover; PRISON_TRANSFER does not: it waits for the next prison"
    )


class DecisionEffective(Payload):
    """A decision on community corrections took effect: opens a handover, or turns an open one into that kind."""

    TYPE: ClassVar[str] = "reentry.release.decision_effective.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.DECIDING
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

    decision_no: Ref = Field(description="opaque number or hash; one handover")
    decision_kind: Annotated[str, codes.DECISION_KIND] = Field(description="what was decided")
    effective_date: LocalDate = Field(description="day on which the decision took effect")
    approval_received_on: LocalDate | None = Field(default=None, description="B05 anchor")
    term_start: LocalDate = Field(description="first day of the term")
    term_end: LocalDate = Field(description="last day of the term")
    execution_place: Code = Field(description="where it is to be executed")
    prohibition_order: bool = Field(description="whether a prohibition order goes with it")
    deliver_by: AgencyId | None = Field(default=None, description="who delivers the person (TEMP_EXEC)")


class DecisionNoticeSent(Payload):
    """The deciding organ told the county that a person will report."""

    TYPE: ClassVar[str] = "reentry.release.decision_notice_sent.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.DECIDING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "to_agency": "COUNTY_JUSTICE-990102-01",
        "copied_to": ["POLICE-990102-01"],
    }

    to_agency: AgencyId = Field(description="county that will receive the person")
    copied_to: list[AgencyId] | None = Field(default=None, max_length=MOST_CODES, description="other agencies told")


class DecisionDocumentsSent(Payload):
    """The deciding organ sent the legal documents to the county."""

    TYPE: ClassVar[str] = "reentry.release.decision_documents_sent.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.DECIDING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "to_agency": "COUNTY_JUSTICE-990102-01",
        "copied_to": ["POLICE-990102-01"],
    }

    to_agency: AgencyId = Field(description="county that will receive the person")
    copied_to: list[AgencyId] | None = Field(default=None, max_length=MOST_CODES, description="other agencies told")


class RevocationRuled(Payload):
    """A court or prison administration ruled on a proposed revocation, return to prison or arrest."""

    TYPE: ClassVar[str] = "reentry.release.revocation_ruled.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.REVOKING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("kind",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"kind": "REVOKE_PROBATION", "granted": True, "ruled_on": "2026-06-10"}

    kind: Annotated[str, codes.REVOCATION_KIND] = Field(description="what was ruled on")
    granted: bool = Field(description="whether it was granted")
    ruled_on: LocalDate = Field(description="day of the ruling")


class Admitted(Payload):
    """The person was admitted to prison: opens a handover, or joins the one of the same prison term."""

    TYPE: ClassVar[str] = "reentry.release.admitted.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("custody_episode_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "custody_episode_id": "E-2024-0117",
        "admitted_on": "2024-01-17",
        "home_code": "990102004",
    }
    EXAMPLE_TIME: ClassVar[str | None] = "2024-01-17T15:00:00+08:00"

    custody_episode_id: Ref = Field(description="the prison term, as in release.scheduled")
    admitted_on: LocalDate = Field(description="day of admission; P01 and P02 count from it")
    home_code: Code = Field(description="registered home")


class AdmissionNoticeSent(Payload):
    """The prison told the home county that the person is in prison."""

    TYPE: ClassVar[str] = "reentry.release.admission_notice_sent.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"to_agency": "COUNTY_JUSTICE-990102-01"}
    EXAMPLE_TIME: ClassVar[str | None] = "2024-02-02T10:00:00+08:00"

    to_agency: AgencyId = Field(description="county justice bureau of the home")


class AdmissionEducationAssessed(Payload):
    """Education after admission was assessed."""

    TYPE: ClassVar[str] = "reentry.release.admission_education_assessed.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.PRISONS
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("attempt",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"passed": True, "attempt": 1}
    EXAMPLE_TIME: ClassVar[str | None] = "2024-03-14T10:00:00+08:00"

    passed: bool = Field(description="false: training is made up (P03)")
    attempt: int = Field(ge=1, le=MOST_CODES, description="first assessment 1, after make-up training 2, and so on")


class SurveyRequested(Payload):
    """A prison or a court asked a county whether a person can live there under supervision: opens a handover of its own."""

    TYPE: ClassVar[str] = "reentry.release.survey_requested.v1"
    BY: ClassVar[str] = "PRISON-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.SURVEYING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("survey_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "survey_id": "S-2026-7",
        "to_agency": "COUNTY_JUSTICE-990102-01",
        "purpose": "PAROLE",
        "fast_track": False,
    }
    EXAMPLE_TIME: ClassVar[str | None] = "2026-03-02T10:00:00+08:00"

    survey_id: Ref = Field(description="one survey; one handover of kind S")
    to_agency: AgencyId = Field(description="county justice bureau that is asked")
    purpose: Annotated[str, codes.SURVEY_PURPOSE] = Field(description="which decision it is for")
    fast_track: bool = Field(description="fast-track procedure: 5 instead of 10 working days")


class PersonMerged(Payload):
    """Two refs are one person: facts of the removed ref are facts of the survivor."""

    TYPE: ClassVar[str] = "reentry.release.person_merged.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SENT_BY: ClassVar[Senders] = agencies.PROVINCE
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("removed_ref",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "survivor_ref": "p1_o2jmhljvic5yapacbm5o4zwnrc",
        "removed_ref": "p1_h7cmz7tulbyofqgzt5y7gd7qmv",
        "cause": "SAME_PERSON",
    }

    survivor_ref: PersonRef = Field(description="equals subject")
    removed_ref: PersonRef = Field(description="the ref that ends")
    cause: Annotated[str, codes.MERGE_CAUSE] = Field(description="why")


class PersonSplit(Payload):
    """Two persons stood under one ref: the listed events move to the removed ref."""

    TYPE: ClassVar[str] = "reentry.release.person_split.v1"
    BY: ClassVar[str] = "PROVINCE_JUSTICE-990000-01"
    SENT_BY: ClassVar[Senders] = agencies.PROVINCE
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("removed_ref",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "survivor_ref": "p1_o2jmhljvic5yapacbm5o4zwnrc",
        "removed_ref": "p1_h7cmz7tulbyofqgzt5y7gd7qmv",
        "event_ids": ["ev-intake-person_reported"],
        "cause": "WRONG_MATCH",
    }

    survivor_ref: PersonRef = Field(description="equals subject")
    removed_ref: PersonRef = Field(description="the ref that receives the events")
    event_ids: list[Ref] = Field(max_length=MOST_EVENTS, description="ids of the events that move")
    cause: Annotated[str, codes.MERGE_CAUSE] = Field(description="why")


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
    Admitted,
    AdmissionNoticeSent,
    AdmissionEducationAssessed,
    SurveyRequested,
    PersonMerged,
    PersonSplit,
)
