"""`handover rebuild cases`: a topic of cases or alerts that lost records is told by the next worker, and made whole from the log."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import BrokerResponseError, PolicyViolationError

from schemas.topics import ALERT, BY_NAME, CASE, RELEASE, named
from tests.conditions import until
from tests.handover.histories import Told
from tests.integration.pipeline import Pipeline, find_tracebacks, newest, pipeline
from tests.integration.test_read_model import made_anew
from tests.integration.test_retention import forget
from tests.integration.test_sinks import history
from tests.integration.verified import verified

pytestmark = pytest.mark.servers
PLANNED = "2026-02-02 10:00"


@pytest.fixture
def running(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline that has raised some alerts."""
    with pipeline(kafka, topic_prefix, tmp_path) as one:
        one.start("worker")
        one.start("sink")
        one.publish(history(12))
        until(lambda: len(newest(one.alerts())) >= 12, seconds=60, every=1)
        yield one


def stopped(running: Pipeline, number: int) -> None:
    running.processes[number].terminate()
    running.processes[number].wait(30)


def command(running: Pipeline, *arguments: str) -> subprocess.CompletedProcess[str]:
    full = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(full, env={**os.environ, **running.env}, capture_output=True, text=True, check=False)


def removed(running: Pipeline, topic: str) -> None:
    """Do what a compacted topic never does by itself: its first half is gone."""
    admin, name = KafkaAdminClient(bootstrap_servers=running.brokers), named(running.prefix, topic)
    ends: dict[int, int] = {}
    for record in running.records(topic):
        ends[record.partition] = record.offset + 1
    policies = [{"cleanup.policy": policy} for policy in ("compact,delete", BY_NAME[topic].cleanup)]
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, policies[0])])
    until(lambda: _are_deleted(admin, name, ends), seconds=20, every=0.5)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, policies[1])])
    admin.close()


def _are_deleted(admin: KafkaAdminClient, name: str, ends: dict[int, int]) -> bool:
    try:
        admin.delete_records({TopicPartition(name, number): (end + 1) // 2 for number, end in ends.items()})
    except (PolicyViolationError, BrokerResponseError) as error:  # of one partition, of several
        if "PolicyViolation" not in repr(error):
            raise
        return False  # the new policy is not yet in force
    return True


def refusal(running: Pipeline) -> str:
    """Everything that a worker says that does not start."""
    process = running.start("worker")
    assert process.wait(60) == 1
    return (running.folder / f"worker-{len(running.processes) - 1}.log").read_text()


def more(running: Pipeline, told: list[Told], before: int) -> None:
    """Let the workers go on with further facts."""
    running.start("worker")
    running.publish(told)
    until(lambda: len(newest(running.alerts())) > before, seconds=60, every=1)


def made_whole(running: Pipeline) -> None:
    """Refuse, say what would be done, do it, go on: equal before and after further facts."""
    said = refusal(running).strip().splitlines()
    assert "handover rebuild cases" in said[-1]
    assert find_tracebacks("".join(said)) == []
    dry = command(running, "rebuild", "cases")
    assert (dry.returncode, "nothing was changed" in dry.stderr) == (1, True), dry.stderr
    assert "rebuild cases" in command(running, "doctor").stdout
    done = command(running, "rebuild", "cases", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    before = len(newest(running.alerts()))
    more(running, history(6, 12), before)


def only_grows(running: Pipeline) -> None:
    """No revision is told twice with other content, and none comes behind a greater one."""
    last: dict[str, int] = {}
    contents: dict[tuple[str, int], object] = {}
    for one in running.alerts():
        assert contents.setdefault((one.alert_id, one.revision), one) == one
        assert one.revision >= last.get(one.alert_id, 0)
        last[one.alert_id] = one.revision


def test_topics_whose_beginning_was_removed(running: Pipeline) -> None:
    ids = set(newest(running.alerts()))
    done = command(running, "rebuild", "cases", "--yes")
    assert (done.returncode, "workers run" in done.stderr) == (1, True), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    stopped(running, 0)
    for topic in (CASE, ALERT):
        removed(running, topic)
    made_whole(running)
    found = verified(running)
    assert found.returncode == 0, found.stdout + found.stderr
    assert ids <= set(newest(running.alerts()))
    only_grows(running)


def test_lost_topics_and_their_read_model(running: Pipeline) -> None:
    ids = set(newest(running.alerts()))
    made_anew(running, CASE)
    running.publish(history(1, 25))
    assert running.processes[0].wait(60) != 0  # it meets a topic that ends before what it wrote
    said = (running.folder / "worker-0.log").read_text()
    assert "handover rebuild cases" in said
    assert find_tracebacks(said) == []
    made_anew(running, ALERT)
    made_whole(running)
    assert "no longer at" not in command(running, "doctor").stdout
    only_grows(running)
    assert ids <= set(newest(running.alerts()))
    done = command(running, "rebuild", "sql")
    assert done.returncode == 0, done.stderr
    found = verified(running)
    assert found.returncode == 0, found.stdout + found.stderr


def test_cases_of_which_the_log_has_forgotten_the_beginning(running: Pipeline) -> None:
    firing = {one.alert_id for one in newest(running.alerts()).values() if one.state == "firing"}
    stopped(running, 0)
    forget(running, RELEASE)
    removed(running, CASE)
    dry = command(running, "rebuild", "cases")
    assert "cannot be computed" in dry.stderr
    assert "their newest record is kept" in dry.stdout
    made_whole(running)
    assert firing <= {one.alert_id for one in newest(running.alerts()).values() if one.state == "firing"}
    only_grows(running)
