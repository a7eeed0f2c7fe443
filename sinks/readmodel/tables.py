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
    text,
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

# What the queue filters and counts by, beside its order: so that a page and its counts are read from the index alone.
_QUEUE = ("jurisdiction", "owner_agency", "severity", "rule_id", "handover_kind", "provisional", "subject")
_QUEUE_OF_ALERTS = (*_QUEUE, "step", "held", "acknowledged_by", "assigned_to", "snoozed_until", "contest", "raised_at")
_OPEN = text("state = 'open'")
_FIRING = text("state = 'firing'")
_CRITICAL = text("state = 'firing' AND severity = 'CRIT'")

obligation = Table(
    "obligation",
    metadata,
    _text("obligation_id", key=True),
    _text("alert_id"),
    _text("subject"),
    _text("handover_id", null=True),
    _text("handover_kind"),  # as on alerts: DISPUTE and SYSTEM where there is no handover
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
    Index("ix_obligation_alert_id", "alert_id"),
    Index(
        "ix_obligation_queue",
        "due_at",
        "alert_id",
        postgresql_include=list(_QUEUE),
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    ),
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
    Index(
        "ix_alert_queue",
        "due_at",
        "alert_id",
        postgresql_include=list(_QUEUE_OF_ALERTS),
        postgresql_where=_FIRING,
    ),
    Index(
        "ix_alert_queue_critical",  # they come first, and are a part of all
        "due_at",
        "alert_id",
        postgresql_include=list(_QUEUE_OF_ALERTS),
        postgresql_where=_CRITICAL,
        sqlite_where=_CRITICAL,
    ),
    Index("ix_alert_assigned_to", "assigned_to", postgresql_where=_FIRING),
    Index("ix_alert_acknowledged_by", "acknowledged_by", postgresql_where=_FIRING),
    Index("ix_alert_firing_rule", "rule_id", "raised_at", postgresql_where=_FIRING),
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
    Index("ix_event_source_arrival", "source", "arrival"),  # the pulse of a feed
    Index("ix_event_source_topic_sequence", "source", "topic", "sequence"),  # its gaps
    Index("ix_event_arrival", "arrival"),
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
    _text("source"),  # empty where the record does not tell it
    _text("type"),  # likewise
    _text("field"),  # the path that is wrong, likewise
    Column("headers", JSON, nullable=False),  # those that its publisher gave it: [[name, base64], …]
    Column("key", LargeBinary, nullable=True),
    Column("value", LargeBinary, nullable=True),
    _at("received_at"),
    Column("redrives", Integer, nullable=False),
    _text("state"),  # pending, redriven or dropped
    Index("ix_dead_letter_state_reason_source_type_field", "state", "reason", "source", "type", "field"),
    Index("ix_dead_letter_source_state", "source", "state"),
)


def _duty_columns() -> list[Column[Any]]:
    return [
        _text("alert_id"),
        _text("subject"),
        _text("handover_id", null=True),
        _text("handover_kind"),
        Column("key_person", Boolean, nullable=False),
        _text("rule_id"),
        _text("occurrence"),
        _text("owner_agency"),
        _text("jurisdiction"),
        _text("county"),  # six digits: where it is counted
        _text("severity"),
        _at("anchor_at"),
        _at("due_at"),
        _at("met_at", null=True),
        _text("standing"),  # open, in_time, late, waived, cancelled, redated or paused
        _text("contest", null=True),
        Column("provisional", Boolean, nullable=False),
        Column("computation", JSON, nullable=False),
    ]


duty = Table(
    "duty",
    metadata,
    _text("obligation_id", key=True),
    Column("known_from", UtcDateTime, primary_key=True),
    _at("known_until", null=True),  # null: so it stands
    *_duty_columns(),
    Index("ix_duty_subject", "subject"),
    Index("ix_duty_county_due_at", "county", "due_at"),
    Index("ix_duty_due_at", "due_at"),
)

frozen_duty = Table(
    "frozen_duty",
    metadata,
    _text("month", key=True),  # of the deadline, 2026-03
    _text("obligation_id", key=True),
    *_duty_columns(),
    Index("ix_frozen_duty_county", "county", "month"),
)

frozen_month = Table(
    "frozen_month",
    metadata,
    _text("month", key=True),
    _at("known_at"),  # its figures are those known then
    _text("rule_book"),
)

reckoned = Table(
    "reckoned",
    metadata,
    _text("subject", key=True),
    _at("next_at", null=True),  # when its duties can change without news
    Index("ix_reckoned_next_at", "next_at"),
)

tie = Table(
    "tie",
    metadata,
    _text("subject", key=True),
    _text("other", key=True),  # events of the one concern the other: merged refs, disputes that name persons
    Index("ix_tie_other", "other"),
)

sealed = Table("sealed", metadata, _text("subject", key=True))  # persons whose file few may see

ledger = Table(
    "ledger",
    metadata,
    Column("number", Integer, primary_key=True),  # one row
    _at("until"),  # everything that arrived up to here is reckoned
    _text("rule_book"),
)

read_position = Table(  # moved in the transaction that writes the rows
    "read_position",
    metadata,
    _text("topic", key=True),  # without prefix
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    _text("cluster_id"),
    _text("topic_id"),  # another one: the topic was made anew
)

log_gap = Table(  # where the read model does not equal the log
    "log_gap",
    metadata,
    _text("topic", key=True),
    Column("partition", Integer, primary_key=True),
    _text("kind", key=True),
    Column("found_at", UtcDateTime, primary_key=True),
    Column("first_offset", BigInteger, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    _text("cluster_id"),
    _text("topic_id"),
    _at("closed_at", null=True),  # null: it still is
)

watermark = Table(  # how far the workers have processed each partition, as far as the rows show it
    "watermark",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("partitions", Integer, nullable=False),  # how many there are
    _at("processed_until", null=True),  # null: no report is covered by the rows yet
    _at("reported_at", null=True),  # broker time
    _text("worker"),
    Column("setup", JSON, nullable=False),
    Column("waiting", JSON, nullable=True),  # a report that the rows do not cover yet
)

change = Table(
    "change",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _text("kind"),
    _text("key"),
    sqlite_autoincrement=True,
)
