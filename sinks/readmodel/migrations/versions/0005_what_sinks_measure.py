"""What sinks measure: lags of arrival, verdicts on metrics, and the periods judged"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.database import refuse_loss
from sinks.readmodel.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "arrival_lag",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("longest_seconds", sa.BigInteger(), nullable=False),
        sa.Column("longest_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hour", name=op.f("pk_arrival_lag")),
    )
    op.create_index("ix_arrival_lag_hour", "arrival_lag", ["hour"])
    op.create_table(
        "metric",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("exceeded", sa.Boolean(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("limit", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "part", "subject", "key", name=op.f("pk_metric")),
    )
    op.create_table(
        "metric_period",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "part", name=op.f("pk_metric_period")),
    )


def downgrade() -> None:
    """Downgrade. Rows are not dropped."""
    refuse_loss(op.get_bind(), "metric_period", "metric", "arrival_lag")
    op.drop_table("metric_period")
    op.drop_table("metric")
    op.drop_index("ix_arrival_lag_hour", table_name="arrival_lag")
    op.drop_table("arrival_lag")
