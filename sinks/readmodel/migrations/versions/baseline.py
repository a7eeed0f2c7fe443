"""The tables of the read model as the first release has them"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sinks.readmodel.migration_chain import refuse_loss
from sinks.readmodel.tables import UtcDateTime

revision = "baseline"
down_revision = None
branch_labels = None
depends_on = None

_QUEUE = ["jurisdiction", "owner_agency", "severity", "rule_id", "handover_kind", "provisional", "subject"]
_QUEUE_OF_ALERTS = [*_QUEUE, "step", "held", "acknowledged_by", "assigned_to", "snoozed_until", "contest", "raised_at"]
_OPEN = sa.text("state = 'open'")
_FIRING = sa.text("state = 'firing'")
_CRITICAL = sa.text("state = 'firing' AND severity = 'CRIT'")
_TABLES = (
    "alert",
    "alert_history",
    "arrival_lag",
    "case",
    "change",
    "dead_letter",
    "duty",
    "event",
    "frozen_duty",
    "frozen_month",
    "handover",
    "ledger",
    "log_gap",
    "metric",
    "metric_period",
    "obligation",
    "publisher",
    "read_position",
    "reckoned",
    "tie",
    "verdict",
    "watermark",
)


def _alert_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("handover_id", sa.String(), nullable=True),
        sa.Column("handover_kind", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("rule_book", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("owner_agency", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("anchor_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("assigned_to", sa.String(), nullable=True),
        sa.Column("snoozed_until", UtcDateTime(), nullable=True),
        sa.Column("contest", sa.String(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("computation", sa.JSON(), nullable=False),
        sa.Column("ladder", sa.JSON(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
    ]


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
    op.create_table("alert", *_alert_columns(), sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert")))
    op.create_index("ix_alert_acknowledged_by", "alert", ["acknowledged_by"], postgresql_where=_FIRING)
    op.create_index("ix_alert_assigned_to", "alert", ["assigned_to"], postgresql_where=_FIRING)
    op.create_index("ix_alert_firing_rule", "alert", ["rule_id", "raised_at"], postgresql_where=_FIRING)
    op.create_index("ix_alert_jurisdiction_state", "alert", ["jurisdiction", "state"])
    op.create_index("ix_alert_owner_agency", "alert", ["owner_agency"])
    op.create_index(
        "ix_alert_queue", "alert", ["due_at", "alert_id"], postgresql_include=_QUEUE_OF_ALERTS, postgresql_where=_FIRING
    )
    op.create_index(
        "ix_alert_queue_critical",
        "alert",
        ["due_at", "alert_id"],
        postgresql_include=_QUEUE_OF_ALERTS,
        postgresql_where=_CRITICAL,
        sqlite_where=_CRITICAL,
    )
    op.create_index("ix_alert_state_due_at", "alert", ["state", "due_at"])
    op.create_index("ix_alert_subject", "alert", ["subject"])
    op.create_table(
        "alert_history",
        *_alert_columns(),
        sa.PrimaryKeyConstraint("alert_id", "revision", name=op.f("pk_alert_history")),
    )
    op.create_index("ix_alert_history_changed_at", "alert_history", ["changed_at"])
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
        "case",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.Column("jurisdiction", sa.String(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_case")),
    )
    op.create_index("ix_case_jurisdiction", "case", ["jurisdiction"])
    op.create_table(
        "change",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_change")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dead_letter",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("original_topic", sa.String(), nullable=False),
        sa.Column("original_partition", sa.Integer(), nullable=False),
        sa.Column("original_offset", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("redrives", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False, server_default=""),
        sa.Column("type", sa.String(), nullable=False, server_default=""),
        sa.Column("field", sa.String(), nullable=False, server_default=""),
        sa.Column("headers", sa.JSON(), nullable=False, server_default="[]"),
        sa.PrimaryKeyConstraint("partition", "offset", name=op.f("pk_dead_letter")),
    )
    op.create_index("ix_dead_letter_source_state", "dead_letter", ["source", "state"])
    op.create_index(
        "ix_dead_letter_state_reason_source_type_field", "dead_letter", ["state", "reason", "source", "type", "field"]
    )
    op.create_table(
        "duty",
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("known_from", UtcDateTime(), nullable=False),
        sa.Column("known_until", UtcDateTime(), nullable=True),
        *_duty_columns(),
        sa.PrimaryKeyConstraint("obligation_id", "known_from", name=op.f("pk_duty")),
    )
    op.create_index("ix_duty_county_due_at", "duty", ["county", "due_at"])
    op.create_index("ix_duty_due_at", "duty", ["due_at"])
    op.create_index("ix_duty_subject", "duty", ["subject"])
    op.create_table(
        "event",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("time", UtcDateTime(), nullable=False),
        sa.Column("arrival", UtcDateTime(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_arrival", "event", ["arrival"])
    op.create_index("ix_event_source_arrival", "event", ["source", "arrival"])
    op.create_index("ix_event_source_topic_day", "event", ["source", "topic", "day"])
    op.create_index("ix_event_source_topic_sequence", "event", ["source", "topic", "sequence"])
    op.create_index("ix_event_subject", "event", ["subject"])
    op.create_index("ix_event_type", "event", ["type"])
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
        "handover",
        sa.Column("handover_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("county", sa.String(), nullable=False),
        sa.Column("town", sa.String(), nullable=False),
        sa.Column("sending", sa.String(), nullable=False),
        sa.Column("release_date", sa.String(), nullable=True),
        sa.Column("key_person", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("handover_id", "subject", name=op.f("pk_handover")),
    )
    op.create_index("ix_handover_jurisdiction_state", "handover", ["jurisdiction", "state"])
    op.create_index("ix_handover_subject", "handover", ["subject"])
    op.create_table(
        "ledger",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("rule_book", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger")),
    )
    op.create_table(
        "log_gap",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("first_offset", sa.BigInteger(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("topic_id", sa.String(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", "kind", "found_at", name=op.f("pk_log_gap")),
    )
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
    op.create_table(
        "obligation",
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("handover_id", sa.String(), nullable=True),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("occurrence", sa.String(), nullable=False),
        sa.Column("owner_agency", sa.String(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("anchor_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("warn_at", UtcDateTime(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("computation", sa.JSON(), nullable=False),
        sa.Column("handover_kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("obligation_id", name=op.f("pk_obligation")),
    )
    op.create_index("ix_obligation_alert_id", "obligation", ["alert_id"])
    op.create_index("ix_obligation_due_at", "obligation", ["due_at"])
    op.create_index("ix_obligation_jurisdiction_due_at", "obligation", ["jurisdiction", "due_at"])
    op.create_index("ix_obligation_owner_agency", "obligation", ["owner_agency"])
    op.create_index(
        "ix_obligation_queue",
        "obligation",
        ["due_at", "alert_id"],
        postgresql_include=_QUEUE,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    op.create_index("ix_obligation_subject", "obligation", ["subject"])
    op.create_table(
        "publisher",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("last_arrival", UtcDateTime(), nullable=False),
        sa.Column("last_time", UtcDateTime(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=True),
        sa.Column("longest_lag_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "topic", name=op.f("pk_publisher")),
    )
    op.create_table(
        "read_position",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", sa.String(), nullable=False),
        sa.Column("topic_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_read_position")),
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
        "verdict",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("manifest_id", sa.String(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("met_at", UtcDateTime(), nullable=True),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "day", name=op.f("pk_verdict")),
    )
    op.create_table(
        "watermark",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("partitions", sa.Integer(), nullable=False),
        sa.Column("processed_until", UtcDateTime(), nullable=True),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("setup", sa.JSON(), nullable=False),
        sa.Column("waiting", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_watermark")),
    )


def downgrade() -> None:
    """Downgrade. Rows are not dropped."""
    refuse_loss(op.get_bind(), *_TABLES)
    for name in _TABLES:
        op.drop_table(name)
