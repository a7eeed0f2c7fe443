"""Metric rules through the real pipeline: a sink measures, tells the worker, the worker raises; verify finds the log and the alerts equal."""

from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError
from sqlalchemy import update

from brokers.connection import KafkaConnection
from schemas.alert import Alert
from schemas.instants import millis
from schemas.topics import CASE, INTAKE, named
from sinks.monitors.metrics.lag import WORKER, Lag, Lags
from sinks.readmodel import tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.handover.histories import arriving, notice
from tests.integration.pipeline import Pipeline, newest, pipeline
from tests.integration.verified import verified

pytestmark = pytest.mark.servers


def alert_of(running: Pipeline, rule_id: str) -> Alert | None:
    found = [one for one in newest(running.alerts()).values() if one.rule_id == rule_id]
    return found[0] if found else None


def is_in(running: Pipeline, rule_id: str, state: str) -> bool:
    found = alert_of(running, rule_id)
    return found is not None and found.state == state


def test_a_rejected_message_and_late_data_are_alerts_of_the_worker_until_they_are_dealt_with(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("sink")
        running.start("worker")
        producer = KafkaProducer(bootstrap_servers=kafka, acks="all")
        producer.send(named(topic_prefix, INTAKE), key=b"k", value=b"{no event").get(timeout=30)
        producer.close()
        running.publish(arriving(notice("2026-03-01 15:00")))  # told long after it happened
        until(lambda: is_in(running, "X07", "firing") and is_in(running, "X06", "firing"), seconds=120, every=1)
        rejected, late = alert_of(running, "X07"), alert_of(running, "X06")
        assert rejected is not None
        assert (rejected.subject, rejected.owner_agency, rejected.occurrence) == ("/pipeline", "PLATFORM", INTAKE)
        assert late is not None
        assert (late.subject, late.severity) == ("/agencies/PRISON-990100-01", "INFO")
        engine = connect(f"sqlite:///{tmp_path / 'handover.sqlite'}")
        with engine.begin() as connection:
            connection.execute(update(tables.dead_letter).values(state="dropped"))
        engine.dispose()
        until(lambda: is_in(running, "X07", "resolved"), seconds=60, every=1)
        found = verified(running)
        assert found.returncode == 0, found.stdout


def answered(lags: Lags) -> list[Lag] | None:
    """None: a fresh broker has no coordinator yet."""
    try:
        return lags.now()
    except KafkaError:
        return None


def test_the_lag_of_a_group_is_the_age_of_its_first_unread_record(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        lags = Lags(KafkaConnection(kafka), topic_prefix, WORKER)
        until(lambda: answered(lags) == [], seconds=60, every=0.5)  # no worker has ever been here
        worker = running.start("worker")
        running.publish(arriving(notice("2026-03-01 15:00")))
        until(lambda: bool(running.values(CASE)), seconds=60, every=0.5)
        until(lambda: [one.seconds for one in answered(lags) or ()] == [0.0], seconds=60, every=0.5)
        worker.terminate()
        worker.wait(30)
        later = notice("2026-03-02 15:00")
        running.publish(arriving(later))
        until(lambda: [one.oldest_ms for one in answered(lags) or ()] == [millis(later.time)], seconds=60, every=0.5)
        (lag,) = lags.now()
        lags.close()
    assert lag.group == "reentry-worker"
    assert lag.seconds > 60
