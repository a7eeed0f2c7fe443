"""Where each sink reads on, kept with its rows, and what the read model lacks of the log"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.tables import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade. Without a position a sink reads its topics from their beginning once more."""
    op.create_table(
        "read_position",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("topic_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_read_position")),
    )
    op.create_table(
        "log_gap",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("first_offset", sa.BigInteger(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("topic_id", sa.String(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", "kind", "found_at", name=op.f("pk_log_gap")),
    )


def downgrade() -> None:
    """Downgrade."""
    op.drop_table("log_gap")
    op.drop_table("read_position")
