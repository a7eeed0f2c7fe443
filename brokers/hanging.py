"""Transactions that stay open: what is behind one is read by nobody until it is decided. Asked by whoever looks after the brokers."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from brokers.clients import open_consumer
from brokers.connection import KafkaConnection

FETCH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Hanging:
    """One partition that is held back from `offset` on, by a record appended at `since` (None: it cannot be read)."""

    topic: str
    partition: int
    offset: int
    since: datetime | None
    transaction: str  # the transactional id, or the producer's number, or nothing where we may not ask

    @property
    def place(self) -> str:
        """Where, in one word."""
        return f"{self.topic}[{self.partition}]"


def remedy(topic: str, partition: int, offset: int, connection: KafkaConnection) -> str:
    """What ends a transaction whose publisher is gone."""
    return (
        "start its publisher again, which ends it, or: kafka-transactions.sh "
        f"--bootstrap-server {connection.servers[0]} abort --topic {topic} --partition {partition} --start-offset {offset}"
    )


def hanging(connection: KafkaConnection, admin: Any, topics: Iterable[str]) -> list[Hanging]:
    """Every partition of the topics that an open transaction holds back now. Raise KafkaError."""
    described = admin.describe_topics(list(topics))
    places = [TopicPartition(one["name"], part["partition_index"]) for one in described for part in one["partitions"]]
    latest = dict.fromkeys(places, OffsetSpec.LATEST)
    # The ends first: what is written between the two questions is held back by nobody.
    ends = admin.list_partition_offsets(latest, isolation_level="read_uncommitted")
    stable = admin.list_partition_offsets(latest, isolation_level="read_committed")
    held = {place: stable[place].offset for place in places if stable[place].offset < ends[place].offset}
    since = _find_appended(connection, held)
    return [
        Hanging(place.topic, place.partition, offset, since.get(place), _owner(admin, place, offset))
        for place, offset in held.items()
    ]


def _find_appended(connection: KafkaConnection, held: dict[TopicPartition, int]) -> dict[TopicPartition, datetime]:
    """When the first record that is held back was appended."""
    if not held:
        return {}
    found: dict[TopicPartition, datetime] = {}
    with open_consumer(connection, isolation_level="read_uncommitted") as consumer:
        consumer.assign(list(held))
        for place, offset in held.items():
            consumer.seek(place, offset)
        end = time.monotonic() + FETCH_SECONDS
        while len(found) < len(held) and time.monotonic() < end:
            for place, records in consumer.poll(timeout_ms=200).items():
                found.setdefault(place, datetime.fromtimestamp(records[0].timestamp / 1000, UTC))
    return found


def _owner(admin: Any, place: TopicPartition, offset: int) -> str:
    from kafka.errors import KafkaError

    try:
        producers = admin.describe_producers([place])[place].active_producers
        numbers = [one.producer_id for one in producers if one.current_transaction_start_offset == offset]
        listed: Sequence[Any] = (
            [one for rows in admin.list_transactions(producer_id_filters=numbers).values() for one in rows]
            if numbers
            else []
        )
    except KafkaError:
        return ""
    if listed:
        return f"transactional id {listed[0].transactional_id}"
    return f"producer {numbers[0]}" if numbers else ""
