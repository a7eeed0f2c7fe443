"""The read model: what pages, reports and the terminal read. Written by the sinks alone; the log is the truth."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

from schemas.instants import CHINA

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
}
metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: stored in UTC, aware (+08:00) when read. SQLite gives naive ones back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        at: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return at.astimezone(CHINA)


def _at(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=null)


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, String, primary_key=key, nullable=null)


case = Table(
    "case",
    metadata,
    _text("subject", key=True),
    _text("kind"),
    Column("revision", Integer, nullable=False),
    _at("changed_at", null=True),
    _text("jurisdiction", null=True),
    Column("document", JSON, nullable=False),
    Index("ix_case_jurisdiction", "jurisdiction"),
)

handover = Table(
    "handover",
    metadata,
    _text("handover_id", key=True),
    _text("subject", key=True),
    Column("revision", Integer, nullable=False),
    _text("kind"),
    _text("state"),
    _text("jurisdiction"),
    _text("county"),
    _text("town"),
    _text("sending"),
    _text("release_date", null=True),
    Column("key_person", Boolean, nullable=False),
    _at("opened_at"),
    _at("closed_at", null=True),
    Index("ix_handover_subject", "subject"),
    Index("ix_handover_jurisdiction_state", "jurisdiction", "state"),
)

obligation = Table(
    "obligation",
    metadata,
    _text("obligation_id", key=True),
    _text("alert_id"),
    _text("subject"),
    _text("handover_id", null=True),
    _text("rule_id"),
    _text("occurrence"),
    _text("owner_agency"),
    _text("jurisdiction"),
    _text("state"),
    _text("severity"),
    _at("anchor_at"),
    _at("due_at"),
    _at("warn_at"),
    Column("provisional", Boolean, nullable=False),
    Column("reason", JSON, nullable=False),
    Column("missing", JSON, nullable=False),
    Column("computation", JSON, nullable=False),
    Index("ix_obligation_subject", "subject"),
    Index("ix_obligation_due_at", "due_at"),
    Index("ix_obligation_jurisdiction_due_at", "jurisdiction", "due_at"),
    Index("ix_obligation_owner_agency", "owner_agency"),
)


def _alert_columns() -> list[Column[Any]]:
    return [
        _text("obligation_id"),
        _text("subject"),
        _text("handover_id", null=True),
        _text("handover_kind"),
        _text("rule_id"),
        _text("occurrence"),
        _text("rule_book"),
        _text("severity"),
        _text("state"),
        _text("outcome", null=True),
        Column("step", Integer, nullable=False),
        Column("stage", Integer, nullable=False),
        Column("held", Boolean, nullable=False),
        _text("owner_agency"),
        _text("jurisdiction"),
        _at("anchor_at"),
        _at("due_at"),
        _at("raised_at"),
        _at("changed_at"),
        _at("resolved_at", null=True),
        _text("acknowledged_by", null=True),
        _text("assigned_to", null=True),
        _at("snoozed_until", null=True),
        _text("contest", null=True),
        Column("provisional", Boolean, nullable=False),
        Column("reason", JSON, nullable=False),
        Column("basis", JSON, nullable=False),
        Column("seen", JSON, nullable=False),
        Column("missing", JSON, nullable=False),
        Column("computation", JSON, nullable=False),
        Column("ladder", JSON, nullable=False),
        _at("written_at"),
    ]


alert = Table(
    "alert",
    metadata,
    _text("alert_id", key=True),
    Column("revision", Integer, nullable=False),
    *_alert_columns(),
    Index("ix_alert_subject", "subject"),
    Index("ix_alert_jurisdiction_state", "jurisdiction", "state"),
    Index("ix_alert_state_due_at", "state", "due_at"),
    Index("ix_alert_owner_agency", "owner_agency"),
)

alert_history = Table(
    "alert_history",
    metadata,
    _text("alert_id", key=True),
    Column("revision", Integer, primary_key=True),
    *_alert_columns(),
    Index("ix_alert_history_changed_at", "changed_at"),
)

event = Table(
    "event",
    metadata,
    _text("source", key=True),
    _text("id", key=True),
    _text("topic"),
    _text("type"),
    _text("subject"),
    _at("time"),
    _at("arrival"),
    _text("day"),  # local date of `time`, for manifests
    Column("sequence", BigInteger, nullable=True),
    Column("body", JSON, nullable=False),
    Index("ix_event_subject", "subject"),
    Index("ix_event_source_topic_day", "source", "topic", "day"),
    Index("ix_event_type", "type"),
)

publisher = Table(
    "publisher",
    metadata,
    _text("source", key=True),
    _text("topic", key=True),
    _at("last_arrival"),
    _at("last_time"),
    Column("last_sequence", BigInteger, nullable=True),
    Column("longest_lag_seconds", BigInteger, nullable=False),  # arrival - time, the longest seen
)

arrival_lag = Table(
    "arrival_lag",
    metadata,
    _text("source", key=True),
    Column("hour", UtcDateTime, primary_key=True),  # of arrival
    Column("longest_seconds", BigInteger, nullable=False),  # arrival - time, the longest of that hour
    _at("longest_at"),  # when the event with it arrived
    Index("ix_arrival_lag_hour", "hour"),
)

metric = Table(
    "metric",
    metadata,
    _text("rule_id", key=True),
    _text("part", key=True),
    _text("subject", key=True),
    _text("key", key=True),
    Column("exceeded", Boolean, nullable=False),
    _text("measure"),
    Column("value", Float, nullable=False),
    Column("limit", Float, nullable=False),
    Column("n", Integer, nullable=True),
    _at("since"),
    _at("judged_at"),
)

metric_period = Table(  # up to which period a rule has been judged
    "metric_period",
    metadata,
    _text("rule_id", key=True),
    _text("part", key=True),
    _at("until"),
)

verdict = Table(
    "verdict",
    metadata,
    _text("source", key=True),
    _text("day", key=True),
    _text("manifest_id"),
    _at("due_at"),
    _at("met_at", null=True),
    Column("missing", JSON, nullable=False),
    Column("published", Boolean, nullable=False),  # whether the workers were told
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    _text("reason"),
    _text("original_topic"),
    Column("original_partition", Integer, nullable=False),
    Column("original_offset", BigInteger, nullable=False),
    _text("message"),
    Column("key", LargeBinary, nullable=True),
    Column("value", LargeBinary, nullable=True),
    _at("received_at"),
    Column("redrives", Integer, nullable=False),
    _text("state"),  # pending, redriven or dropped
    Index("ix_dead_letter_state_reason", "state", "reason"),
)

change = Table(
    "change",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _text("kind"),
    _text("key"),
    sqlite_autoincrement=True,
)
