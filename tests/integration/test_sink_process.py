"""What a sink process says of itself: /live, /ready, /metrics and its exit, whatever Kafka and the database do."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cli.stack.ports import free_ports
from cli.stack.postgres import Postgres
from schemas.topics import RELEASE, SYSTEM, named
from sinks.consumer import SinkUnavailable
from sinks.readmodel.database import connect, migrate
from sinks.retry import Outage, repeat
from tests.conditions import until
from tests.handover.histories import Told
from tests.integration.pipeline import PARTITIONS, Pipeline, find_tracebacks
from tests.integration.test_read_model import config, topics
from tests.integration.test_sinks import history, kept, once, running, server

pytestmark = pytest.mark.servers
__all__ = ("server", "topics")  # fixtures


def asked(port: int, path: str) -> tuple[int, Any, float]:
    """Status, body and seconds of an answer; 0: nobody answers."""
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    except OSError:
        return 0, None, 0.0
    return status, json.loads(body) if path != "/metrics" else body.decode(), time.monotonic() - began


def test_ready_follows_what_is_answered_and_live_does_not(topics: Pipeline, server: Postgres) -> None:
    port = free_ports(1)[0]
    topics.start("sink", REENTRY_DATABASE_URL=server.url, REENTRY_WEB_PORT=str(port))
    try:
        until(lambda: asked(port, "/ready")[:1] == (200,), seconds=60)
        assert asked(port, "/live")[:2] == (200, {"live": True})
        assert "reentry_sink_unavailable" in asked(port, "/metrics")[1]
        assert asked(port, "/")[0] == asked(port, "/metrics/more")[0] == 404
        server.stop()
        until(lambda: asked(port, "/ready")[0] == 503, seconds=40)
        _, told, seconds = asked(port, "/ready")
        assert "the database does not answer" in str(told["lacks"])
        assert asked(port, "/live")[0] == 200
        assert max(seconds, asked(port, "/live")[2], asked(port, "/metrics")[2]) < 1
        server.start()
        until(lambda: asked(port, "/ready")[0] == 200, seconds=60)
        until(lambda: not _unavailable(asked(port, "/metrics")[1]), seconds=30)
    finally:
        topics.stop()


def _unavailable(shown: str) -> list[str]:
    return [
        line for line in shown.splitlines() if line.startswith("reentry_sink_unavailable{") and line.endswith(" 1.0")
    ]


def test_a_lock_on_a_table_is_waited_for_and_told(topics: Pipeline, server: Postgres) -> None:
    port, told = free_ports(1)[0], history(5)
    topics.start("sink", REENTRY_DATABASE_URL=server.url, REENTRY_WEB_PORT=str(port))
    engine = connect(server.url)
    try:
        until(lambda: asked(port, "/ready")[0] == 200, seconds=60)
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE event IN ACCESS EXCLUSIVE MODE"))
            topics.publish(told)
            until(lambda: asked(port, "/ready")[0] == 503, seconds=60)
            assert asked(port, "/live")[0] == 200
        until(lambda: once(told).items() <= kept(server.url).items(), seconds=60)
        until(lambda: asked(port, "/ready")[0] == 200, seconds=30)
    finally:
        topics.stop()
        engine.dispose()


def test_a_gap_is_told_by_ready_metrics_and_doctor(topics: Pipeline, server: Postgres) -> None:
    before = history(10)
    topics.publish(before)
    with running(config(topics, server.url), "events"):
        until(lambda: kept(server.url) == once(before), seconds=60)
    topics.publish(history(10, 10))
    admin = KafkaAdminClient(bootstrap_servers=topics.brokers)
    admin.delete_records({TopicPartition(named(topics.prefix, RELEASE), n): -1 for n in range(PARTITIONS)})
    admin.close()
    port = free_ports(1)[0]
    topics.start("sink", REENTRY_DATABASE_URL=server.url, REENTRY_WEB_PORT=str(port))
    try:
        until(lambda: asked(port, "/ready")[0] == 503 and "gaps" in str(asked(port, "/ready")[1]), seconds=60)
        assert f'reentry_sink_gaps{{kind="REMOVED",topic="{RELEASE}"}}' in asked(port, "/metrics")[1]
        until(lambda: any(b'"X10"' in value for value in topics.values(SYSTEM)), seconds=40)
        status, said = ended(topics, server.url, "doctor")
        assert (status, "removed before they were read" in said, "handover rebuild sql" in said) == (1, True, True)
        assert ended(topics, server.url, "rebuild", "sql")[0] == 0
        until(lambda: asked(port, "/ready")[0] == 200, seconds=60)
        assert "no gap between it and the log is known" in ended(topics, server.url, "doctor")[1]
    finally:
        topics.stop()


def ended(topics: Pipeline, url: str, *arguments: str) -> tuple[int, str]:
    env = {**topics.env, "REENTRY_DATABASE_URL": url}
    found = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    return found.returncode, found.stdout + found.stderr


def test_a_file_that_is_removed_under_a_sink_is_not_written_on_unseen(topics: Pipeline, tmp_path: Path) -> None:
    url, before, after = f"sqlite:///{tmp_path / 'model.sqlite'}", history(10), history(10, 10)
    migrate(connect(url))
    topics.publish(before)
    sink = topics.start("sink", REENTRY_DATABASE_URL=url)
    try:
        until(lambda: once(before).items() <= kept(url).items(), seconds=60)
        for path in tmp_path.glob("model.sqlite*"):
            path.unlink()
        topics.publish(after)
        until(lambda: sink.poll() is not None, seconds=60)
        topics.start("sink", REENTRY_DATABASE_URL=url)  # as whoever watches over it does
        until(lambda: (tmp_path / "model.sqlite").exists() and _holds(url, before + after), seconds=60)
    finally:
        topics.stop()


def _holds(url: str, told: list[Told]) -> bool:
    try:
        return once(told).items() <= kept(url).items()
    except OperationalError:  # the tables are being made
        return False


def test_tables_of_a_newer_program_are_told_in_one_line(topics: Pipeline, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'model.sqlite'}"
    engine = connect(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for arguments in (["sink"], ["sink", "--migrate"], ["rebuild", "sql"]):
        status, said = ended(topics, url, *arguments)
        assert status == 2
        assert (
            said.splitlines()[-1]
            == "handover: the tables of the read model (version 9999) are newer than this program; update the program"
        )
        assert find_tracebacks(said) == []
    status, said = ended(topics, url, "doctor")
    assert "newer than this program" in said
    assert "handover sink --migrate" not in said


def test_a_step_that_failed_after_long_is_tried_again_soon() -> None:
    stop, tries = threading.Event(), list[float]()

    def step() -> None:
        tries.append(time.monotonic())
        if len(tries) == 1:
            time.sleep(1.5)  # as a connection that times out
            raise SinkUnavailable("away")
        stop.set()

    repeat(step, 0.05, Outage("test"), stop)
    assert tries[1] - tries[0] < 1.5 + 2  # a second of waiting, and no rest of four times as long
