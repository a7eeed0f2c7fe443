"""What-if runs, and changes of rules that wait for a second person"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade."""
    op.create_table(
        "whatif_run",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("toml", sa.Text(), nullable=True),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_whatif_run")),
    )
    with op.batch_alter_table("whatif_run", schema=None) as batch_op:
        batch_op.create_index("ix_whatif_run_asked_at", ["asked_at"], unique=False)

    op.create_table(
        "whatif_cell",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("before", "after", "gone", "later", "earlier", "new", "other")
        ),
        sa.PrimaryKeyConstraint("run_id", "county", "rule_id", name=op.f("pk_whatif_cell")),
    )
    op.create_table(
        "whatif_alert",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key_person", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("handover_kind", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("owner_agency", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "alert_id", name=op.f("pk_whatif_alert")),
    )
    with op.batch_alter_table("whatif_alert", schema=None) as batch_op:
        batch_op.create_index("ix_whatif_alert_run_id", ["run_id", "kind", "at", "alert_id"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("proposal_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("moves", sa.JSON(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal")),
    )


def downgrade() -> None:
    """Downgrade."""
    op.drop_table("proposal")
    with op.batch_alter_table("whatif_alert", schema=None) as batch_op:
        batch_op.drop_index("ix_whatif_alert_run_id")

    op.drop_table("whatif_alert")
    op.drop_table("whatif_cell")
    with op.batch_alter_table("whatif_run", schema=None) as batch_op:
        batch_op.drop_index("ix_whatif_run_asked_at")

    op.drop_table("whatif_run")
