"""Redrives of dead letters: what was asked for, what would happen, what has"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
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
    op.create_index("ix_redrive_state", "redrive", ["state"])
    op.create_index("ix_redrive_asked_at", "redrive", ["asked_at"])
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


def downgrade() -> None:
    """Downgrade."""
    op.drop_table("redrive_letter")
    op.drop_table("redrive")
