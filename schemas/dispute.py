"""What mediation committees and courts tell: `reentry.dispute.v1`, subject dispute_id."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from schemas import agencies, codes
from schemas.agencies import Senders
from schemas.payload import AgencyId, Code, LocalDate, Payload, PersonRef, Ref

MOST_PERSONS = 200  # named by one dispute: each of them is told of it
MOST_SESSIONS = 10_000  # of one mediation


class Reported(Payload):
    """A dispute became known. Its persons' cases learn that it exists, not what it says."""

    TYPE: ClassVar[str] = "reentry.dispute.reported.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.REPORTING_DISPUTES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "kind": "NEIGHBOUR",
        "level": "VILLAGE",
        "place_code": "990102004",
        "found_by": "SCREENING",
        "person_refs": ["p1_o2jmhljvic5yapacbm5o4zwnrc"],
        "sum_band": "NONE",
    }

    kind: Annotated[str, codes.DISPUTE_KIND] = Field(description="what it is about")
    level: Annotated[str, codes.LEVEL] = Field(description="level at which it is handled")
    place_code: Code = Field(description="where it is")
    found_by: Annotated[str, codes.FOUND_BY] = Field(description="how it became known")
    person_refs: list[PersonRef] = Field(
        max_length=MOST_PERSONS, description="persons under a handover who are party to it; empty if none"
    )
    sum_band: Annotated[str, codes.SUM_BAND] | None = Field(default=None, description="amount in dispute, yuan")


class Accepted(Payload):
    """A committee took the dispute on."""

    TYPE: ClassVar[str] = "reentry.dispute.accepted.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"committee": "MEDIATION-990102004-01", "mediator_ref": "M-88"}

    committee: AgencyId = Field(description="mediation committee")
    mediator_ref: Ref = Field(description="opaque staff id")


class Assigned(Payload):
    """A committee and a mediator were named."""

    TYPE: ClassVar[str] = "reentry.dispute.assigned.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("committee",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"committee": "MEDIATION-990102004-01", "mediator_ref": "M-89"}

    committee: AgencyId = Field(description="mediation committee")
    mediator_ref: Ref = Field(description="opaque staff id")


class Mediated(Payload):
    """A mediation session was held."""

    TYPE: ClassVar[str] = "reentry.dispute.mediated.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("session_no",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"session_no": 1, "extension_agreed": False}

    session_no: int = Field(ge=0, le=MOST_SESSIONS, description="number of the session")
    extension_agreed: bool | None = Field(default=None, description="whether both parties agree to go on (D02)")


class RiskFlagged(Payload):
    """The dispute may turn violent."""

    TYPE: ClassVar[str] = "reentry.dispute.risk_flagged.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.REPORTING_DISPUTES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("police_told",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"police_told": False}

    police_told: bool = Field(description="whether the police were told")


class Escalated(Payload):
    """The dispute went to another level."""

    TYPE: ClassVar[str] = "reentry.dispute.escalated.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.REPORTING_DISPUTES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_level", "police_told")
    EXAMPLE: ClassVar[Mapping[str, object]] = {"from_level": "VILLAGE", "to_level": "TOWN", "police_told": True}

    from_level: Annotated[str, codes.LEVEL] = Field(description="level so far")
    to_level: Annotated[str, codes.LEVEL] = Field(description="level from now on")
    police_told: bool = Field(description="whether the police were told")


class Agreed(Payload):
    """The parties agreed."""

    TYPE: ClassVar[str] = "reentry.dispute.agreed.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"written": True, "perform_by": "2026-04-30"}

    written: bool = Field(description="whether in writing")
    perform_by: LocalDate | None = Field(default=None, description="last day to carry it out")


class Performed(Payload):
    """The agreement was carried out."""

    TYPE: ClassVar[str] = "reentry.dispute.performed.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"performed_on": "2026-04-28"}

    performed_on: LocalDate = Field(description="day on which it was carried out")


class FollowedUp(Payload):
    """The committee asked again after the agreement."""

    TYPE: ClassVar[str] = "reentry.dispute.followed_up.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"followed_up_on": "2026-05-06", "satisfied": True}

    followed_up_on: LocalDate = Field(description="day of the question")
    satisfied: bool = Field(description="whether the parties are satisfied")


class ConfirmedByCourt(Payload):
    """A court confirmed the agreement."""

    TYPE: ClassVar[str] = "reentry.dispute.confirmed_by_court.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"confirmed_on": "2026-04-10"}

    confirmed_on: LocalDate = Field(description="day of the confirmation")


class Failed(Payload):
    """Mediation ended without success."""

    TYPE: ClassVar[str] = "reentry.dispute.failed.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "NO_AGREEMENT", "told_other_routes": True}

    cause: Annotated[str, codes.FAILURE_CAUSE] = Field(description="why")
    told_other_routes: bool = Field(description="whether the parties were told what else they can do")


class Withdrawn(Payload):
    """The parties withdrew."""

    TYPE: ClassVar[str] = "reentry.dispute.withdrawn.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.MEDIATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"told_other_routes": True}

    told_other_routes: bool = Field(description="whether the parties were told what else they can do")


class Referred(Payload):
    """The dispute was passed on to another organ."""

    TYPE: ClassVar[str] = "reentry.dispute.referred.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.REPORTING_DISPUTES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"to": "COURT", "told_other_routes": True}

    to: Annotated[str, codes.REFERRED_TO] = Field(description="organ it went to")
    told_other_routes: bool = Field(description="whether the parties were told what else they can do")


PAYLOADS: tuple[type[Payload], ...] = (
    Reported,
    Accepted,
    Assigned,
    Mediated,
    RiskFlagged,
    Escalated,
    Agreed,
    Performed,
    FollowedUp,
    ConfirmedByCourt,
    Failed,
    Withdrawn,
    Referred,
)
