"""What county and township justice offices and help agencies tell: `reentry.intake.v1`, subject person_ref."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from schemas import agencies, codes
from schemas.agencies import Senders
from schemas.payload import MOST_CODES, MOST_HOURS, AgencyId, Code, Instant, LocalDate, MaybeRef, Payload, Place, Ref


class Acknowledged(Payload):
    """The county answered the notice."""

    TYPE: ClassVar[str] = "reentry.intake.acknowledged.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("accepted",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"accepted": True, "officer_ref": "O-4471"}

    accepted: bool = Field(description="false: a refusal")
    officer_ref: Ref = Field(description="opaque staff id")


class VerificationReturned(Payload):
    """The township office checked address and family on site."""

    TYPE: ClassVar[str] = "reentry.intake.verification_returned.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("result",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "result": "VERIFIED",
        "checked_on": "2026-03-10",
        "family_contacted": True,
    }

    result: Annotated[str, codes.VERIFICATION_RESULT] = Field(
        description="NOT_OURS, PERSON_UNKNOWN and ADDRESS_FALSE are returns"
    )
    checked_on: LocalDate = Field(description="day of the check")
    family_contacted: bool = Field(description="whether the family was asked")


class Returned(Payload):
    """The county sent the notice back: not for us."""

    TYPE: ClassVar[str] = "reentry.intake.returned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"reason": "LIVES_ELSEWHERE", "suggested_code": "990103"}

    reason: Annotated[str, codes.RETURN_REASON] = Field(description="why")
    suggested_code: Code | None = Field(default=None, description="where the person may belong")


class Assigned(Payload):
    """The county named the township office and the officer who take over."""

    TYPE: ClassVar[str] = "reentry.intake.assigned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ASSIGNING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("town_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"town_agency": "TOWN_JUSTICE-990102004-01", "officer_ref": "O-4472"}

    town_agency: AgencyId = Field(description="township office that takes over")
    officer_ref: Ref = Field(description="opaque staff id")


class PickupPlanned(Payload):
    """The county planned who fetches the person, and when."""

    TYPE: ClassVar[str] = "reentry.intake.pickup_planned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"planned_at": "2026-03-31T08:30:00+08:00"}

    planned_at: Instant = Field(description="when the person is to be fetched")


class PickupCompleted(Payload):
    """The person was handed over at the gate."""

    TYPE: ClassVar[str] = "reentry.intake.pickup_completed.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"handed_over_at": "2026-03-31T09:20:00+08:00", "family_present": True}
    REPEATS_TIME: ClassVar[str | None] = "handed_over_at"

    handed_over_at: Instant = Field(description="equals time")
    family_present: bool = Field(description="whether family was there")


class DocumentsReceived(Payload):
    """The legal documents of a decision came."""

    TYPE: ClassVar[str] = "reentry.intake.documents_received.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"received_on": "2026-02-06", "missing": []}

    received_on: LocalDate = Field(description="day of receipt")
    missing: list[Ref] = Field(max_length=MOST_CODES, description="empty when complete")


class DocumentsReceipted(Payload):
    """The county sent the receipt for the documents back."""

    TYPE: ClassVar[str] = "reentry.intake.documents_receipted.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"receipted_on": "2026-02-09"}

    receipted_on: LocalDate = Field(description="day on which the receipt was sent")


class PersonReported(Payload):
    """The person reported in. That nobody did is the absence of this event, or `search_opened`."""

    TYPE: ClassVar[str] = "reentry.intake.person_reported.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "reported_at": "2026-02-06T10:00:00+08:00",
        "channel": "HAND",
        "report_type": "ON_TIME",
    }
    REPEATS_TIME: ClassVar[str | None] = "reported_at"

    reported_at: Instant = Field(description="equals time")
    channel: Annotated[str, codes.CHANNEL] = Field(description="how it was sent")
    report_type: Annotated[str, codes.REPORT_TYPE] = Field(
        description="in time or late, as the office sees it; NOT_REPORTED is accepted and is no fact"
    )


class Registered(Payload):
    """The office registered the person: file, group, plan and agreement."""

    TYPE: ClassVar[str] = "reentry.intake.registered.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "file_ref": "F-990102-311",
        "declared_on": "2026-02-09",
        "group_formed": True,
        "plan_made": True,
        "agreement_signed": True,
    }

    file_ref: MaybeRef | None = Field(default=None, description="opaque file number; empty or absent: not yet")
    declared_on: LocalDate | None = Field(default=None, description="day of the declaration of entry")
    group_formed: bool = Field(description="corrections or help group formed")
    plan_made: bool = Field(description="plan made")
    agreement_signed: bool = Field(description="agreement signed")


class VisitDone(Payload):
    """An officer visited."""

    TYPE: ClassVar[str] = "reentry.intake.visit_done.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"visited_on": "2026-04-03", "met_person": True}

    visited_on: LocalDate = Field(description="day of the visit")
    met_person: bool = Field(description="whether the person was there")


class HelpReferred(Payload):
    """The office asked another agency for help."""

    TYPE: ClassVar[str] = "reentry.intake.help_referred.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.HELPING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("referral_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "referral_id": "R-17",
        "kind": "LEGAL_AID",
        "to_agency": "LEGAL_AID-990102-01",
    }

    referral_id: Ref = Field(description="one referral")
    kind: Annotated[str, codes.HELP_KIND] = Field(description="kind of help")
    to_agency: AgencyId = Field(description="agency asked")


class HelpAnswered(Payload):
    """The agency answered the referral."""

    TYPE: ClassVar[str] = "reentry.intake.help_answered.v1"
    BY: ClassVar[str] = "LEGAL_AID-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.HELPING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("referral_id", "outcome")
    EXAMPLE: ClassVar[Mapping[str, object]] = {"referral_id": "R-17", "kind": "LEGAL_AID", "outcome": "ACCEPTED"}

    referral_id: Ref = Field(description="one referral")
    kind: Annotated[str, codes.HELP_KIND] = Field(description="kind of help")
    outcome: Annotated[str, codes.HELP_OUTCOME] = Field(description="what the agency did")


class TransferRequested(Payload):
    """The person asked to move to another county."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_requested.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ASSIGNING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "from_code": "990102", "to_code": "990103"}

    transfer_id: Ref = Field(description="one transfer")
    from_code: Code = Field(description="where the person lives")
    to_code: Code = Field(description="where the person means to live")


