"""Partitions change their owner again and again: each one goes on with every case that was ever written."""

import subprocess
from pathlib import Path

import orjson
import pytest

from cli.stack.ports import free_ports
from schemas.topics import CASE
from tests.conditions import until
from tests.handover.histories import acknowledged, arriving, notice, scheduled
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline
from tests.measured import measured

pytestmark = pytest.mark.servers
SUBJECTS = ["p1_" + one + other + "d" * 24 for one in "abcdefghij" for other in "abcdefghij"]


def test_a_worker_that_takes_over_twice_within_seconds_knows_all_cases(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.publish(arriving(*(scheduled(subject=one) for one in SUBJECTS)))
        first = running.start("worker")
        until(lambda: _known(running).keys() == set(SUBJECTS), seconds=60)
        port = free_ports(1)[0]
        running.start("worker", REENTRY_WEB_PORT=str(port))
        until(lambda: 0 < _owned(port) < PARTITIONS, seconds=60)
        first.terminate()
        until(lambda: _owned(port) == PARTITIONS, seconds=60)
        notices = [notice("2026-11-02 09:00", subject=one) for one in SUBJECTS]
        running.publish(arriving(*notices))
        until(lambda: {ids[-1] for ids in _known(running).values()} == {one.id for one in notices}, seconds=30)
        assert {len(ids) for ids in _known(running).values()} == {2}


def test_a_standby_that_owned_often_and_wrote_nothing_takes_what_the_next_owner_writes(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path, REENTRY_STANDBY_REPLICAS="1") as running:
        running.publish(arriving(*(scheduled(subject=one) for one in SUBJECTS)))
        port = free_ports(1)[0]
        running.start("worker", REENTRY_WEB_PORT=str(port))
        until(lambda: _known(running).keys() == set(SUBJECTS), seconds=60)
        for _ in range(3):  # each time the first worker owns all partitions anew, and nothing happens
            other = _beside(running, port)
            other.kill()
            other.wait()
            until(lambda: _owned(port) == PARTITIONS, seconds=60)
        other = _beside(running, port)
        notices = [notice("2026-11-02 09:00", subject=one) for one in SUBJECTS]
        running.publish(arriving(*notices))
        until(lambda: {ids[-1] for ids in _known(running).values()} == {one.id for one in notices}, seconds=60)
        other.terminate()
        until(lambda: _owned(port) == PARTITIONS, seconds=60)
        answers = [acknowledged("2026-11-03 09:00", subject=one) for one in SUBJECTS]
        running.publish(arriving(*answers))
        until(lambda: {ids[-1] for ids in _known(running).values()} == {one.id for one in answers}, seconds=60)
        assert {len(ids) for ids in _known(running).values()} == {3}


def _beside(running: Pipeline, port: int) -> subprocess.Popen[bytes]:
    """Another worker, once it and the first one each live on a part of the partitions."""
    own = free_ports(1)[0]
    other = running.start("worker", REENTRY_WEB_PORT=str(own))
    until(lambda: 0 < _owned(own) < PARTITIONS and _owned(port) + _owned(own) == PARTITIONS, seconds=60)
    return other


def _owned(port: int) -> int:
    """In how many partitions a worker has taken a step."""
    return len(measured(port, "reentry_open_cases"))


def _known(running: Pipeline) -> dict[str, list[str]]:
    """The ids of each case's facts, as last written."""
    cases = [orjson.loads(value) for value in running.values(CASE) if value]
    return {case["subject"]: [fact[3] for fact in case["facts"]] for case in cases}
