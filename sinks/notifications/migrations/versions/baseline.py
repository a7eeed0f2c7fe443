"""The notifier's tables as the first release has them"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.migration_chain import refuse_loss
from sinks.readmodel.tables import UtcDateTime

revision = "baseline"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("notice", "notice_alert", "notice_duty", "notice_message", "notice_position", "notice_progress")


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "notice",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("at_once", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "raised_at", "kind", "step", "recipient", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_message_id", "notice", ["message_id"], unique=False)
    op.create_table(
        "notice_alert",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("is_firing", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("owner_agency", sa.String(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("snoozed_until", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("severe_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("reached", sa.JSON(), nullable=False),
        sa.Column("check_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_notice_alert")),
    )
    op.create_index("ix_notice_alert_check_at", "notice_alert", ["check_at"], unique=False)
    op.create_table(
        "notice_duty",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("deputy", sa.Boolean(), nullable=False),
        sa.Column("first_day", sa.String(), nullable=False),
        sa.Column("last_day", sa.String(), nullable=False),
        sa.Column("absent", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_notice_duty")),
    )
    op.create_index("ix_notice_duty_office", "notice_duty", ["office"], unique=False)
    op.create_table(
        "notice_message",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=False),
        sa.Column("tried_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_notice_message")),
    )
    op.create_index("ix_notice_message_channel_tried_at", "notice_message", ["channel", "tried_at"], unique=False)
    op.create_index("ix_notice_message_state_next_try_at", "notice_message", ["state", "next_try_at"], unique=False)
    op.create_table(
        "notice_position",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("topic_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_notice_position")),
    )
    op.create_table(
        "notice_progress",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("partitions", sa.Integer(), nullable=False),
        sa.Column("processed_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_notice_progress")),
    )


def downgrade() -> None:
    """Downgrade. Rows are not dropped."""
    refuse_loss(op.get_bind(), *_TABLES)
    for name in _TABLES:
        op.drop_table(name)
