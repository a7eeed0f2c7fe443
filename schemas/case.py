"""The public part of a case: the value of `reentry.case.v1` (contract.md 2)."""

from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from schemas.alert import At, Counted, Text


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Milestone(_Read):
    """The latest fact of one name."""

    fact: str
    time: At
    arrival: At
    source: str
    event_id: str


class HandoverView(_Read):
    """One handover with the state people see."""

    handover_id: str
    kind: str
    state: str
    opened_at: At
    closed_at: At | None
    release_date: str | None
    sending: str
    county: str
    town: str
    jurisdiction: str
    key_person: bool
    milestones: tuple[Milestone, ...]


class DisputeView(_Read):
    """Where a dispute stands."""

    state: str
    level: str | None
    place_code: str | None
    committee: str | None


class ObligationView(_Read):
    """An obligation not yet ended, or waived."""

    obligation_id: str
    alert_id: str
    handover_id: str | None
    rule_id: str
    occurrence: str
    owner_agency: str
    jurisdiction: str
    state: Literal["open", "overdue", "paused", "waived"]
    severity: str
    anchor_at: At
    due_at: At
    warn_at: At = Field(description="shown as due soon from here on: the last third of the period, at least one day")
    provisional: bool
    reason: Text
    missing: tuple[str, ...]
    computation: tuple[Counted, ...]


class CaseSnapshot(_Read):
    """What others may read of a case; the rest is the pipeline's own memory."""

    format: int
    subject: str
    kind: Literal["PERSON", "DISPUTE", "OFFICE", "SOURCE"]
    revision: int
    changed_at: At | None
    handovers: tuple[HandoverView, ...]
    forgotten: tuple[str, ...] = Field(
        (), description="ids of handovers closed long ago, of which no more is kept here"
    )
    dispute: DisputeView | None
    obligations: tuple[ObligationView, ...]


def read(value: bytes) -> CaseSnapshot:
    """The public part of a record of the case topic. Raise ValueError, which never quotes it."""
    return CaseSnapshot.model_validate(orjson.loads(value))
