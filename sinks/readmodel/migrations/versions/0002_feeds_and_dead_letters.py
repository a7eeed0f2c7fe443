"""What pages about feeds and dead letters need: who sent a dead letter, what is wrong in it, how a feed beats"""

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.dead_letters import letter_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TOLD = ("source", "type", "field")


def upgrade() -> None:
    """Upgrade. The headers of dead letters from before were not kept: those in binary mode stay where they are."""
    for name in _TOLD:
        op.add_column("dead_letter", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("dead_letter", sa.Column("headers", sa.JSON(), nullable=False, server_default="[]"))
    op.drop_index("ix_dead_letter_state_reason", table_name="dead_letter")
    op.create_index(
        "ix_dead_letter_state_reason_source_type_field", "dead_letter", ["state", "reason", "source", "type", "field"]
    )
    op.create_index("ix_dead_letter_source_state", "dead_letter", ["source", "state"])
    op.create_index("ix_event_source_arrival", "event", ["source", "arrival"])
    op.create_index("ix_event_source_topic_sequence", "event", ["source", "topic", "sequence"])
    _tell_old_ones()


def downgrade() -> None:
    """Downgrade."""
    op.drop_index("ix_event_source_topic_sequence", table_name="event")
    op.drop_index("ix_event_source_arrival", table_name="event")
    op.drop_index("ix_dead_letter_source_state", table_name="dead_letter")
    op.drop_index("ix_dead_letter_state_reason_source_type_field", table_name="dead_letter")
    op.create_index("ix_dead_letter_state_reason", "dead_letter", ["state", "reason"])
    with op.batch_alter_table("dead_letter") as batch:
        for name in (*_TOLD, "headers"):
            batch.drop_column(name)


def _tell_old_ones() -> None:
    connection, table = op.get_bind(), _table()
    for row in connection.execute(sa.select(table)).mappings().all():
        letter = letter_of({**row, "headers": [], "received_at": None})
        connection.execute(
            table.update()
            .where(table.c.partition == row["partition"], table.c.offset == row["offset"])
            .values(source=letter.source, type=letter.type, field=letter.field)
        )


def _table() -> sa.Table:
    columns = (
        "partition", "offset", "reason", "original_topic", "original_partition", "original_offset", "message", "key", "value",
        "redrives", *_TOLD,
    )  # fmt: skip
    binary = ("key", "value")
    return sa.Table(
        "dead_letter",
        sa.MetaData(),
        *(sa.Column(name, sa.LargeBinary() if name in binary else None) for name in columns),
    )
