"""Rows as pages read them: the names and types of the columns, so that a renamed column is found by the type checker.

A query is read with the shape that it has (`read_all`, `read_first`); columns that differ from it are refused at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Select

Json = Mapping[str, Any]
Shape = TypeVar("Shape")


def read_all(connection: Connection, query: Select[Any], shape: type[Shape]) -> list[Shape]:
    """The rows of a query, each as a dict of this shape. Raise TypeError where its columns are others."""
    result = connection.execute(query)
    names = _check(result.keys(), shape)
    return [dict(zip(names, row, strict=True)) for row in result]  # type: ignore[misc]  # checked above


def read_first(connection: Connection, query: Select[Any], shape: type[Shape]) -> Shape | None:
    """The first row of a query; None where it has none. Raise TypeError where its columns are others."""
    result = connection.execute(query)
    names = _check(result.keys(), shape)
    row = result.first()
    return dict(zip(names, row, strict=True)) if row is not None else None  # type: ignore[return-value]  # checked above


def columns_of(table: FromClause, *shapes: type) -> list[ColumnElement[Any]]:
    """The columns of a table that these shapes name. Raise KeyError for one that it has not."""
    return [table.c[name] for shape in shapes for name in shape.__annotations__]


def _check(columns: Iterable[str], shape: type) -> tuple[str, ...]:
    names = tuple(columns)
    differing = shape.__annotations__.keys() ^ set(names)
    if differing:
        raise TypeError(f"{shape.__name__}: the query has other columns: {', '.join(sorted(differing))}")
    return names


# --- what somebody owes: alerts, obligations without an alert, obligations of the ledger


class AboutPerson(TypedDict):
    """Whose data a row is, if its subject is a person, and where they are."""

    subject: str
    jurisdiction: str


class OwedColumns(AboutPerson):
    """What alerts, obligations and the ledger have."""

    obligation_id: str
    alert_id: str
    handover_kind: str
    rule_id: str
    occurrence: str
    severity: str
    owner_agency: str
    anchor_at: datetime
    due_at: datetime
    provisional: bool
    computation: Sequence[Json]


class ReasonColumns(TypedDict):
    """What alerts and obligations have."""

    reason: Mapping[str, str]
    missing: Sequence[str]


class AlertColumns(TypedDict):
    """What only alerts have."""

    step: int
    held: bool
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    contest: str | None
    revision: int
    raised_at: datetime | None


class FeedAlert(TypedDict):
    """An alert about a feed itself."""

    subject: str
    rule_id: str
    raised_at: datetime


class PastFeedAlert(FeedAlert):
    """With what its line says, and what says who sees it."""

    alert_id: str
    occurrence: str
    severity: str
    state: str
    step: int
    owner_agency: str
    jurisdiction: str
    due_at: datetime
    resolved_at: datetime | None


class HeldAlerts(TypedDict):
    """How many alerts of a rule, owner and handover are held back; None: there is no handover."""

    rule_id: str
    owner_agency: str
    county: str | None
    town: str | None
    sending: str | None
    n: int


class ObligationColumns(OwedColumns, ReasonColumns):
    """A row of the queue that is no alert."""


class FiringColumns(OwedColumns, ReasonColumns, AlertColumns):
    """A row of the queue that is an alert."""


class ListedRow(OwedColumns, AlertColumns):
    """A row of any list of these. `late`: it is an alert; `outcome`: how it ended, None: it has not."""

    late: bool
    outcome: str | None


class QueueRow(ListedRow, ReasonColumns):
    """A row of the queue."""


class AlertTableRow(OwedColumns, ReasonColumns, AlertColumns):
    """A row of `alert` or `alert_history`."""

    handover_id: str | None
    rule_book: str
    state: str
    outcome: str | None
    stage: int
    changed_at: datetime
    resolved_at: datetime | None
    basis: Sequence[Json]
    seen: Sequence[str]
    ladder: Sequence[Json]
    written_at: datetime


class ObligationTableRow(OwedColumns, ReasonColumns):
    """A row of `obligation`."""

    handover_id: str | None
    state: str
    warn_at: datetime


class RaisedRow(AlertTableRow):
    """An alert as its page shows it."""

    late: bool


class UnraisedRow(ObligationTableRow, AlertColumns):
    """The obligation that would raise it."""

    late: bool
    outcome: str | None
    resolved_at: datetime | None
    changed_at: datetime | None
    rule_book: str | None
    basis: Sequence[Json]
    seen: Sequence[str]
    ladder: Sequence[Json]


AlertRow = RaisedRow | UnraisedRow  # `late` says which


class LedgerRow(OwedColumns):
    """An obligation of the ledger as it stood at an instant, with what is known of its alert."""

    handover_id: str | None
    key_person: bool
    county: str
    met_at: datetime | None
    standing: str
    contest: str | None
    step: int | None
    held: bool | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    revision: int | None
    raised_at: datetime | None
    alert_severity: str | None
    alert_state: str | None


class DrillDownObligation(ListedRow):
    """A row behind an indicator: a row of the ledger as a list shows it. `missing`: always empty."""

    handover_id: str | None
    key_person: bool
    county: str
    met_at: datetime | None
    standing: str
    alert_severity: str | None
    alert_state: str | None
    has_alert: bool
    fires: bool
    missing: Sequence[str]


# --- persons


class HandoverRow(AboutPerson):
    """A row of `handover`."""

    handover_id: str
    revision: int
    kind: str
    state: str
    county: str
    town: str
    sending: str
    release_date: str | None
    key_person: bool
    opened_at: datetime
    closed_at: datetime | None


class ListedHandover(HandoverRow):
    """With how many of its person's alerts fire."""

    late: int


