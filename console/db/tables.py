"""The console's own tables: who may log in, who is logged in, what was asked for and is not published yet, who saw what, redrives and what-ifs."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from sinks.readmodel.tables import NAMING, UtcDateTime

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
    Column("identity", String, nullable=True, unique=True),  # issuer and subject at the office's identity service
    Column("once_until", UtcDateTime, nullable=True),  # the password is for one login until then; null: the user's own
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
    Column("address", String, nullable=False, server_default=""),  # of the network, kept as long as the try counts
    Index("ix_login_attempt_login_at", "login", "at"),
    Index("ix_login_attempt_address", "address"),
)

sign_in = Table(  # on their way to the office's identity service and not back yet
    "sign_in",
    metadata,
    Column("state", String, primary_key=True),  # SHA-256 of what comes back
    Column("browser", String, nullable=False),  # SHA-256 of the cookie of the browser that began it
    Column("nonce", String, nullable=False),
    Column("verifier", String, nullable=False),
    Column("next_path", String, nullable=False),
    Column("typed", JSON, nullable=False),
    Column("at", UtcDateTime, nullable=False),
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

release_feed = Table(  # the calendar feed of an office
    "release_feed",
    metadata,
    Column("role", String, primary_key=True),
    Column("agency", String, primary_key=True),
    Column("prefix", String, primary_key=True),
    Column("token_digest", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index("ix_release_feed_token_digest", "token_digest", unique=True),
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

audit_record = Table(  # only ever added to: the database itself refuses a change or a removal
    "audit_record",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 …
    Column("at", UtcDateTime, nullable=False),  # wall clock
    Column("user_id", String, nullable=False),  # empty: somebody who is not known
    Column("login", String, nullable=False),
    Column("role", String, nullable=False),
    Column("agency", String, nullable=False),
    Column("action", String, nullable=False),
    Column("about", String, nullable=False),  # an address of the console, or the login of a user who was changed
    Column("purpose", String, nullable=False),
    Column("details", JSON, nullable=False),
    Column("key", String, nullable=False),  # which secret it is sealed with; empty: none
    Column("previous", String, nullable=False),  # the hash of the record before
    Column("hash", String, nullable=False),
    Index("ix_audit_record_user_id_at", "user_id", "at"),
    Index("ix_audit_record_login", "login"),
)

audit_person = Table(  # whose data a record is about; part of what its hash covers
    "audit_person",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", String, primary_key=True),
    Column("jurisdiction", String, nullable=False),  # as it was then
    Index("ix_audit_person_subject", "subject"),
    Index("ix_audit_person_jurisdiction", "jurisdiction"),
)

audit_head = Table(  # one row: how far the chain goes, so that its end cannot be cut off
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
    Column("key", String, nullable=False),
    Column("seal", String, nullable=False),  # over number and hash, with the secret
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

whatif_run = Table(
    "whatif_run",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("login", String, nullable=False),
    Column("book", String, nullable=False),  # the other book's own name
    Column("file", String, nullable=False),  # what was uploaded, or the name of a known book
    Column("toml", Text, nullable=True),  # the text uploaded
    Column("base", String, nullable=False),  # the book it is compared with
    Column("since", UtcDateTime, nullable=True),
    Column("until", UtcDateTime, nullable=True),
    Column("asked_at", UtcDateTime, nullable=False),  # wall clock, as the next two
    Column("seen_at", UtcDateTime, nullable=True),  # when its process last told how far it is
    Column("ended_at", UtcDateTime, nullable=True),
    Column("seconds", Float, nullable=False),
    Column("state", String, nullable=False),  # waiting, running, done, cancelled or failed
    Column("done", BigInteger, nullable=False),  # events lived
    Column("total", BigInteger, nullable=False),
    Column("figures", JSON, nullable=True),
    Column("failure", String, nullable=True),
    Index("ix_whatif_run_asked_at", "asked_at"),
)

whatif_cell = Table(
    "whatif_cell",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("county", String, primary_key=True),
    Column("rule_id", String, primary_key=True),
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    Column("gone", Integer, nullable=False),
    Column("later", Integer, nullable=False),
    Column("earlier", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("other", Integer, nullable=False),
)

whatif_alert = Table(
    "whatif_alert",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("alert_id", String, primary_key=True),
    Column("kind", String, nullable=False),  # gone, later, earlier, new or other
    Column("key_person", Boolean, nullable=False),
    Column("subject", String, nullable=False),
    Column("handover_kind", String, nullable=False),
    Column("rule_id", String, nullable=False),
    Column("occurrence", String, nullable=False),
    Column("jurisdiction", String, nullable=False),
    Column("county", String, nullable=False),
    Column("owner_agency", String, nullable=False),
    Column("step", Integer, nullable=False),  # the highest of both sides
    Column("at", UtcDateTime, nullable=False),  # first raised, under the book in force where it is
    Column("before", JSON, nullable=True),  # {raised_at, due_at, severity, state, outcome, step}
    Column("after", JSON, nullable=True),
    Index("ix_whatif_alert_run_id", "run_id", "kind", "at", "alert_id"),
)

proposal = Table(
    "proposal",
    metadata,
    Column("proposal_id", String, primary_key=True),
    Column("kind", String, nullable=False),  # rules or calendar
    Column("data", JSON, nullable=False),  # the payload of the event as it will be published
    Column("base", String, nullable=False),  # the book that the changes were made from
    Column("run_id", String, nullable=True),
    Column("moves", JSON, nullable=True),  # how many open obligations would move which way; null: not known
    Column("user_id", String, nullable=False),
    Column("login", String, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decided_by", String, nullable=True),
    Column("decided_at", UtcDateTime, nullable=True),
    Column("state", String, nullable=False),  # proposed, approved, refused or withdrawn
    Column("event_id", String, nullable=True),  # what happens to it then stands in pending_action
)
