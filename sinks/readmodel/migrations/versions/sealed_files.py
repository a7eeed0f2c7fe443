"""Persons whose file is sealed: minors at the time of a release that was announced"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.sealing import find_minors
from sinks.readmodel.tables import sealed

revision = "sealed_files"
down_revision = "baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade, with those that are known already."""
    op.create_table(
        "sealed",
        sa.Column("subject", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sealed")),
    )
    op.bulk_insert(sealed, [{"subject": one} for one in sorted(find_minors(op.get_bind()))])


def downgrade() -> None:
    """Downgrade. The rows follow from events."""
    op.drop_table("sealed")
