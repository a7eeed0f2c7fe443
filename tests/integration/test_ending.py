"""A worker that is told to end does so, also while no broker answers, and says little meanwhile."""

import shutil
import time
from pathlib import Path

import pytest

from cli.stack.kafka import Broker
from cli.stack.ports import free_ports
from schemas.topics import CASE
from tests.conditions import until
from tests.handover.histories import arriving, scheduled
from tests.integration.pipeline import pipeline

pytestmark = pytest.mark.servers
MOST_SECONDS, MOST_LINES = 45, 60


def test_a_worker_ends_while_its_broker_is_away(topic_prefix: str, tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka", port=free_ports(1)[0])
    broker.start()
    try:
        with pipeline(broker.bootstrap, topic_prefix, tmp_path) as running:
            running.publish(arriving(scheduled()))
            worker = running.start("worker")
            log = tmp_path / "worker-0.log"
            until(lambda: bool(running.values(CASE)), seconds=60, every=1)
            broker.stop()
            before = log.read_text().count("\n")
            until(lambda: "Unable connect to node" in log.read_text(), seconds=60)
            told = time.monotonic()
            worker.terminate()
            worker.wait(MOST_SECONDS)
            assert time.monotonic() - told < MOST_SECONDS
            assert log.read_text().count("\n") - before < MOST_LINES, log.read_text()[-4_000:]
    finally:
        broker.stop()
        shutil.rmtree(tmp_path / "kafka", ignore_errors=True)
