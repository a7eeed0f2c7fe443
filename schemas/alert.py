"""The alert: the value of `reentry.alert.v1` (contract.md 4)."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from schemas import codes
from schemas.instants import derived_instant, in_china, show
from schemas.payload import PIPELINE

TYPE = "reentry.alert.changed.v1"


def _read_instant(value: object) -> object:
    if isinstance(value, datetime):
        return in_china(value)
    return derived_instant(value) if isinstance(value, str) else value


At = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    PlainSerializer(show, when_used="always"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
_TEXT = {"type": "string"}
_DATE = {"type": "string", "format": "date"}


def _object(required: str, **properties: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "object", "required": required.split(), "properties": properties})


Text = Annotated[dict[str, str], _object("zh en", zh=_TEXT, en=_TEXT)]  # one sentence in both languages
Basis = Annotated[
    dict[str, str],
    _object("zh en status", zh=_TEXT, en=_TEXT, status={"type": "string", "enum": ["verified", "confirm_locally"]}),
]
Counted = Annotated[
    dict[str, Any],
    _object(
        "is",
        day=_DATE,
        **{"is": {"type": "string", "enum": ["anchor", "counted", "off", "makeup", "due", "custody"]}},
        n={"type": "integer", "description": "how many have been counted up to this day"},
        days={"type": "integer", "description": "days in custody"},
        hours={"type": "number", "description": "length of an hour clock"},
    ),
]
Rung = Annotated[
    dict[str, Any],
    _object("step to at", step={"type": "integer"}, to=_TEXT, at={"type": "string", "format": "date-time"}),
]


class Alert(BaseModel):
    """One revision of one alert. Instants are log time: when this became true given what had arrived."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    alert_id: str = Field(description="uuid5 of the obligation")
    obligation_id: str = Field(description="uuid5 of handover or dispute, rule and occurrence")
    subject: str = Field(description="as the case: person_ref, dispute_id, source or jurisdiction code")
    handover_id: str | None = Field(description="null for disputes and system alerts")
    handover_kind: Annotated[str, codes.HANDOVER_KIND]
    rule_id: str
    occurrence: str = Field(description="which of several obligations of one rule")
    rule_book: str = Field(description="the version that raised it")
    severity: Annotated[str, codes.SEVERITY]
    state: Literal["firing", "resolved", "withdrawn"]
    outcome: (
        Literal["met_late", "late_delivery", "met", "waived", "cancelled", "paused", "redated", "mistake"] | None
    ) = Field(description="how it ended; null while firing")
    step: int = Field(description="rung of the ladder reached")
    stage: int = Field(description="severity stages reached, from 0")
    held: bool = Field(description="a feed is down, nobody is called")
    owner_agency: str = Field(description="who owes the answer")
    jurisdiction: str = Field(description="where the person or dispute is, not who owes")
    anchor_at: At = Field(description="when the clock started")
    due_at: At = Field(description="the first instant that is too late")
    raised_at: At
    changed_at: At
    resolved_at: At | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: At | None
    contest: Literal["open", "upheld", "rejected"] | None
    provisional: bool = Field(description="a calendar year that is not published was asked about")
    reason: Text = Field(description="one sentence why")
    basis: tuple[Basis, ...] = Field(description="legal ground")
    seen: tuple[str, ...] = Field(description="ids of the events that count")
    missing: tuple[str, ...] = Field(description="types of which one would end it")
    computation: tuple[Counted, ...] = Field(description="the day-by-day count")
    ladder: tuple[Rung, ...] = Field(description="who is told when, as planned")
    revision: int = Field(description="only grows")

    def wire(self) -> dict[str, Any]:
        """Plain JSON values, instants with +08:00."""
        return self.model_dump(mode="json")


def event(alert: Alert, written: object = None) -> dict[str, Any]:
    """The CloudEvent that carries an alert. `written`: its JSON, where that has been made already."""
    return {
        "specversion": "1.0",
        "id": f"{alert.alert_id}:{alert.revision}",
        "source": PIPELINE,
        "type": TYPE,
        "subject": alert.subject,
        "time": show(alert.changed_at),
        "datacontenttype": "application/json",
        "data": written or alert.wire(),
    }


def read(value: bytes) -> Alert:
    """The alert in a record of the alert topic, a CloudEvent. Raise ValueError, which never quotes it."""
    body = orjson.loads(value)
    if not isinstance(body, dict) or body.get("type") != TYPE:
        raise ValueError(f"no CloudEvent of type {TYPE}")
    return Alert.model_validate(body.get("data"))
