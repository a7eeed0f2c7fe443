"""What the partitions of topics hold, and which topics they are: one that was deleted and made again has another id."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from brokers.clients import open_admin
from brokers.connection import KafkaConnection


class Holding(NamedTuple):
    """Offsets [first, end) of the topic with this id."""

    topic_id: str
    first: int
    end: int


def holdings(kafka: KafkaConnection, topics: Sequence[str]) -> Mapping[TopicPartition, Holding]:
    """The partitions of those topics that are there. Raise KafkaError, OSError."""
    with open_admin(kafka) as admin:
        described = [one for one in admin.describe_topics(list(topics)) if one["topic_id"] and not one["error_code"]]
        ids = {
            TopicPartition(one["name"], part["partition_index"]): str(one["topic_id"])
            for one in described
            for part in one["partitions"]
        }
        firsts = admin.list_partition_offsets(dict.fromkeys(ids, OffsetSpec.EARLIEST)) if ids else {}
        ends = admin.list_partition_offsets(dict.fromkeys(ids, OffsetSpec.LATEST)) if ids else {}
    return {
        place: Holding(topic_id, firsts[place].offset, ends[place].offset)
        for place, topic_id in ids.items()
        if place in firsts and place in ends
    }
