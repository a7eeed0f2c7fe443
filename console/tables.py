"""The console's own tables: who may log in, who is logged in, what was asked for and is not published yet, redrives."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

from sinks.tables import NAMING, UtcDateTime

metadata = MetaData(naming_convention=NAMING)

console_user = Table(
    "console_user",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("login", String, nullable=False, unique=True),
    Column("password", String, nullable=True),  # argon2; null: only by the office's own identity service
    Column("role", String, nullable=False),
    Column("agency", String, nullable=False),
    Column("prefix", String, nullable=False),  # of jurisdiction codes; empty sees no row by place
    Column("staff", String, nullable=False),  # the opaque id that stands in published events
    Column("language", String, nullable=True),
    Column("keys", Boolean, nullable=False),  # single-key shortcuts
    Column("closed", Boolean, nullable=False),
)

console_session = Table(
    "console_session",
    metadata,
    Column("token", String, primary_key=True),  # SHA-256 of what the browser holds
    Column("user_id", String, nullable=False),
    Column("csrf", String, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("draft", JSON, nullable=True),  # what was typed when an earlier session ended: {path, fields}
    Index("ix_console_session_user_id", "user_id"),
)

login_attempt = Table(
    "login_attempt",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("login", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_login_attempt_login_at", "login", "at"),
)

saved_view = Table(
    "saved_view",
    metadata,
    Column("view_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("agency", String, nullable=False),
    Column("shared", String, nullable=False),  # private, office or everyone
    Column("name", String, nullable=False),
    Column("query", String, nullable=False),
    Index("ix_saved_view_user_id", "user_id"),
)

pending = Table(
    "pending_action",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("batch", String, nullable=False),  # one undo for all that were asked for at once
    Column("user_id", String, nullable=False),
    Column("alert_id", String, nullable=False),
    Column("action", String, nullable=False),
    Column("revision", Integer, nullable=False),  # of the alert when it was asked for
    Column("body", JSON, nullable=False),  # the event as it will be published
    Column("asked_at", UtcDateTime, nullable=False),  # wall clock, as the next two
    Column("publish_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime, nullable=True),
    Column("state", String, nullable=False),  # second, waiting, sending, published, recorded or undone
    Column("failure", String, nullable=True),
    Index("ix_pending_action_state", "state"),
    Index("ix_pending_action_alert_id", "alert_id"),
)

redrive = Table(
    "redrive",
    metadata,
    Column("redrive_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("asked_by", String, nullable=False),  # staff id
    Column("asked_at", UtcDateTime, nullable=False),  # wall clock, as all instants here
    Column("state", String, nullable=False),  # asked, previewed, running, stopping, stopped, done, dropped or failed
    Column("preview", JSON, nullable=True),  # what would happen, without persons
    Column("note", String, nullable=True),  # why they were dropped
    Column("failure", String, nullable=True),  # what it waits for, or why it cannot go on
    Column("run_at", UtcDateTime, nullable=True),
    Column("done_at", UtcDateTime, nullable=True),
    Column("worker", String, nullable=True),  # the process that works on it
    Column("beat_at", UtcDateTime, nullable=True),  # and when it last said so
    Index("ix_redrive_state", "state"),
    Index("ix_redrive_asked_at", "asked_at"),
)

redrive_letter = Table(
    "redrive_letter",
    metadata,
    Column("redrive_id", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("number", Integer, nullable=False),  # its place in the order of sending
    Column("state", String, nullable=False),  # asked, passes, stays, sent or dropped
    Column("why", String, nullable=True),  # it stays: the reason
    Column("message", String, nullable=True),  # and what is wrong where
    Column("event_source", String, nullable=True),  # of the event it is
    Column("event_id", String, nullable=True),
    Column("known", Boolean, nullable=False),  # the same event had arrived otherwise before
    Column("sent_at", UtcDateTime, nullable=True),
    Index("ix_redrive_letter_redrive_id_number", "redrive_id", "number"),
)
