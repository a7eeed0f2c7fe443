"""A pipeline for tests: topics under a prefix on the real broker, workers and sinks as the processes they are."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from schemas.alert import Alert, read
from schemas.envelope import Event
from schemas.instants import millis
from schemas.topics import ALERT, BY_NAME, TOPICS, named, partition_of

PARTITIONS = 4
_NO_LIMIT = "9223372036854775807"
_RECORDED = {
    "retention.ms": "-1",
    "message.timestamp.after.max.ms": _NO_LIMIT,
    "message.timestamp.before.max.ms": _NO_LIMIT,
}


@dataclass
class Pipeline:
    """One pipeline under one prefix. `recorded`: its topics keep the writer's timestamps, so that history keeps its instants."""

    brokers: str
    prefix: str
    folder: Path
    recorded: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """What its processes are given."""
        own = {
            "REENTRY_BROKERS": self.brokers,
            "REENTRY_TOPIC_PREFIX": self.prefix,
            "REENTRY_PARTITIONS": str(PARTITIONS),
            "REENTRY_REPLICATION": "1",
            "REENTRY_DATA_DIR": str(self.folder),
            "REENTRY_SESSION_TIMEOUT_SECONDS": "3",
            "REENTRY_STANDBY_REPLICAS": "0",
        }
        return {**os.environ, **own, **self.settings}

    def create_topics(self) -> None:
        """Make its topics."""
        admin = KafkaAdminClient(bootstrap_servers=self.brokers)
        wanted = {}
        for topic in TOPICS:
            stamped = replace(topic, timestamp_type="CreateTime") if self.recorded else topic
            configs = {**stamped.config(), **(_RECORDED if self.recorded else {})}
            wanted[named(self.prefix, topic)] = {
                "num_partitions": _partitions(topic.name),
                "replication_factor": 1,
                "configs": configs,
            }
        admin.create_topics(wanted)
        admin.wait_for_topics(list(wanted), timeout_ms=30_000)
        admin.close()

    def start(self, command: str, *options: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start `handover COMMAND`; its log is in the folder."""
        arguments = [sys.executable, "-m", "cli", command, *options]
        with (self.folder / f"{command}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(arguments, env={**self.env, **settings}, stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End every process started here."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def publish(self, told: Iterable[tuple[Event, datetime]], partition_by: str = "murmur2") -> None:
        """Publish in order of arrival; on recorded topics the arrival is the timestamp. "wrong": one partition beside its own."""
        producer = KafkaProducer(bootstrap_servers=self.brokers, acks="all")
        sent = []
        for event, arrival in sorted(told, key=lambda one: one[1]):
            home = partition_of(event.subject.encode(), PARTITIONS)
            sent.append(
                producer.send(
                    named(self.prefix, event.topic),
                    key=event.subject.encode(),
                    value=orjson.dumps(event.wire()),
                    timestamp_ms=millis(arrival),
                    partition=home if partition_by == "murmur2" else (home + 1) % PARTITIONS,
                )
            )
        for one in sent:
            one.get(timeout=30)
        producer.close()

    def values(self, topic: str) -> list[bytes]:
        """All values on a topic now."""
        return [record.value for record in self.records(topic)]

    def records(self, topic: str) -> list[Any]:
        """All records on a topic now."""
        return list(self.read(topic))

    def read(self, topic: str, seconds: float = 30) -> Iterator[Any]:
        """The same one after the other, as far as they come in time."""
        consumer = KafkaConsumer(bootstrap_servers=self.brokers, auto_offset_reset="earliest", group_id=None)
        places = [TopicPartition(named(self.prefix, topic), number) for number in range(_partitions(topic))]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        end = time.monotonic() + seconds
        while any(consumer.position(place) < ends[place] for place in places) and time.monotonic() < end:
            for records in consumer.poll(timeout_ms=200).values():
                yield from records
        consumer.close()

    def alerts(self) -> list[Alert]:
        """Every alert revision on the topic."""
        return [read(value) for value in self.values(ALERT)]


@contextmanager
def pipeline(brokers: str, prefix: str, folder: Path, *, recorded: bool = False, **settings: str) -> Iterator[Pipeline]:
    """A pipeline with its topics made; every process of it ends with the block."""
    one = Pipeline(brokers, prefix, folder, recorded, settings)
    one.create_topics()
    try:
        yield one
    finally:
        one.stop()


def _partitions(topic: str) -> int:
    return PARTITIONS if BY_NAME[topic].keyed else 1


def newest(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """The last revision of each alert."""
    found: dict[str, Alert] = {}
    for alert in alerts:
        if alert.alert_id not in found or alert.revision >= found[alert.alert_id].revision:
            found[alert.alert_id] = alert
    return found


def find_tracebacks(log: str) -> list[str]:
    """The ends of the lines of a log that hold a stack of calls."""
    return [line[-2_000:] for line in log.splitlines() if "Traceback" in line]
