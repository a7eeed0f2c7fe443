"""What county and township justice offices and help agencies tell: `reentry.intake.v1`."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from schemas.payload import AgencyId, Code, Instant, LocalDate, Payload


class Acknowledged(Payload):
    """`reentry.intake.acknowledged.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.acknowledged.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("accepted",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"accepted": True, "officer_ref": "O-4471"}

    accepted: bool
    officer_ref: str = Field(description="opaque staff id")


class VerificationReturned(Payload):
    """`reentry.intake.verification_returned.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.intake.verification_returned.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("result",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"result": "VERIFIED", "checked_on": "2026-03-10", "family_contacted": True}

    result: Literal["VERIFIED", "ADDRESS_FALSE", "PERSON_UNKNOWN", "NOT_OURS", "PARTIAL"] = Field(description="NOT_OURS is a return")
    checked_on: LocalDate
    family_contacted: bool


class Returned(Payload):
    """`reentry.intake.returned.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.returned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"reason": "LIVES_ELSEWHERE", "suggested_code": "990103"}

    reason: Literal["NOT_OURS", "ADDRESS_FALSE", "LIVES_ELSEWHERE", "PERSON_UNKNOWN"]
    suggested_code: Code | None = None


class Assigned(Payload):
    """`reentry.intake.assigned.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.assigned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("town_agency",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"town_agency": "TOWN_JUSTICE-990102004-01", "officer_ref": "O-4472"}

    town_agency: AgencyId
    officer_ref: str


class PickupPlanned(Payload):
    """`reentry.intake.pickup_planned.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.pickup_planned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"planned_at": "2026-03-31T08:30:00+08:00"}

    planned_at: Instant


class PickupCompleted(Payload):
    """`reentry.intake.pickup_completed.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.intake.pickup_completed.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"handed_over_at": "2026-03-31T09:20:00+08:00", "family_present": True}

    handed_over_at: Instant = Field(description="equals time")
    family_present: bool


class DocumentsReceived(Payload):
    """`reentry.intake.documents_received.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.documents_received.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"received_on": "2026-02-06", "missing": []}

    received_on: LocalDate
    missing: list[str] = Field(description="empty when complete")


class DocumentsReceipted(Payload):
    """`reentry.intake.documents_receipted.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.documents_receipted.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"receipted_on": "2026-02-09"}

    receipted_on: LocalDate


class PersonReported(Payload):
    """`reentry.intake.person_reported.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.intake.person_reported.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"reported_at": "2026-02-06T10:00:00+08:00", "channel": "HAND", "report_type": "ON_TIME"}

    reported_at: Instant = Field(description="equals time")
    channel: Literal["NETWORK", "POST", "HAND", "COURIER"]
    report_type: Literal["ON_TIME", "LATE"]


class Registered(Payload):
    """`reentry.intake.registered.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.intake.registered.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "file_ref": "F-990102-311",
        "declared_on": "2026-02-09",
        "group_formed": True,
        "plan_made": True,
        "agreement_signed": True,
    }

    file_ref: str | None = Field(default=None, description="empty or absent: not yet")
    declared_on: LocalDate | None = None
    group_formed: bool
    plan_made: bool
    agreement_signed: bool


class VisitDone(Payload):
    """`reentry.intake.visit_done.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.intake.visit_done.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"visited_on": "2026-04-03", "met_person": True}

    visited_on: LocalDate
    met_person: bool


