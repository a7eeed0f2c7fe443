"""Critical alerts in the order of the queue, where they come first: so that they are not looked for among all others"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INCLUDED = (
    "jurisdiction",
    "owner_agency",
    "severity",
    "rule_id",
    "handover_kind",
    "provisional",
    "subject",
    "step",
    "held",
    "acknowledged_by",
    "assigned_to",
    "snoozed_until",
    "contest",
    "raised_at",
)
_WHICH = sa.text("state = 'firing' AND severity = 'CRIT'")


def upgrade() -> None:
    """Upgrade."""
    op.create_index(
        "ix_alert_queue_critical",
        "alert",
        ["due_at", "alert_id"],
        postgresql_include=list(_INCLUDED),
        postgresql_where=_WHICH,
        sqlite_where=_WHICH,
    )


def downgrade() -> None:
    """Downgrade."""
    op.drop_index("ix_alert_queue_critical", table_name="alert")
