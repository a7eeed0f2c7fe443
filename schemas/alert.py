"""The alert: the value of `reentry.alert.v1` (contract.md section 4)."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from schemas.instants import instant, show
from schemas.payload import PIPELINE

TYPE = "reentry.alert.changed.v1"


def _read_instant(value: object) -> object:
    return instant(value) if isinstance(value, str) else value


At = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    PlainSerializer(show, when_used="always"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Entry = dict[str, Any]


class Alert(BaseModel):
    """One revision of one alert. Instants are log time: when this became true given what had arrived."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: str = Field(description="uuid5 of the obligation")
    obligation_id: str
    subject: str
    handover_id: str | None = Field(description="null for disputes and system alerts")
    handover_kind: Literal["A", "A+", "B1", "B2", "B3", "T", "C", "U", "DISPUTE", "SYSTEM"]
    rule_id: str
    occurrence: str
    rule_book: str
    severity: Literal["INFO", "WARN", "HIGH", "CRIT"]
    state: Literal["firing", "resolved", "withdrawn"]
    outcome: Literal["met_late", "late_delivery", "met", "waived", "cancelled", "paused", "redated", "mistake"] | None
    step: int
    stage: int
    held: bool = Field(description="a feed is down, nobody is called")
    owner_agency: str
    jurisdiction: str
    anchor_at: At
    due_at: At = Field(description="the first instant that is too late")
    raised_at: At
    changed_at: At
    resolved_at: At | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: At | None
    contest: Literal["open", "upheld", "rejected"] | None
    provisional: bool
    reason: dict[str, str]
    basis: tuple[dict[str, str], ...]
    seen: tuple[str, ...]
    missing: tuple[str, ...]
    computation: tuple[Entry, ...]
    ladder: tuple[Entry, ...]
    revision: int

    def wire(self) -> dict[str, Any]:
        """Plain JSON values, instants with +08:00."""
        return self.model_dump()


def event(alert: Alert) -> dict[str, Any]:
    """The CloudEvent that carries an alert."""
    return {
        "specversion": "1.0",
        "id": f"{alert.alert_id}:{alert.revision}",
        "source": PIPELINE,
        "type": TYPE,
        "subject": alert.subject,
        "time": show(alert.changed_at),
        "datacontenttype": "application/json",
        "data": alert.wire(),
    }


def read(value: bytes) -> Alert:
    """The alert in a record of the alert topic. Raise ValueError (pydantic's included)."""
    return Alert.model_validate(orjson.loads(value)["data"])
