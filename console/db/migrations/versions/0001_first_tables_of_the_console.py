"""First tables of the console"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.tables import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
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
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.create_index("ix_console_session_user_id", ["user_id"], unique=False)

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
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_console_user")),
        sa.UniqueConstraint("login", name=op.f("uq_console_user_login")),
    )
    op.create_table(
        "login_attempt",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_login_attempt")),
    )
    with op.batch_alter_table("login_attempt", schema=None) as batch_op:
        batch_op.create_index("ix_login_attempt_login_at", ["login", "at"], unique=False)

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
    with op.batch_alter_table("pending_action", schema=None) as batch_op:
        batch_op.create_index("ix_pending_action_alert_id", ["alert_id"], unique=False)
        batch_op.create_index("ix_pending_action_state", ["state"], unique=False)

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
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index("ix_saved_view_user_id", ["user_id"], unique=False)


def downgrade() -> None:
    """Downgrade."""
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.drop_index("ix_saved_view_user_id")

    op.drop_table("saved_view")
    with op.batch_alter_table("pending_action", schema=None) as batch_op:
        batch_op.drop_index("ix_pending_action_state")
        batch_op.drop_index("ix_pending_action_alert_id")

    op.drop_table("pending_action")
    with op.batch_alter_table("login_attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_login_attempt_login_at")

    op.drop_table("login_attempt")
    op.drop_table("console_user")
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.drop_index("ix_console_session_user_id")

    op.drop_table("console_session")
