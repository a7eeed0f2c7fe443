"""What mediation committees and courts tell: `reentry.dispute.v1`."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from schemas.payload import AgencyId, Code, LocalDate, Payload, PersonRef


class Reported(Payload):
    """`reentry.dispute.reported.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.reported.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "kind": "NEIGHBOUR",
        "level": "VILLAGE",
        "place_code": "990102004",
        "found_by": "SCREENING",
        "person_refs": ["p1_o2jmhljvic5yapacbm5o4zwnrc"],
        "sum_band": "NONE",
    }

    kind: Literal["NEIGHBOUR", "FAMILY", "LAND", "LABOUR", "DEBT", "INJURY", "OTHER"]
    level: Literal["VILLAGE", "TOWN", "COUNTY"]
    place_code: Code
    found_by: Literal["SCREENING", "APPLICATION", "REFERRAL"]
    person_refs: list[PersonRef] = Field(description="persons under a handover who are party to it; empty if none")
    sum_band: Literal["NONE", "LT_10K", "LT_100K", "GE_100K"] | None = None


class Accepted(Payload):
    """`reentry.dispute.accepted.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.accepted.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"committee": "MEDIATION-990102004-01", "mediator_ref": "M-88"}

    committee: AgencyId
    mediator_ref: str


class Assigned(Payload):
    """`reentry.dispute.assigned.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.assigned.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("committee",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"committee": "MEDIATION-990102004-01", "mediator_ref": "M-89"}

    committee: AgencyId
    mediator_ref: str


class Mediated(Payload):
    """`reentry.dispute.mediated.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.mediated.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("session_no",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"session_no": 1, "extension_agreed": False}

    session_no: int
    extension_agreed: bool | None = Field(default=None, description="both parties agree to go on (D02)")


class RiskFlagged(Payload):
    """`reentry.dispute.risk_flagged.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.risk_flagged.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("police_told",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"police_told": False}

    police_told: bool


class Escalated(Payload):
    """`reentry.dispute.escalated.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.escalated.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("to_level", "police_told")
    EXAMPLE: ClassVar[Mapping[str, object]] = {"from_level": "VILLAGE", "to_level": "TOWN", "police_told": True}

    from_level: Literal["VILLAGE", "TOWN", "COUNTY"]
    to_level: Literal["VILLAGE", "TOWN", "COUNTY"]
    police_told: bool


class Agreed(Payload):
    """`reentry.dispute.agreed.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.agreed.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"written": True, "perform_by": "2026-04-30"}

    written: bool
    perform_by: LocalDate | None = None


class Performed(Payload):
    """`reentry.dispute.performed.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.performed.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"performed_on": "2026-04-28"}

    performed_on: LocalDate


class FollowedUp(Payload):
    """`reentry.dispute.followed_up.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.followed_up.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"followed_up_on": "2026-05-06", "satisfied": True}

    followed_up_on: LocalDate
    satisfied: bool


class ConfirmedByCourt(Payload):
    """`reentry.dispute.confirmed_by_court.v1`, by court."""

    TYPE: ClassVar[str] = "reentry.dispute.confirmed_by_court.v1"
    BY: ClassVar[str] = "COURT-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"confirmed_on": "2026-04-10"}

    confirmed_on: LocalDate


class Failed(Payload):
    """`reentry.dispute.failed.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.failed.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"cause": "NO_AGREEMENT", "told_other_routes": True}

    cause: Literal["NO_AGREEMENT", "NOT_PERFORMED", "OUT_OF_SCOPE"]
    told_other_routes: bool


class Withdrawn(Payload):
    """`reentry.dispute.withdrawn.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.withdrawn.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"told_other_routes": True}

    told_other_routes: bool


class Referred(Payload):
    """`reentry.dispute.referred.v1`, by mediation."""

    TYPE: ClassVar[str] = "reentry.dispute.referred.v1"
    BY: ClassVar[str] = "MEDIATION-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"to": "COURT", "told_other_routes": True}

    to: Literal["COURT", "POLICE", "ARBITRATION", "ADMINISTRATION"]
    told_other_routes: bool


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
