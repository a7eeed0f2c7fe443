"""What operators decide about alerts: `reentry.action.v1`."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from schemas.payload import AlertId, Instant, Note, Payload


class Acknowledged(Payload):
    """`reentry.action.acknowledged.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.acknowledged.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId
    by: str = Field(description="opaque staff id")
    note: Note | None = None


class Assigned(Payload):
    """`reentry.action.assigned.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.assigned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471", "to": "O-4472"}

    alert_id: AlertId
    by: str
    to: str = Field(description="opaque staff id")
    note: Note | None = None


class Commented(Payload):
    """`reentry.action.commented.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.commented.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "note": "Called the township office",
    }

    alert_id: AlertId
    by: str
    note: Note = Field(description="at most 200 characters")


class Snoozed(Payload):
    """`reentry.action.snoozed.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.snoozed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "until": "2026-02-13T09:00:00+08:00",
        "note": "Visit agreed for Friday",
    }

    alert_id: AlertId
    by: str
    until: Instant
    note: Note


class Waived(Payload):
    """`reentry.action.waived.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.waived.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "note": "Duty lies with another province",
    }

    alert_id: AlertId
    by: str
    note: Note = Field(description="reason, required")


class Reopened(Payload):
    """`reentry.action.reopened.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.reopened.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId
    by: str
    note: Note | None = None


class Unacknowledged(Payload):
    """`reentry.action.unacknowledged.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.unacknowledged.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId
    by: str = Field(description="officer_ref")
    note: Note | None = Field(default=None, description="≤ 200 characters")


class Resumed(Payload):
    """`reentry.action.resumed.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.resumed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId
    by: str = Field(description="officer_ref")
    note: Note | None = Field(default=None, description="≤ 200 characters")


class Contested(Payload):
    """`reentry.action.contested.v1`, by county justice."""

    TYPE: ClassVar[str] = "reentry.action.contested.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "note": "The person lives in another county",
    }

    alert_id: AlertId
    by: str = Field(description="officer_ref")
    note: Note = Field(description="why: wrong office, wrong address, fact disputed; ≤ 200 characters")


class ContestDecided(Payload):
    """`reentry.action.contest_decided.v1`, by city justice."""

    TYPE: ClassVar[str] = "reentry.action.contest_decided.v1"
    BY: ClassVar[str] = "CITY_JUSTICE-990100-01"
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "upheld": True,
        "note": "Address checked on site",
    }

    alert_id: AlertId
    by: str = Field(description="officer_ref of the deciding level")
    upheld: bool = Field(description="true: the objection stands")
    note: Note = Field(description="≤ 200 characters")


PAYLOADS: tuple[type[Payload], ...] = (
    Acknowledged,
    Assigned,
    Commented,
    Snoozed,
    Waived,
    Reopened,
    Unacknowledged,
    Resumed,
    Contested,
    ContestDecided,
)
