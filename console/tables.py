"""The console's own tables: who may log in, who is logged in, and what was asked for and is not published yet."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, MetaData, String, Table

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

issued_paper = Table(
    "issued_paper",
    metadata,
    Column("office", String, primary_key=True),  # the code in the office's id, or its id
    Column("day", String, primary_key=True),  # 20261014
    Column("number", Integer, primary_key=True),  # of the office and day
    Column("kind", String, nullable=False),  # print or export, and of what
    Column("query", String, nullable=False),  # the view that left
    Column("user_id", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
)