class TransferConsulted(Payload):
    """The old county asked the new one."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_consulted.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ASSIGNING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "from_code": "990102", "to_code": "990103"}

    transfer_id: Ref = Field(description="one transfer")
    from_code: Code = Field(description="where the person lives")
    to_code: Code = Field(description="where the person means to live")


class TransferDecided(Payload):
    """The move was decided; when approved, a handover between the counties begins."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_decided.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ASSIGNING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "transfer_id": "T-5",
        "decision": "APPROVED",
        "from_agency": "COUNTY_JUSTICE-990102-01",
        "to_agency": "COUNTY_JUSTICE-990103-01",
    }

    transfer_id: Ref = Field(description="one transfer")
    decision: Annotated[str, codes.TRANSFER_DECISION] = Field(description="what was decided")
    from_agency: AgencyId = Field(description="old county")
    to_agency: AgencyId = Field(description="new county")
    received_on: LocalDate | None = Field(default=None, description="day on which the person received it; else `time`")


class TransferFilesSent(Payload):
    """The old county sent the files."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_files_sent.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ASSIGNING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "to_agency": "COUNTY_JUSTICE-990103-01"}

    transfer_id: Ref = Field(description="one transfer")
    to_agency: AgencyId = Field(description="new county")


class TransferArrived(Payload):
    """The person arrived in the new county, which answers from now on."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_arrived.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990103-01"
    SENT_BY: ClassVar[Senders] = agencies.ASSIGNING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "to_agency": "COUNTY_JUSTICE-990103-01"}

    transfer_id: Ref = Field(description="one transfer")
    to_agency: AgencyId = Field(description="the new county")