class HelpReferred(Payload):
    """`reentry.intake.help_referred.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.intake.help_referred.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("referral_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"referral_id": "R-17", "kind": "LEGAL_AID", "to_agency": "LEGAL_AID-990102-01"}

    referral_id: str
    kind: Literal["EMPLOYMENT", "LEGAL_AID", "RELIEF", "MEDICAL", "HOUSING", "SCHOOL", "PSYCH"]
    to_agency: AgencyId


class HelpAnswered(Payload):
    """`reentry.intake.help_answered.v1`, by legal aid."""

    TYPE: ClassVar[str] = "reentry.intake.help_answered.v1"
    BY: ClassVar[str] = "LEGAL_AID-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("referral_id", "outcome")
    EXAMPLE: ClassVar[Mapping[str, object]] = {"referral_id": "R-17", "kind": "LEGAL_AID", "outcome": "ACCEPTED"}

    referral_id: str
    kind: Literal["EMPLOYMENT", "LEGAL_AID", "RELIEF", "MEDICAL", "HOUSING", "SCHOOL", "PSYCH"]
    outcome: Literal["ACCEPTED", "ASSIGNED", "COMPLETED", "DECLINED"]


class TransferRequested(Payload):
    """`reentry.intake.transfer_requested.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_requested.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "from_code": "990102", "to_code": "990103"}

    transfer_id: str
    from_code: Code
    to_code: Code


class TransferConsulted(Payload):
    """`reentry.intake.transfer_consulted.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_consulted.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "from_code": "990102", "to_code": "990103"}

    transfer_id: str
    from_code: Code
    to_code: Code


class TransferDecided(Payload):
    """`reentry.intake.transfer_decided.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_decided.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "transfer_id": "T-5",
        "decision": "APPROVED",
        "from_agency": "COUNTY_JUSTICE-990102-01",
        "to_agency": "COUNTY_JUSTICE-990103-01",
    }

    transfer_id: str
    decision: Literal["APPROVED", "REFUSED"]
    from_agency: AgencyId
    to_agency: AgencyId


class TransferFilesSent(Payload):
    """`reentry.intake.transfer_files_sent.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_files_sent.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "to_agency": "COUNTY_JUSTICE-990103-01"}

    transfer_id: str
    to_agency: AgencyId


class TransferArrived(Payload):
    """`reentry.intake.transfer_arrived.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.transfer_arrived.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990103-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("transfer_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"transfer_id": "T-5", "to_agency": "COUNTY_JUSTICE-990103-01"}

    transfer_id: str
    to_agency: AgencyId = Field(description="the new county")


class SearchOpened(Payload):
    """`reentry.intake.search_opened.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.search_opened.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "LOST_CONTACT"}

    cause: Literal["NOT_REPORTED", "LOST_CONTACT", "NOT_RETURNED"]


class SearchClosed(Payload):
    """`reentry.intake.search_closed.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.search_closed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "LOST_CONTACT", "found": True, "hours": 7.5}

    cause: Literal["NOT_REPORTED", "LOST_CONTACT", "NOT_RETURNED"]
    found: bool
    hours: float


class CustodyNotified(Payload):
    """`reentry.intake.custody_notified.v1`, by police."""

    TYPE: ClassVar[str] = "reentry.intake.custody_notified.v1"
    BY: ClassVar[str] = "POLICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("status", "since")
    EXAMPLE: ClassVar[Mapping[str, object]] = {"status": "DETAINED", "since": "2026-02-05T14:00:00+08:00", "organ": "POLICE"}

    status: Literal["DETAINED", "RELEASED"]
    since: Instant = Field(description="when this state began")
    organ: Literal["POLICE", "PROCURATORATE", "COURT", "OTHER"]


class DeathNotified(Payload):
    """`reentry.intake.death_notified.v1`, by police."""

    TYPE: ClassVar[str] = "reentry.intake.death_notified.v1"
    BY: ClassVar[str] = "POLICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-03-02"}

    on: LocalDate


class ReoffenceRecorded(Payload):
    """`reentry.intake.reoffence_recorded.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.reoffence_recorded.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("offence_on",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"offence_on": "2026-06-20", "confirmed": True}

    offence_on: LocalDate
    confirmed: bool


class MeasureApplied(Payload):
    """`reentry.intake.measure_applied.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.measure_applied.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("measure",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"measure": "ADMONITION", "on": "2026-02-20"}

    measure: Literal["ADMONITION", "WARNING", "PUBLIC_ORDER_PENALTY", "REVOCATION_PROPOSED", "RETURN_PROPOSED", "ARREST_REQUESTED"]
    on: LocalDate


class Closed(Payload):
    """`reentry.intake.closed.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.intake.closed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "TERM_END"}

    cause: Literal["TERM_END", "HELP_END", "REVOKED", "DEATH", "MOVED", "PARDON"] = Field(description="closes the handover")


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
)
