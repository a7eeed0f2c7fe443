"""The console's tables as the first release has them; the database itself refuses a change or a removal of the audit's records"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.dialect import append_only_statements, drop_append_only
from sinks.readmodel.migration_chain import refuse_loss
from sinks.readmodel.tables import UtcDateTime

revision = "baseline"
down_revision = None
branch_labels = None
depends_on = None

_KEPT = ("audit_record", "audit_person")
_TABLES = (
    "audit_head",
    "audit_person",
    "audit_record",
    "console_session",
    "console_user",
    "login_attempt",
    "pending_action",
    "proposal",
    "redrive",
    "redrive_letter",
    "saved_view",
    "sign_in",
    "whatif_alert",
    "whatif_cell",
    "whatif_run",
)


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_person",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", "subject", name=op.f("pk_audit_person")),
    )
    op.create_index("ix_audit_person_jurisdiction", "audit_person", ["jurisdiction"])
    op.create_index("ix_audit_person_subject", "audit_person", ["subject"])
    op.create_table(
        "audit_record",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_record")),
    )
    op.create_index("ix_audit_record_login", "audit_record", ["login"])
    op.create_index("ix_audit_record_user_id_at", "audit_record", ["user_id", "at"])
    op.create_table(
        "console_session",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_console_session")),
    )
    op.create_index("ix_console_session_user_id", "console_session", ["user_id"])
    op.create_table(
        "console_user",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("keys", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.String(), nullable=True),
        sa.Column("once_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_console_user")),
        sa.UniqueConstraint("identity", name=op.f("uq_console_user_identity")),
        sa.UniqueConstraint("login", name=op.f("uq_console_user_login")),
    )
    op.create_table(
        "login_attempt",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_login_attempt")),
    )
    op.create_index("ix_login_attempt_address", "login_attempt", ["address"])
    op.create_index("ix_login_attempt_login_at", "login_attempt", ["login", "at"])
    op.create_table(
        "pending_action",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("publish_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_pending_action")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_pending_action_idempotency_key")),
    )
    op.create_index("ix_pending_action_alert_id", "pending_action", ["alert_id"])
    op.create_index("ix_pending_action_state", "pending_action", ["state"])
    op.create_table(
        "proposal",
        sa.Column("proposal_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("moves", sa.JSON(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal")),
    )
    op.create_table(
        "redrive",
        sa.Column("redrive_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("preview", sa.JSON(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("run_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("beat_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("redrive_id", name=op.f("pk_redrive")),
    )
    op.create_index("ix_redrive_asked_at", "redrive", ["asked_at"])
    op.create_index("ix_redrive_state", "redrive", ["state"])
    op.create_table(
        "redrive_letter",
        sa.Column("redrive_id", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("event_source", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("redrive_id", "partition", "offset", name=op.f("pk_redrive_letter")),
    )
    op.create_index("ix_redrive_letter_redrive_id_number", "redrive_letter", ["redrive_id", "number"])
    op.create_table(
        "saved_view",
        sa.Column("view_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("shared", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("view_id", name=op.f("pk_saved_view")),
    )
    op.create_index("ix_saved_view_user_id", "saved_view", ["user_id"])
    op.create_table(
        "sign_in",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("next_path", sa.String(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_sign_in")),
    )
    op.create_table(
        "whatif_alert",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key_person", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("handover_kind", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("owner_agency", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "alert_id", name=op.f("pk_whatif_alert")),
    )
    op.create_index("ix_whatif_alert_run_id", "whatif_alert", ["run_id", "kind", "at", "alert_id"])
    op.create_table(
        "whatif_cell",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("later", sa.Integer(), nullable=False),
        sa.Column("earlier", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "county", "rule_id", name=op.f("pk_whatif_cell")),
    )
    op.create_table(
        "whatif_run",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("toml", sa.Text(), nullable=True),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_whatif_run")),
    )
    op.create_index("ix_whatif_run_asked_at", "whatif_run", ["asked_at"])

    op.execute("INSERT INTO audit_head (one, number, hash, key, seal) VALUES (1, 0, '', '', '')")
    for statement in append_only_statements(op.get_bind(), _KEPT, "the audit is only added to"):
        op.execute(statement)


def downgrade() -> None:
    """Downgrade. Rows are not dropped."""
    refuse_loss(op.get_bind(), *(name for name in _TABLES if name != "audit_head"))
    for name in _TABLES:
        op.drop_table(name)
    for statement in drop_append_only(op.get_bind()):
        op.execute(statement)
