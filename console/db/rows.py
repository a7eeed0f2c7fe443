"""Rows of persons, events, actions, dead letters, rules and the audit, by the names and types of their columns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

Json = Mapping[str, Any]


class AboutPerson(TypedDict):
    """Whose data a row is, if its subject is a person, and where they are."""

    subject: str
    jurisdiction: str


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
