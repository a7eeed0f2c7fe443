"""What township offices and location systems tell: `reentry.checkin.v1`, subject person_ref."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from schemas import agencies, codes
from schemas.agencies import Senders
from schemas.payload import MOST_CODES, Code, Instant, LocalDate, Part, Payload, Ref


class PlanItem(Part):
    """One duty of a check-in plan."""

    kind: Annotated[str, codes.CHECK_IN_KIND] = Field(description="kind of check-in")
    cadence: Annotated[str, codes.CADENCE] = Field(description="how often")


class PlanSet(Payload):
    """The check-in plan, from a day on; a later plan ends the earlier one."""

    TYPE: ClassVar[str] = "reentry.checkin.plan_set.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "items": [{"kind": "REPORT", "cadence": "MONTHLY"}, {"kind": "CALL", "cadence": "WEEKLY"}],
        "class": "ORDINARY",
        "from": "2026-02-10",
    }

    items: list[PlanItem] = Field(max_length=MOST_CODES, description="what is owed, and how often")
    class_: Annotated[str, codes.SUPERVISION_CLASS] = Field(alias="class", description="class of supervision")
    from_: LocalDate = Field(alias="from", description="first day of the first windows")


class Completed(Payload):
    """The person checked in."""

    TYPE: ClassVar[str] = "reentry.checkin.completed.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.LOCATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "kind": "CALL",
        "at": "2026-02-12T09:00:00+08:00",
        "verified_by": "OFFICER",
    }
    REPEATS_TIME: ClassVar[str | None] = "at"

    kind: Annotated[str, codes.CHECK_IN_KIND] = Field(description="kind of check-in")
    at: Instant = Field(description="equals time")
    verified_by: Annotated[str, codes.VERIFIED_BY] = Field(description="how identity was checked")


class LocationChecked(Payload):
    """A location system looked where the person is: an area, never coordinates."""

    TYPE: ClassVar[str] = "reentry.checkin.location_checked.v1"
    BY: ClassVar[str] = "LOCATION-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.LOCATING
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "result": "IN_AREA",
        "area_code": "990102",
        "checked_at": "2026-02-12T09:05:00+08:00",
    }
    REPEATS_TIME: ClassVar[str | None] = "checked_at"

    result: Annotated[str, codes.LOCATION_RESULT] = Field(description="what was seen")
    area_code: Code | None = Field(default=None, description="at most county level")
    checked_at: Instant = Field(description="equals time")


class Excused(Payload):
    """Check-ins of one kind are excused for some days."""

    TYPE: ClassVar[str] = "reentry.checkin.excused.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("kind", "from")
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "kind": "CALL",
        "from": "2026-02-17",
        "until": "2026-02-23",
        "reason_code": "ILLNESS",
    }

    kind: Annotated[str, codes.EXCUSED_KIND] = Field(description="kind of check-in, or the location checks")
    from_: LocalDate = Field(alias="from", description="first day")
    until: LocalDate = Field(description="last day, included")
    reason_code: Annotated[str, codes.EXCUSE] = Field(description="why")


class LeaveApproved(Payload):
    """The person may leave the area for some days."""

    TYPE: ClassVar[str] = "reentry.checkin.leave_approved.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("leave_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "leave_id": "L-3",
        "from": "2026-03-01",
        "until": "2026-03-05",
        "to_code": "990103",
    }

    leave_id: Ref = Field(description="one leave")
    from_: LocalDate = Field(alias="from", description="first day")
    until: LocalDate = Field(description="last day, included")
    to_code: Code | None = Field(default=None, description="where the person goes")


class LeaveReturned(Payload):
    """The person came back from leave."""

    TYPE: ClassVar[str] = "reentry.checkin.leave_returned.v1"
    BY: ClassVar[str] = "TOWN_JUSTICE-990102004-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ("leave_id",)
    EXAMPLE: ClassVar[Mapping[str, object]] = {"leave_id": "L-3", "returned_at": "2026-03-05T18:00:00+08:00"}
    REPEATS_TIME: ClassVar[str | None] = "returned_at"

    leave_id: Ref = Field(description="one leave")
    returned_at: Instant = Field(description="equals time")


class EmStarted(Payload):
    """Electronic monitoring began."""

    TYPE: ClassVar[str] = "reentry.checkin.em_started.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-01-05", "until": "2026-04-05"}

    on: LocalDate = Field(description="first day of the term")
    until: LocalDate = Field(description="last day of the term")


class EmExtended(Payload):
    """Electronic monitoring was extended by another term."""

    TYPE: ClassVar[str] = "reentry.checkin.em_extended.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-04-05", "until": "2026-06-05"}

    on: LocalDate = Field(description="first day of the new term")
    until: LocalDate = Field(description="last day of the new term")


class EmEnded(Payload):
    """Electronic monitoring ended."""

    TYPE: ClassVar[str] = "reentry.checkin.em_ended.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.OFFICES
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = ()
    EXAMPLE: ClassVar[Mapping[str, object]] = {"on": "2026-06-05"}

    on: LocalDate = Field(description="day on which it ended")


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
