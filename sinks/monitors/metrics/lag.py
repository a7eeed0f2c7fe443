"""How far consumers are behind, in seconds: the age of the first record that a group has not committed."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from brokers.clients import make_admin, make_consumer
from brokers.connection import KafkaConnection
from brokers.offsets import ANSWER_MS, read_ends, read_firsts
from schemas.topics import SOURCES, named

POLL_MS = 500
Arrival = Callable[[int], datetime]


class Lag(NamedTuple):
    """One consumer group: how old its first unread record is (0: none), and since when it waits."""

    group: str  # without prefix
    seconds: float
    oldest_ms: int | None


class Lags:
    """Asks the broker. One consumer, made when first needed."""

    def __init__(self, kafka: KafkaConnection, prefix: str, groups: Mapping[str, Iterable[str]]) -> None:
        self._kafka, self._prefix, self._groups = kafka, prefix, groups
        self._consumer: Any = None
        self._admin: Any = None

    def now(self) -> list[Lag]:
        """Each group that has ever committed. Raise KafkaError."""
        if self._consumer is None:
            self._consumer = make_consumer(
                self._kafka,
                isolation_level="read_uncommitted",  # what an open transaction holds back waits too
                auto_offset_reset="earliest",  # what retention has removed is not waited for
                max_partition_fetch_bytes=65_536,  # the first record is enough
                bootstrap_timeout_ms=ANSWER_MS,
            )
            self._admin = make_admin(self._kafka, ANSWER_MS)
        return [found for group, topics in self._groups.items() if (found := self._of(group, topics)) is not None]

    def _of(self, group: str, topics: Iterable[str]) -> Lag | None:
        mine = {named(self._prefix, topic) for topic in topics}
        told = {place: found.offset for place, found in self._read_committed(group).items() if place.topic in mine}
        committed = {place: offset for place, offset in told.items() if offset >= 0}
        if not committed:
            return None
        self._consumer.assign(list(committed))  # so that it learns where they are
        ends, firsts = read_ends(self._consumer, committed), read_firsts(self._consumer, committed)
        held = {
            place: max(offset, firsts[place]) for place, offset in committed.items()
        }  # what is gone is not waited for
        behind = {place: offset for place, offset in held.items() if offset < ends[place]}
        oldest = min(self._timestamps(behind, ends), default=None) if behind else None
        seconds = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)
        return Lag(group, seconds, oldest)

    def _read_committed(self, group: str) -> Mapping[TopicPartition, Any]:
        name = f"{self._prefix}{group}"
        found: Mapping[Any, Any] = self._admin.list_group_offsets({name: None})
        mine: Mapping[TopicPartition, Any] = found.get(name, {})
        return mine

    def _timestamps(self, behind: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> Iterable[int]:
        """When the first record that is not read was appended, for each partition whose records still are there. Raise KafkaError."""
        self._consumer.assign(list(behind))
        self._consumer.resume(*behind)  # asked before, they were paused
        for place, offset in behind.items():
            self._consumer.seek(place, offset)
        found: dict[TopicPartition, int] = {}
        passed: set[TopicPartition] = set()
        end = time.monotonic() + ANSWER_MS / 1000
        while len(found) + len(passed) < len(behind) and time.monotonic() < end:
            for place, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                found.setdefault(place, records[0].timestamp)
                self._consumer.pause(place)
            for place in behind.keys() - found.keys() - passed:
                if self._consumer.position(place, timeout_ms=ANSWER_MS) >= ends[place]:
                    passed.add(place)  # nothing but the ends of transactions
        if not found and len(passed) < len(behind):
            raise KafkaTimeoutError("no record that is not read could be fetched in time")
        return found.values()

    def close(self) -> None:
        """End the clients; the next question makes new ones."""
        for client in (self._consumer, self._admin):
            if client is not None:
                client.close()
        self._consumer = self._admin = None


WORKER = {"reentry-worker": SOURCES}
