"""Which log a topic is, and what its partitions hold: asked of the broker."""

from collections.abc import Collection, Mapping
from typing import Any

from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from brokers.clients import make_admin
from brokers.connection import KafkaConnection
from brokers.offsets import ANSWER_MS, read_ends, read_firsts
from sinks.takeover import Log, Place


class LogWatcher:
    """Asks which cluster and which topics these are. One client, made when first needed."""

    def __init__(self, kafka: KafkaConnection, prefix: str) -> None:
        self._kafka, self._prefix = kafka, prefix
        self._admin: Any = None

    def logs(self, consumer: Any, places: Collection[TopicPartition]) -> Mapping[Place, Log]:
        """What each of these partitions is and holds. Raise KafkaError."""
        topics = {place.topic for place in places}
        cluster_id, ids = self._identify(sorted(topics))
        if not places:
            return {}
        ends = read_ends(consumer, places)
        firsts = read_firsts(consumer, places)
        if ids != self._identify(sorted(topics))[1]:  # made anew while it was asked for its ends
            raise UnknownTopicOrPartitionError("a topic changes")
        return {
            Place(place.topic.removeprefix(self._prefix), place.partition): Log(
                firsts[place], ends[place], cluster_id, ids[place.topic]
            )
            for place in places
        }

    def log_ends(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where partitions end, with what an open transaction holds back: that has not been written either. Raise KafkaError."""
        if not places:
            return {}
        wanted = dict.fromkeys(places, OffsetSpec.LATEST)
        try:
            found = self._client().list_partition_offsets(wanted, timeout_ms=ANSWER_MS)
        except KafkaError:
            self.close()
            raise
        if missing := set(places) - found.keys():
            raise UnknownTopicOrPartitionError(f"{len(missing)} partitions are not there")
        return {place: one.offset for place, one in found.items()}

    def _client(self) -> Any:
        if self._admin is None:
            self._admin = make_admin(self._kafka, ANSWER_MS)
        return self._admin

    def _identify(self, topics: list[str]) -> tuple[str, Mapping[str, str]]:
        try:
            admin = self._client()
            cluster = str(admin.describe_cluster()["cluster_id"])
            described = admin.describe_topics(topics) if topics else []
            ids = {one["name"]: str(one["topic_id"]) for one in described if one["topic_id"]}
        except KafkaError:
            self.close()  # brokers that come back may be others
            raise
        if missing := set(topics) - ids.keys():
            raise UnknownTopicOrPartitionError(f"{len(missing)} topics are not there")
        return cluster, ids

    def close(self) -> None:
        """End the client; the next question makes a new one."""
        if self._admin is not None:
            self._admin.close()
        self._admin = None
