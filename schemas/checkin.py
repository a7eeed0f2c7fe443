"""What township offices and location systems tell: `reentry.checkin.v1`."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from schemas.payload import Code, Instant, LocalDate, Part, Payload


class PlanItem(Part):
    """One duty of a check-in plan."""

    kind: Literal["REPORT", "CALL", "THOUGHT_REPORT", "LEARNING", "SERVICE", "VISIT", "MEDICAL"]
    cadence: Literal["DAILY", "WEEKLY", "FORTNIGHTLY", "MONTHLY"]


class PlanSet(Payload):
    """`reentry.checkin.plan_set.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.checkin.plan_set.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "items": [{"kind": "REPORT", "cadence": "MONTHLY"}, {"kind": "CALL", "cadence": "WEEKLY"}],
        "class": "ORDINARY",
        "from": "2026-02-10",
    }

    items: list[PlanItem] = Field(
        description="list of {kind, cadence}; kind as in checkin.completed; cadence DAILY 每日 · WEEKLY 每周 · FORTNIGHTLY 每两周 · MONTHLY 每月"
    )
    class_: Literal["STRICT", "ORDINARY", "RELAXED", "INITIAL"] = Field(alias="class")
    from_: LocalDate = Field(alias="from", description="first day of the first windows")


class Completed(Payload):
    """`reentry.checkin.completed.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.checkin.completed.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"kind": "CALL", "at": "2026-02-12T09:00:00+08:00", "verified_by": "OFFICER"}

    kind: Literal["REPORT", "CALL", "THOUGHT_REPORT", "LEARNING", "SERVICE", "VISIT", "MEDICAL"]
    at: Instant = Field(description="equals time")
    verified_by: Literal["FACE", "VOICE", "OFFICER", "NONE"]


class LocationChecked(Payload):
    """`reentry.checkin.location_checked.v1`, by location."""

    TYPE: ClassVar[str] = "reentry.checkin.location_checked.v1"
    BY: ClassVar[str] = "LOCATION-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"result": "IN_AREA", "area_code": "990102", "checked_at": "2026-02-12T09:05:00+08:00"}

    result: Literal["IN_AREA", "OUT_OF_AREA", "NO_FIX", "DEVICE_OFF", "SEPARATED"]
    area_code: Code | None = Field(default=None, description="at most county level")
    checked_at: Instant = Field(description="equals time")


class Excused(Payload):
    """`reentry.checkin.excused.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.checkin.excused.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("kind", "from")
    EXAMPLE: ClassVar[Mapping[str, object]] = {"kind": "CALL", "from": "2026-02-17", "until": "2026-02-23", "reason_code": "ILLNESS"}

    kind: Literal["REPORT", "CALL", "THOUGHT_REPORT", "LEARNING", "SERVICE", "VISIT", "MEDICAL", "LOCATION"]
    from_: LocalDate = Field(alias="from")
    until: LocalDate = Field(description="last day, included")
    reason_code: Literal["ILLNESS", "WORK", "FAMILY", "DEVICE_FAULT", "OTHER"]


class LeaveApproved(Payload):
    """`reentry.checkin.leave_approved.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.checkin.leave_approved.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("leave_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"leave_id": "L-3", "from": "2026-03-01", "until": "2026-03-05", "to_code": "990103"}

    leave_id: str
    from_: LocalDate = Field(alias="from")
    until: LocalDate = Field(description="last day, included")
    to_code: Code | None = None


class LeaveReturned(Payload):
    """`reentry.checkin.leave_returned.v1`, by town justice."""

    TYPE: ClassVar[str] = "reentry.checkin.leave_returned.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("leave_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"leave_id": "L-3", "returned_at": "2026-03-05T18:00:00+08:00"}

    leave_id: str
    returned_at: Instant = Field(description="equals time")


class EmStarted(Payload):
    """`reentry.checkin.em_started.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.checkin.em_started.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-01-05", "until": "2026-04-05"}

    on: LocalDate = Field(description="first day of the term")
    until: LocalDate = Field(description="last day of the term")


class EmExtended(Payload):
    """`reentry.checkin.em_extended.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.checkin.em_extended.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-04-05", "until": "2026-06-05"}

    on: LocalDate = Field(description="first day of the new term")
    until: LocalDate = Field(description="last day of the new term")


class EmEnded(Payload):
    """`reentry.checkin.em_ended.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.checkin.em_ended.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-06-05"}

    on: LocalDate


PAYLOADS: tuple[type[Payload], ...] = (
    PlanSet,
    Completed,
    LocationChecked,
    Excused,
    LeaveApproved,
    LeaveReturned,
    EmStarted,
    EmExtended,
    EmEnded,
)
