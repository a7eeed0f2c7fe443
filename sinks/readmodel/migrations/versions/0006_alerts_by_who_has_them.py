"""Alerts by who has taken them, so that one's own are counted at once"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = ("assigned_to", "acknowledged_by")


def upgrade() -> None:
    """Upgrade."""
    for name in _COLUMNS:
        op.create_index(f"ix_alert_{name}", "alert", [name], postgresql_where=sa.text("state = 'firing'"))


def downgrade() -> None:
    """Downgrade."""
    for name in reversed(_COLUMNS):
        op.drop_index(f"ix_alert_{name}", table_name="alert")
