"""The topics: the only place that spells their names, keys, retention and partitioning."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

RELEASE = "reentry.release.v1"
INTAKE = "reentry.intake.v1"
CHECKIN = "reentry.checkin.v1"
DISPUTE = "reentry.dispute.v1"
WORK = "reentry.work.v1"
ACTION = "reentry.action.v1"
SYSTEM = "reentry.system.v1"
CASE = "reentry.case.v1"
ALERT = "reentry.alert.v1"
DLQ = "reentry.dlq.v1"
ROUTED = "reentry.routed.v1"
WORLD = "reentry.world.v1"
PROGRESS = "reentry.progress.v1"
RECEIPT = "reentry.receipt.v1"
SOURCES = (RELEASE, INTAKE, CHECKIN, DISPUTE, WORK, ACTION, SYSTEM)

_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as the broker must have it. `retention_ms` is None where compaction alone decides, -1 for ever."""

    name: str
    key: str  # what the record key is, in words
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    keyed: bool = True  # has the one partition count that all keyed topics share
    timestamp_type: Literal["LogAppendTime", "CreateTime"] = "LogAppendTime"  # the watermark needs the broker's clock
    writers: str = "this pipeline"
    segment_bytes: int | None = None  # of a file: where records are deleted early, the disk is free once a file is

    def config(self) -> dict[str, str]:
        """The broker's topic settings, by their Kafka names."""
        settings: dict[str, str] = {"cleanup.policy": self.cleanup, "message.timestamp.type": self.timestamp_type}
        if self.retention_ms is not None:
            settings["retention.ms"] = str(self.retention_ms)
        if self.segment_bytes is not None:
            settings["segment.bytes"] = str(self.segment_bytes)
        if self.cleanup == "compact":  # a restart reads all of it: keep it near one record a key
            settings |= {"min.cleanable.dirty.ratio": "0.1", "segment.ms": str(10 * 60 * 1000)}
            settings["delete.retention.ms"] = str(
                90 * _DAY_MS
            )  # a reader that was away so long still learns what ended
        return settings


_PERSON = "person_ref"
TOPICS = (
    Topic(RELEASE, _PERSON, "delete", 90 * _DAY_MS, writers="prisons, detention houses, prison administration, courts"),
    Topic(INTAKE, _PERSON, "delete", 90 * _DAY_MS, writers="county and township justice offices, help agencies"),
    Topic(CHECKIN, _PERSON, "delete", 90 * _DAY_MS, writers="township offices, location systems"),
    Topic(DISPUTE, "dispute_id", "delete", 90 * _DAY_MS, writers="mediation committees, courts"),
    Topic(WORK, "agency_id", "delete", 90 * _DAY_MS, writers="justice offices, help agencies"),
    Topic(ACTION, "subject of the alert", "delete", 90 * _DAY_MS, writers="the console"),
    Topic(SYSTEM, "source", "delete", 90 * _DAY_MS, writers="publishers, administrators"),
    Topic(CASE, "subject", "compact", None, timestamp_type="CreateTime"),
    Topic(ALERT, "alert_id", "compact", None, timestamp_type="CreateTime"),
    # Keyed, so that a dead letter can stand in the partition of the same number as the record it was.
    Topic(DLQ, "original key", "delete", 365 * _DAY_MS, timestamp_type="CreateTime"),
    # Only on its way between two workers, who delete what they have done with; what it carries stays on its own topic.
    Topic(ROUTED, "subject", "delete", 14 * _DAY_MS, segment_bytes=16 * 1024 * 1024),
    # What concerns all cases for years (calendars, registry, rule versions): the system topic forgets it after its 90 days.
    Topic(WORLD, "source", "delete", -1, timestamp_type="CreateTime"),
    # What became of each record, for its sender: by the gateway.
    Topic(RECEIPT, "source", "delete", 90 * _DAY_MS),
    # The watermark of each partition, and what its worker runs with: one record a second and partition, the newest counts.
    Topic(PROGRESS, "partition", "compact", None, keyed=False, segment_bytes=16 * 1024 * 1024),
)
BETWEEN_WORKERS = frozenset((ROUTED, WORLD))  # nobody else reads or writes them
INTERNAL = BETWEEN_WORKERS | {PROGRESS}  # no part of the public contract
BY_NAME = {topic.name: topic for topic in TOPICS}


def named(prefix: str, topic: Topic | str) -> str:
    """The name on the broker: tests and trial runs share one broker by a prefix, which is empty otherwise."""
    return f"{prefix}{topic if isinstance(topic, str) else topic.name}"


def partition_of(key: bytes, count: int) -> int:
    """The partition of a key among `count`, as the Java client and kafka-python choose it."""
    return (murmur2(key) & 0x7FFFFFFF) % count


_M, _MASK, _SEED = 0x5BD1E995, 0xFFFFFFFF, 0x9747B28C


@lru_cache(maxsize=65_536)
def murmur2(key: bytes) -> int:
    """The 32-bit MurmurHash2 of Kafka's default partitioner, unsigned."""
    whole = len(key) & ~3
    found = _SEED ^ len(key)
    for start in range(0, whole, 4):
        part = int.from_bytes(key[start : start + 4], "little") * _M & _MASK
        part = (part ^ part >> 24) * _M & _MASK
        found = (found * _M & _MASK) ^ part
    if whole < len(key):
        found = (found ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    found = (found ^ found >> 13) * _M & _MASK
    return found ^ found >> 15
