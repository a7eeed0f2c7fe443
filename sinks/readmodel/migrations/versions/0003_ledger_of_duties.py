"""The ledger of duties, frozen months"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.database import refuse_loss
from sinks.readmodel.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _duty_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("handover_id", sa.String(), nullable=True),
        sa.Column("handover_kind", sa.String(), nullable=False),
        sa.Column("key_person", sa.Boolean(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("owner_agency", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("anchor_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("met_at", UtcDateTime(), nullable=True),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("contest", sa.String(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("computation", sa.JSON(), nullable=False),
    ]


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "duty",
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("known_from", UtcDateTime(), nullable=False),
        sa.Column("known_until", UtcDateTime(), nullable=True),
        *_duty_columns(),
        sa.PrimaryKeyConstraint("obligation_id", "known_from", name=op.f("pk_duty")),
    )
    op.create_index("ix_duty_subject", "duty", ["subject"])
    op.create_index("ix_duty_county_due_at", "duty", ["county", "due_at"])
    op.create_index("ix_duty_due_at", "duty", ["due_at"])

    op.create_table(
        "frozen_duty",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("obligation_id", sa.String(), nullable=False),
        *_duty_columns(),
        sa.PrimaryKeyConstraint("month", "obligation_id", name=op.f("pk_frozen_duty")),
    )
    op.create_index("ix_frozen_duty_county", "frozen_duty", ["county", "month"])

    op.create_table(
        "frozen_month",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("known_at", UtcDateTime(), nullable=False),
        sa.Column("rule_book", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_frozen_month")),
    )
    op.create_table(
        "reckoned",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_reckoned")),
    )
    op.create_index("ix_reckoned_next_at", "reckoned", ["next_at"])

    op.create_table(
        "tie",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("other", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "other", name=op.f("pk_tie")),
    )
    op.create_index("ix_tie_other", "tie", ["other"])

    op.create_table(
        "ledger",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("rule_book", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger")),
    )
    op.create_index("ix_event_arrival", "event", ["arrival"])


def downgrade() -> None:
    """Downgrade. Rows are not dropped."""
    refuse_loss(op.get_bind(), "tie", "reckoned", "ledger", "frozen_month", "frozen_duty", "duty")
    op.drop_index("ix_event_arrival", "event")
    for name in ("ledger", "tie", "reckoned", "frozen_month", "frozen_duty", "duty"):
        op.drop_table(name)
