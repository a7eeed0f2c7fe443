"""What operators decide about alerts: `reentry.action.v1`, subject of the alert."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from schemas import agencies
from schemas.agencies import Senders
from schemas.payload import AlertId, Instant, Note, Payload, Ref, Remark


class Acknowledged(Payload):
    """An operator has seen the alert and takes care: climbing stops for one period."""

    TYPE: ClassVar[str] = "reentry.action.acknowledged.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Remark | None = Field(default=None, description="free text, at most 200 characters")


class Assigned(Payload):
    """An operator gave the alert to a colleague."""

    TYPE: ClassVar[str] = "reentry.action.assigned.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "to": "O-4472",
    }

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    to: Ref = Field(description="opaque staff id")
    note: Remark | None = Field(default=None, description="free text, at most 200 characters")


class Commented(Payload):
    """An operator wrote a remark; nothing else changes."""

    TYPE: ClassVar[str] = "reentry.action.commented.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "note": "Called the township office",
    }

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Note = Field(description="free text, at most 200 characters")


class Snoozed(Payload):
    """An operator put the alert aside until an instant: no climbing until then."""

    TYPE: ClassVar[str] = "reentry.action.snoozed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "until": "2026-02-13T09:00:00+08:00",
        "note": "Visit agreed for Friday",
    }

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    until: Instant = Field(description="end of the snooze")
    note: Note = Field(description="free text, at most 200 characters")


class Waived(Payload):
    """The obligation is waived: the alert ends, or is never raised."""

    TYPE: ClassVar[str] = "reentry.action.waived.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "note": "Duty lies with another province",
    }

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Note = Field(description="why; required")


class Reopened(Payload):
    """The waiver is taken back."""

    TYPE: ClassVar[str] = "reentry.action.reopened.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Remark | None = Field(default=None, description="free text, at most 200 characters")


class Unacknowledged(Payload):
    """The acknowledgement is taken back; the ladder stays."""

    TYPE: ClassVar[str] = "reentry.action.unacknowledged.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Remark | None = Field(default=None, description="free text, at most 200 characters")


class Resumed(Payload):
    """A snooze ends now instead of at its `until`."""

    TYPE: ClassVar[str] = "reentry.action.resumed.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {"alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d", "by": "O-4471"}

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Remark | None = Field(default=None, description="free text, at most 200 characters")


class Contested(Payload):
    """The owner objects (异议): the alert goes on, reports leave it out of the denominator."""

    TYPE: ClassVar[str] = "reentry.action.contested.v1"
    BY: ClassVar[str] = "COUNTY_JUSTICE-990102-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "note": "The person lives in another county",
    }

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id")
    note: Note = Field(description="why: wrong office, wrong address, fact disputed; at most 200 characters")


class ContestDecided(Payload):
    """The level above decided on the objection."""

    TYPE: ClassVar[str] = "reentry.action.contest_decided.v1"
    BY: ClassVar[str] = "CITY_JUSTICE-990100-01"
    SENT_BY: ClassVar[Senders] = agencies.ANY
    SAME_WHEN: ClassVar[tuple[str, ...] | None] = None
    EXAMPLE: ClassVar[Mapping[str, object]] = {
        "alert_id": "5f0c2f1e-7d5b-5d0e-9a3e-0d6f5f1b2c3d",
        "by": "O-4471",
        "upheld": True,
        "note": "Address checked on site",
    }

    alert_id: AlertId = Field(description="the alert")
    by: Ref = Field(description="opaque staff id at the deciding level")
    upheld: bool = Field(description="true: the objection stands")
    note: Note = Field(description="free text, at most 200 characters")


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