class EventRow(TypedDict):
    """A row of `event`; `body` is the event as it was published."""

    source: str
    id: str
    topic: str
    type: str
    subject: str
    time: datetime
    arrival: datetime
    day: str
    sequence: int | None
    body: Json


# --- what officers asked for


class PendingRow(TypedDict):
    """A row of `pending`: an action that is on its way to the topic; `body` is its event."""

    event_id: str
    idempotency_key: str
    batch: str
    user_id: str
    alert_id: str
    action: str
    revision: int
    body: Json
    asked_at: datetime
    publish_at: datetime
    done_at: datetime | None
    state: str
    failure: str | None


# --- dead letters


class LetterRow(TypedDict):
    """A dead letter without its key, value and headers; `bytes`: of its value."""

    partition: int
    offset: int
    reason: str
    original_topic: str
    original_partition: int
    original_offset: int
    message: str
    source: str
    type: str
    field: str
    received_at: datetime
    redrives: int
    state: str
    bytes: int | None


class RedriveRow(TypedDict):
    """A row of `redrive`; `preview`: what it would do."""

    redrive_id: str
    user_id: str
    asked_by: str
    asked_at: datetime
    state: str
    preview: Json | None
    note: str | None
    failure: str | None
    run_at: datetime | None
    done_at: datetime | None
    worker: str | None
    beat_at: datetime | None


class ListedRedrive(RedriveRow):
    """With how many dead letters it has, and has sent."""

    n: int
    sent: int


class RedriveLetterRow(TypedDict):
    """A row of `redrive_letter`: a dead letter of a redrive, and what became of it."""

    redrive_id: str
    partition: int
    offset: int
    number: int
    state: str
    why: str | None
    message: str | None
    event_source: str | None
    event_id: str | None
    known: bool
    sent_at: datetime | None


class ListedRedriveLetter(RedriveLetterRow):
    """With what the dead letter is."""

    letter_reason: str
    letter_source: str
    letter_type: str
    letter_field: str
    letter_message: str
    letter_original_topic: str
    letter_redrives: int
    letter_received_at: datetime


# --- rules


class RunColumns(TypedDict):
    """A what-if run without the text that was uploaded."""

    run_id: str
    user_id: str
    login: str
    book: str
    file: str
    base: str
    since: datetime | None
    until: datetime | None
    asked_at: datetime
    seen_at: datetime | None
    ended_at: datetime | None
    seconds: float
    state: str
    done: int
    total: int
    figures: Json | None
    failure: str | None


class RunRow(RunColumns):
    """A row of `whatif_run`."""

    toml: str | None


class WhatIfAlertRow(AboutPerson):
    """A row of `whatif_alert`; `before`, `after`: the alert under either book."""

    run_id: str
    alert_id: str
    kind: str
    key_person: bool
    handover_kind: str
    rule_id: str
    occurrence: str
    county: str
    owner_agency: str
    step: int
    at: datetime
    before: Json | None
    after: Json | None


class ProposalRow(TypedDict):
    """A row of `proposal`: a change of rules or of a calendar, as its event's `data`."""

    proposal_id: str
    kind: str
    data: Json
    base: str
    run_id: str | None
    user_id: str
    login: str
    proposed_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    event_id: str | None
    moves: Mapping[str, int] | None


class SentProposal(ProposalRow):
    """With how far its event is; None: it has none, or it is long since recorded."""

    sent: str | None


class ListedProposal(SentProposal):
    """With its stage: as `state`, and once approved how far its event is."""

    stage: str


# --- the audit, saved views


class AuditRow(TypedDict):
    """A row of `audit_record`."""

    number: int
    at: datetime
    user_id: str
    login: str
    role: str
    agency: str
    action: str
    about: str
    purpose: str
    details: Json
    key: str
    previous: str
    hash: str


class AuditRowOfPersons(AuditRow):
    """With the persons in scope whose data it is about."""

    persons: Sequence[str]


class SavedViewRow(TypedDict):
    """A row of `saved_view`."""

    view_id: str
    user_id: str
    agency: str
    shared: str
    name: str
    query: str
