"""Indices of the queue; obligations carry the kind of their handover"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_QUEUE = ["jurisdiction", "owner_agency", "severity", "rule_id", "handover_kind", "provisional", "subject"]
_OF_ALERTS = [*_QUEUE, "step", "held", "acknowledged_by", "assigned_to", "snoozed_until", "contest", "raised_at"]
_FIRING = sa.text("state = 'firing'")
_KIND = """
UPDATE obligation SET handover_kind = coalesce(
  (SELECT h.kind FROM handover h WHERE h.handover_id = obligation.handover_id AND h.subject = obligation.subject),
  CASE WHEN rule_id LIKE 'X%' THEN 'SYSTEM' ELSE 'DISPUTE' END)
"""


def upgrade() -> None:
    """Upgrade."""
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("handover_kind", sa.String(), nullable=False, server_default=""))
    op.execute(_KIND)
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.alter_column("handover_kind", server_default=None)
        batch_op.create_index("ix_obligation_alert_id", ["alert_id"], unique=False)
    op.create_index("ix_obligation_queue", "obligation", ["due_at", "alert_id"], postgresql_include=[*_QUEUE, "state"])
    op.create_index(
        "ix_alert_queue",
        "alert",
        ["due_at", "alert_id"],
        postgresql_include=_OF_ALERTS,
        postgresql_where=_FIRING,
    )
    op.create_index("ix_alert_firing_rule", "alert", ["rule_id", "raised_at"], postgresql_where=_FIRING)


def downgrade() -> None:
    """Downgrade."""
    op.drop_index("ix_alert_firing_rule", table_name="alert")
    op.drop_index("ix_alert_queue", table_name="alert")
    op.drop_index("ix_obligation_queue", table_name="obligation")
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.drop_index("ix_obligation_alert_id")
        batch_op.drop_column("handover_kind")
