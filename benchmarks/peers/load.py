"""What all programs of one race read: the toy's events, or those of the simulated city, with the instants at which they happened."""

import heapq
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from kafka import KafkaAdminClient, KafkaProducer

from cli.simulation.stream import Options, simulate
from schemas.topics import SOURCES, TOPICS, named, partition_of

PARTITIONS = 4
PERSONS = 100_000
HOUR_MS = 3_600_000
UNANSWERED_MS = 60_000
_KEPT = {
    "retention.ms": "-1",
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": "9223372036854775807",
    "message.timestamp.before.max.ms": "9223372036854775807",
}


@dataclass(frozen=True, slots=True)
class Load:
    """What was published under one name: how many events, which alerts must come (None: not judged here), the last instant (ms)."""

    events: int
    alerts: frozenset[str] | None
    end_ms: int


def toy_events(count: int, alerts: set[str]) -> Iterator[tuple[int, str, str, dict[str, object]]]:
    """Half releases, half answers to nine of ten of them, over one hour, two hours ago. Into `alerts`: those that must come."""
    dice, begun = random.Random(7), int((time.time() - 7200) * 1000)  # two hours ago
    waiting: list[tuple[int, str, str, dict[str, object]]] = []
    releases = int(count / 1.9)
    for number in range(releases):
        at = begun + number * HOUR_MS // releases
        while waiting and waiting[0][0] <= at:
            yield heapq.heappop(waiting)
        person, name = f"p{dice.randrange(PERSONS):07}", f"h{number:08}"
        told = {"id": name, "person": person, "office": f"office-{number % 500:03}", "padding": "y" * 110}
        yield at, "release", person, {**told, "kind": "release", "deadline_ms": at + UNANSWERED_MS}
        if dice.random() < 0.9 or at > begun + HOUR_MS - 2 * UNANSWERED_MS:
            later = at + dice.randrange(100, 5000)
            heapq.heappush(waiting, (later, "checkin", person, {**told, "kind": "checkin", "at_ms": later}))
        else:
            alerts.add(f"{name}:{at + UNANSWERED_MS}")
    while waiting:
        yield heapq.heappop(waiting)


def load_toy(brokers: str, run: str, count: int) -> Load:
    """Publish the toy's events."""
    _create(brokers, [f"{run}.{name}" for name in ("release", "checkin", "alerts")])
    producer, alerts, sent, last = _producer(brokers), set[str](), 0, 0
    for at, topic, person, body in toy_events(count, alerts):
        _send(producer, f"{run}.{topic}", person, orjson.dumps(body), at)
        sent, last = sent + 1, max(last, at)
    producer.close()
    return Load(sent, frozenset(alerts), last)


def load_city(brokers: str, run: str, days: int) -> Load:
    """Publish the simulated city, under the product's own names with the prefix `run.`, and make the product's other topics."""
    _create(brokers, [named(f"{run}.", topic) for topic in TOPICS_OF_PRODUCT])
    _create(brokers, [f"{run}.alerts"])
    producer, sent, last = _producer(brokers), 0, 0
    for one in simulate(Options(days=days)):
        if one.value is not None:
            _send(producer, named(f"{run}.", one.topic), one.key, one.value, one.received)
            sent, last = sent + 1, max(last, one.received)
    producer.close()
    return Load(sent, None, last)


TOPICS_OF_PRODUCT = tuple(topic.name for topic in TOPICS)
CITY_SOURCES = SOURCES


def _create(brokers: str, names: list[str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    wanted = {name: {"num_partitions": PARTITIONS, "replication_factor": 1, "configs": _KEPT} for name in names}
    admin.create_topics(wanted)
    admin.wait_for_topics(names, timeout_ms=30_000)
    admin.close()


def _producer(brokers: str) -> KafkaProducer:
    return KafkaProducer(
        bootstrap_servers=brokers, acks="all", linger_ms=50, batch_size=500_000, max_request_size=2_000_000
    )


def _send(producer: KafkaProducer, topic: str, key: str, value: bytes, at_ms: int) -> None:
    home = partition_of(key.encode(), PARTITIONS)
    producer.send(topic, key=key.encode(), value=value, partition=home, timestamp_ms=at_ms)
