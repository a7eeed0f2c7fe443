"""How far the log is processed stands on a topic, and workers that would judge differently do not run together."""

import time
from pathlib import Path

import pytest

from schemas import progress
from schemas.instants import millis
from schemas.topics import ALERT, CASE, PROGRESS
from tests.conditions import until
from tests.handover.histories import arriving, scheduled
from tests.integration.pipeline import PARTITIONS, Pipeline, find_tracebacks, pipeline

pytestmark = pytest.mark.servers


def _newest(running: Pipeline) -> dict[int, progress.Progress]:
    return {one.partition: one for one in map(progress.read, running.values(PROGRESS))}


def test_the_watermark_of_every_partition_is_reported_and_follows_the_clock(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.publish(arriving(scheduled()))
        running.start("worker")
        until(lambda: len(_newest(running)) == PARTITIONS, seconds=60, every=1)
        until(lambda: bool(running.values(CASE)), seconds=60, every=1)
        asked = time.time() * 1000
        until(
            lambda: min(millis(one.processed_until) for one in _newest(running).values()) > asked, seconds=30, every=1
        )
        newest = _newest(running)
        for topic, ends in (
            (CASE, {one.partition: one.cases_end for one in newest.values()}),
            (ALERT, {one.partition: one.alerts_end for one in newest.values()}),
        ):
            written = {record.partition: record.offset + 1 for record in running.records(topic)}
            assert {number: end for number, end in ends.items() if end} == written


def test_a_worker_with_another_rule_book_does_not_join(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        first = running.start("worker")
        until(lambda: len(_newest(running)) == PARTITIONS, seconds=60, every=1)
        other = running.start("worker", REENTRY_RULES="city-990100")
        assert other.wait(60) == 1
        [line] = [one for one in (tmp_path / "worker-1.log").read_text().splitlines() if "another worker" in one]
        assert "book cn-default@2, not city-990100@2" in line
        assert first.poll() is None
        same = running.start("worker")
        until(lambda: len({one.worker for one in map(progress.read, running.values(PROGRESS))}) == 2, seconds=60)
        assert same.poll() is None


def test_the_book_may_change_once_the_old_workers_are_gone(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        first = running.start("worker")
        until(lambda: len(_newest(running)) == PARTITIONS, seconds=60, every=1)
        first.kill()
        first.wait(10)
        running.start("worker", REENTRY_RULES="city-990100")
        until(lambda: {one.setup.book for one in _newest(running).values()} == {"city-990100@2"}, seconds=60, every=1)


def test_of_two_that_start_together_one_stays(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        pair = [running.start("worker"), running.start("worker", REENTRY_RULES="city-990100")]
        until(lambda: sum(one.poll() is not None for one in pair) == 1, seconds=60)
        until(
            lambda: (
                len(_newest(running)) == PARTITIONS and len({one.setup.book for one in _newest(running).values()}) == 1
            ),
            seconds=60,
            every=1,
        )
        assert sum(one.poll() is not None for one in pair) == 1
        [loser] = [number for number, one in enumerate(pair) if one.poll() is not None]
        said = (tmp_path / f"worker-{loser}.log").read_text()
        assert find_tracebacks(said) == []
        assert "start all with the same settings" in said


def test_verify_tells_a_lag_from_damage(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        worker = running.start("worker")
        until(lambda: len(_newest(running)) == PARTITIONS, seconds=60, every=1)
        worker.kill()
        worker.wait(10)
        time.sleep(12)  # what is younger is not compared in any case
        running.publish(arriving(scheduled()))
        time.sleep(12)
        verify = running.start("verify", "--no-sql")
        assert verify.wait(90) == 1
        said = (tmp_path / "verify-1.log").read_text()
        assert "alerts are processed up to" in said
        assert "lost" not in said
        running.start("worker")
        verify = running.start("verify", "--no-sql")
        assert verify.wait(90) == 0, (tmp_path / "verify-3.log").read_text()
