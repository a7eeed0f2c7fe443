"""What workers have sent each other and done with does not stay; what is not done with does."""

from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from brokers.connection import KafkaConnection
from schemas.topics import ROUTED, named
from streams.topic_cleanup import purge
from tests.conditions import until
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline
from tests.integration.test_pipeline import ends_as_replay_says, golden

pytestmark = pytest.mark.servers


def routed(running: Pipeline) -> list[TopicPartition]:
    return [TopicPartition(named(running.prefix, ROUTED), number) for number in range(PARTITIONS)]


def first_offsets(running: Pipeline) -> list[int]:
    consumer = KafkaConsumer(bootstrap_servers=running.brokers, group_id=None)
    found: dict[TopicPartition, int] = consumer.beginning_offsets(routed(running))
    consumer.close()
    return [found[place] for place in routed(running)]


def committed(running: Pipeline) -> list[int]:
    group = f"{running.prefix}reentry-worker"
    admin = KafkaAdminClient(bootstrap_servers=running.brokers)
    found = admin.list_group_offsets({group: routed(running)})[group]
    admin.close()
    return [max(0, found[place].offset) for place in routed(running)]  # -1: nothing has been committed yet


def test_what_is_done_with_is_deleted_and_all_ends_as_replay_says(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    told = golden(skip=("28",))  # its manifest needs the sink
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True, REENTRY_PURGE_SECONDS="0.1") as running:
        running.publish(told, partition_by="wrong")
        running.start("worker")
        until(lambda: max(first_offsets(running)) > 0, seconds=60)
        ends_as_replay_says(running, told, seconds=90)
        until(lambda: min(first_offsets(running)) > 0, seconds=30)


def test_what_nobody_has_done_with_stays(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        worker = running.start("worker")
        until(lambda: len(running.values(ROUTED)) > PARTITIONS, seconds=60)
        worker.terminate()
        worker.wait(30)
        held = len(running.values(ROUTED))
        purge(KafkaConnection(kafka), f"{topic_prefix}nobody", named(topic_prefix, ROUTED), range(PARTITIONS))
        assert len(running.values(ROUTED)) == held
        purge(KafkaConnection(kafka), f"{topic_prefix}reentry-worker", named(topic_prefix, ROUTED), range(PARTITIONS))
        assert first_offsets(running) == committed(running)