class SearchOpened(Payload):
    """A search for the person began."""

    TYPE: ClassVar[str] = "reentry.intake.search_opened.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "LOST_CONTACT"}

    cause: Annotated[str, codes.SEARCH_CAUSE] = Field(description="why")


class SearchClosed(Payload):
    """The search ended."""

    TYPE: ClassVar[str] = "reentry.intake.search_closed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "LOST_CONTACT", "found": True, "hours": 7.5}

    cause: Annotated[str, codes.SEARCH_CAUSE] = Field(description="why")
    found: bool = Field(description="whether the person was found")
    hours: float = Field(ge=0, le=MOST_HOURS, allow_inf_nan=False, description="length of the search in hours, decimal")


class CustodyNotified(Payload):
    """The person was detained, or released from custody; the end of custody is the same type."""

    TYPE: ClassVar[str] = "reentry.intake.custody_notified.v1"
    BY: ClassVar[str] = "POLICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.NOTIFYING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("status", "since")
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "status": "DETAINED",
        "since": "2026-02-05T14:00:00+08:00",
        "organ": "POLICE",
    }

    status: Annotated[str, codes.CUSTODY_STATUS] = Field(description="begin or end of custody")
    since: Instant = Field(description="when this state began")
    organ: Annotated[str, codes.ORGAN] = Field(description="who holds or held the person")


class DeathNotified(Payload):
    """The person died: closes all handovers of the person."""

    TYPE: ClassVar[str] = "reentry.intake.death_notified.v1"
    BY: ClassVar[str] = "POLICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.NOTIFYING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-03-02"}

    on: LocalDate = Field(description="day of death")


class ReoffenceRecorded(Payload):
    """A new offence became known."""

    TYPE: ClassVar[str] = "reentry.intake.reoffence_recorded.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.RECORDING_OFFENCES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("offence_on",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"offence_on": "2026-06-20", "confirmed": True}

    offence_on: LocalDate = Field(description="day of the offence")
    confirmed: bool = Field(description="whether it is established")


class MeasureApplied(Payload):
    """The office applied or proposed a measure."""

    TYPE: ClassVar[str] = "reentry.intake.measure_applied.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.PUNISHING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("measure",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"measure": "ADMONITION", "on": "2026-02-20"}

    measure: Annotated[str, codes.MEASURE] = Field(description="what was done or proposed")
    on: LocalDate = Field(description="day of the measure")
    received_on: LocalDate | None = Field(
        default=None, description="day on which the court received the proposal; else `time`"
    )


class Closed(Payload):
    """The handover ended."""

    TYPE: ClassVar[str] = "reentry.intake.closed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "TERM_END"}

    cause: Annotated[str, codes.CLOSING_CAUSE] = Field(description="closes the handover")
    to_code: Place | None = Field(
        default=None, description="with MOVED: where the person moves to; its county takes over (kind M)"
    )


class SurveyAnswered(Payload):
    """The county answered a survey: closes its handover."""

    TYPE: ClassVar[str] = "reentry.intake.survey_answered.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("survey_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "survey_id": "S-2026-7",
        "opinion": "SUITABLE",
        "answered_on": "2026-03-13",
    }
    EXAMPLE_TIME: ClassVar[str | None] = "2026-03-13T16:00:00+08:00"

    survey_id: Ref = Field(description="the survey that is answered")
    opinion: Annotated[str, codes.SURVEY_OPINION] = Field(description="what the county found")
    answered_on: LocalDate = Field(description="day of the answer")


PAYLOADS: tuple[type[Payload], ...] = (
    Acknowledged,
    VerificationReturned,
    Returned,
    Assigned,
    PickupPlanned,
    PickupCompleted,
    DocumentsReceived,
    DocumentsReceipted,
    PersonReported,
    Registered,
    VisitDone,
    HelpReferred,
    HelpAnswered,
    TransferRequested,
    TransferConsulted,
    TransferDecided,
    TransferFilesSent,
    TransferArrived,
    SearchOpened,
    SearchClosed,
    CustodyNotified,
    DeathNotified,
    ReoffenceRecorded,
    MeasureApplied,
    Closed,
    SurveyAnswered,
)
