"""The notifier's own tables: alerts as last read, the duty list, the log of notices, and messages. They have a chain of versions of their own."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

from sinks.readmodel.tables import NAMING, UtcDateTime

metadata = MetaData(naming_convention=NAMING)

notice_position = Table(  # moved in the transaction that keeps what was read
    "notice_position",
    metadata,
    Column("topic", String, primary_key=True),  # without prefix
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("cluster_id", String, nullable=False),
    Column("topic_id", String, nullable=False),
)

notice_progress = Table(  # how far the workers have processed each partition
    "notice_progress",
    metadata,
    Column("partition", Integer, primary_key=True),
    Column("partitions", Integer, nullable=False),  # how many there are
    Column("processed_until", UtcDateTime, nullable=False),
)

notice_alert = Table(  # standings (sinks/notifications/standing.py)
    "notice_alert",
    metadata,
    Column("alert_id", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("rule_id", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("is_firing", Boolean, nullable=False),
    Column("outcome", String, nullable=True),
    Column("step", Integer, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("owner_agency", String, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("snoozed_until", UtcDateTime, nullable=True),
    Column("acknowledged_by", String, nullable=True),
    Column("acknowledged_at", UtcDateTime, nullable=True),
    Column("severe_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("reached", JSON, nullable=False),  # step → instant
    Column("check_at", UtcDateTime, nullable=True),  # when somebody may have to be told; null: with the next revision
    Index("ix_notice_alert_check_at", "check_at"),
)

notice_duty = Table(  # the duty list; each import replaces the lists of the offices that it names
    "notice_duty",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("office", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("language", String, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("deputy", Boolean, nullable=False),
    Column("first_day", String, nullable=False),
    Column("last_day", String, nullable=False),
    Column("absent", JSON, nullable=False),  # [[first, last], …]
    Index("ix_notice_duty_office", "office"),
)

notice_message = Table(
    "notice_message",
    metadata,
    Column("message_id", String, primary_key=True),  # the same at each attempt: receivers know a repeat by it
    Column("kind", String, nullable=False),  # urgent, digest, over, releases or undelivered
    Column("recipient", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("language", String, nullable=False),
    Column("office", String, nullable=False),
    Column("topic", String, nullable=False),  # of a message without notices: the week of a list
    Column("is_urgent", Boolean, nullable=False),  # sent before the others
    Column("content", JSON, nullable=True),  # of a message without notices, and of one that has been tried
    Column("state", String, nullable=False),  # waiting, trying (it may have arrived), sent, failed or dropped
    Column("attempts", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),  # these by the wall clock
    Column("next_try_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime, nullable=True),
    Column("ended_at", UtcDateTime, nullable=True),
    Column("error", String, nullable=True),  # the kind of failure, never a text of somebody else
    Index("ix_notice_message_state_next_try_at", "state", "next_try_at"),
    Index("ix_notice_message_channel_tried_at", "channel", "tried_at"),
)

notice = Table(  # one line for one recipient; its key is what makes it one
    "notice",
    metadata,
    Column("alert_id", String, primary_key=True),
    Column("raised_at", UtcDateTime, primary_key=True),  # the episode
    Column("kind", String, primary_key=True),  # step, urgent or over
    Column("step", Integer, primary_key=True),
    Column("recipient", String, primary_key=True),  # staff id and channel
    Column("office", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("language", String, nullable=False),
    Column("at_once", Boolean, nullable=False),
    Column("state", String, nullable=False),  # waiting, trying, sent or failed
    Column("made_at", UtcDateTime, nullable=False),
    Column("message_id", String, nullable=True),
    Index("ix_notice_message_id", "message_id"),
)
