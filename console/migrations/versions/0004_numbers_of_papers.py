"""Numbers of papers that left the console"""

import sqlalchemy as sa
from alembic import op

from sinks.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "issued_paper",
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("office", "day", "number", name=op.f("pk_issued_paper")),
    )


def downgrade() -> None:
    """Downgrade."""
    op.drop_table("issued_paper")
