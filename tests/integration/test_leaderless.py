"""Partitions whose only broker is down: commands wait for a leader, then end in one line, and nobody fails otherwise."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import KafkaError

from brokers import progress_topic
from brokers.connection import KafkaConnection
from cli.kafka import log_reader
from cli.main import run
from cli.stack.kafka import Cluster
from schemas.topics import PROGRESS, named
from tests.conditions import until
from tests.integration.pipeline import Pipeline
from tests.integration.test_sinks import history

pytestmark = [pytest.mark.servers, pytest.mark.slow]
PREFIX = "leaderless."


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def topics(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Each partition on one node alone."""
    made = Pipeline(cluster.bootstrap, PREFIX, tmp_path_factory.mktemp("pipeline"))
    made.create_topics()
    made.publish(history(20))
    return made


@pytest.fixture
def without_a_node(cluster: Cluster, topics: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    for name, value in topics.env.items():
        monkeypatch.setenv(name, value)
    node = cluster.nodes[2]
    node.kill()
    yield cluster
    if node.process is None or node.process.poll() is not None:
        node.launch()
    node.wait(90)


def test_a_command_waits_for_a_leader_and_ends_in_one_line(
    without_a_node: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(log_reader, "LEADER_SECONDS", 3.0, raising=False)
    began = time.monotonic()
    assert run(["dump", "--out", str(tmp_path / "events.jsonl")]) == 2
    assert time.monotonic() - began >= 3
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "has had no leader for 3 s; start the brokers that are down" in said[0]


def test_a_leader_that_comes_back_in_time_is_all_it_needs(without_a_node: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    command = subprocess.Popen(
        [sys.executable, "-m", "cli", "dump", "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    time.sleep(3)
    assert command.poll() is None
    without_a_node.nodes[2].launch()
    _, said = command.communicate(timeout=120)
    assert command.returncode == 0, said
    assert len(out.read_text().splitlines()) == len(history(20))


def test_reports_without_a_leader_are_an_answer_of_kafka_and_no_bug(
    without_a_node: Cluster, topics: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_topic, "LEADER_SECONDS", 1.0)
    kafka = KafkaConnection(without_a_node.bootstrap)
    node = without_a_node.nodes[2]
    node.launch()
    node.wait(90)
    assert progress_topic.read_newest(kafka, PREFIX) == {}
    owner = _owner_of(without_a_node, named(PREFIX, PROGRESS))
    without_a_node.nodes[owner - 1].kill()
    try:
        with pytest.raises(KafkaError):
            progress_topic.read_newest(kafka, PREFIX)
    finally:
        without_a_node.nodes[owner - 1].launch()
        without_a_node.nodes[owner - 1].wait(90)
    until(lambda: progress_topic.read_newest(kafka, PREFIX) == {}, seconds=30)


def _owner_of(cluster: Cluster, topic: str) -> int:
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    try:
        return int(admin.describe_topics([topic])[0]["partitions"][0]["leader_id"])
    finally:
        admin.close()
