"""Compare the topics a broker has with those we need, and bring it there. Nothing is ever deleted or shrunk."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError

from brokers.clients import make_admin
from brokers.connection import KafkaConnection
from cli.settings import Settings
from schemas.topics import TOPICS, named

QUORUM = 3  # from so many copies on, two must have a record before it counts as written
SHOWN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """One topic as it must be on the broker."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be. `impossible`: only people can mend it, and `apply` refuses to try."""

    topic: str
    kind: Literal["create", "configure", "grant", "revoke", "impossible"]
    text: str
    config: Mapping[str, str]

    def wire(self) -> dict[str, Any]:
        """As a plain object, for `--json`."""
        return asdict(self)


def list_topics(settings: Settings) -> tuple[Wanted, ...]:
    """Every topic of the product under the settings' prefix, partition count and replication."""
    quorum = {"min.insync.replicas": "2" if settings.replication >= QUORUM else "1"}
    return tuple(
        Wanted(
            named(settings.topic_prefix, topic),
            settings.partitions if topic.keyed else 1,
            settings.replication,
            {**topic.config(), **quorum},
        )
        for topic in TOPICS
    )


def connect(kafka: KafkaConnection, *, seconds: float = 10) -> Any:
    """An admin client. Raise KafkaError where no broker answers in time."""
    return make_admin(kafka, round(seconds * 1000))


def differences(admin: KafkaAdminClient, topics: Sequence[Wanted]) -> list[Difference]:
    """What the broker lacks, in the order of the topics. Empty when all is as it must be."""
    there = set(admin.list_topics())
    present = [topic for topic in topics if topic.name in there]
    shapes = _shapes(admin, present)
    configs = _configs(admin, present)
    found = []
    for topic in topics:
        if topic.name not in there:
            text = f"{topic.partitions} partitions, {topic.replication} copies, {_show(topic.config)}"
            found.append(Difference(topic.name, "create", text, topic.config))
        else:
            found += _compare(topic, shapes[topic.name], configs[topic.name])
    return found


def apply(admin: KafkaAdminClient, topics: Sequence[Wanted], todo: Sequence[Difference]) -> None:
    """Do what is possible of the list: create topics, set their configuration. Return when the broker shows it."""
    by_name = {topic.name: topic for topic in topics}
    new = {one.topic: _options(by_name[one.topic]) for one in todo if one.kind == "create"}
    if new:
        with contextlib.suppress(TopicAlreadyExistsError):  # made by another in the same moment; compared below
            admin.create_topics(new)
        admin.wait_for_topics(list(new), timeout_ms=30_000)
    changes = [
        ConfigResource(ConfigResourceType.TOPIC, one.topic, dict(one.config)) for one in todo if one.kind == "configure"
    ]
    if changes:
        admin.alter_configs(changes)
    end = time.monotonic() + SHOWN_SECONDS
    while any(one.kind != "impossible" for one in differences(admin, topics)) and time.monotonic() < end:
        time.sleep(0.05)  # accepted is not yet seen: a broker learns of it from the controller's log


def _options(topic: Wanted) -> dict[str, Any]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication,
        "configs": dict(topic.config),
    }


def _shapes(admin: KafkaAdminClient, topics: Sequence[Wanted]) -> dict[str, tuple[int, int]]:
    """Partitions and copies of each topic."""
    described = admin.describe_topics([topic.name for topic in topics]) if topics else []
    return {
        one["name"]: (len(one["partitions"]), min(len(part["replica_nodes"]) for part in one["partitions"]))
        for one in described
    }


def _configs(admin: KafkaAdminClient, topics: Sequence[Wanted]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    described = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
    return {name: {key: entry["value"] for key, entry in entries.items()} for name, entries in described.items()}


def _compare(topic: Wanted, shape: tuple[int, int], config: Mapping[str, str]) -> list[Difference]:
    partitions, copies = shape
    found = []
    if partitions != topic.partitions:
        text = (
            f"has {partitions} partitions, needs {topic.partitions}: the count is fixed for life (REENTRY_PARTITIONS)"
        )
        found.append(Difference(topic.name, "impossible", text, {}))
    if copies < topic.replication:
        text = f"has {copies} copies, needs {topic.replication}: reassign its partitions with Kafka's own tool"
        found.append(Difference(topic.name, "impossible", text, {}))
    wrong = {name: value for name, value in topic.config.items() if config.get(name) != value}
    if wrong:
        text = ", ".join(f"{name} {config.get(name)} -> {value}" for name, value in wrong.items())
        found.append(Difference(topic.name, "configure", text, wrong))
    return found


def _show(config: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in config.items())
