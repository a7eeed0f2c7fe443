"""How far the workers have processed each partition, as the read model shows it"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.tables import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "watermark",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("partitions", sa.Integer(), nullable=False),
        sa.Column("processed_until", UtcDateTime(), nullable=True),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("setup", sa.JSON(), nullable=False),
        sa.Column("waiting", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_watermark")),
    )


def downgrade() -> None:
    """Downgrade."""
    op.drop_table("watermark")
