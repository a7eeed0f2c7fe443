"""Addresses of the offices' calendar feeds"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.migration_chain import refuse_loss
from sinks.readmodel.tables import UtcDateTime

revision = "release_feed"
down_revision = "baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "release_feed",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("token_digest", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("role", "agency", "prefix", name=op.f("pk_release_feed")),
    )
    op.create_index("ix_release_feed_token_digest", "release_feed", ["token_digest"], unique=True)


def downgrade() -> None:
    """Downgrade. Rows are not dropped."""
    refuse_loss(op.get_bind(), "release_feed")
    op.drop_table("release_feed")
