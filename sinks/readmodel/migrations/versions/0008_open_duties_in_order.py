"""Duties that are not late in the order of the queue, without the late ones, whose alert is the row there"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INCLUDED = ("jurisdiction", "owner_agency", "severity", "rule_id", "handover_kind", "provisional", "subject")
_PLACE = ["due_at", "alert_id"]


def upgrade() -> None:
    """Upgrade."""
    op.drop_index("ix_obligation_queue", table_name="obligation")
    open_ones = sa.text("state = 'open'")
    op.create_index(
        "ix_obligation_queue",
        "obligation",
        _PLACE,
        postgresql_include=list(_INCLUDED),
        postgresql_where=open_ones,
        sqlite_where=open_ones,
    )


def downgrade() -> None:
    """Downgrade."""
    op.drop_index("ix_obligation_queue", table_name="obligation")
    op.create_index("ix_obligation_queue", "obligation", _PLACE, postgresql_include=[*_INCLUDED, "state"])
