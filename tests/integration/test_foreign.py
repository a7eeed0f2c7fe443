"""Records on the pipeline's own topics that no worker wrote: they stop nobody, and nothing of them stands anywhere."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from sqlalchemy import select

from schemas.alert import event, read
from schemas.topics import ALERT, CASE, named, partition_of
from sinks.readmodel.database import connect, migrate
from sinks.readmodel.tables import alert, case
from tests.conditions import until
from tests.handover.histories import COUNTY, arriving, notice, scheduled, told
from tests.integration.pipeline import PARTITIONS, Pipeline, pipeline
from tests.integration.verified import verified

pytestmark = pytest.mark.servers
SUBJECTS = [f"p1_{letter}{'f' * 25}" for letter in "abcdef"]


def _forge(running: Pipeline, topic: str, *records: tuple[str, bytes | None]) -> None:
    producer = KafkaProducer(bootstrap_servers=running.brokers, acks="all")
    for key, value in records:
        partition = partition_of(key.encode(), PARTITIONS)
        headers = [("content-type", b"application/cloudevents+json")]
        producer.send(named(running.prefix, topic), key=key.encode(), value=value, headers=headers, partition=partition)
    producer.flush()
    producer.close()


def _newest_cases(running: Pipeline) -> dict[str, Any]:
    return {record.key.decode(): record.value for record in running.records(CASE)}


def _rows(database: str, table: Any) -> list[Any]:
    engine = connect(database)
    with engine.connect() as connection:
        found = connection.execute(select(table)).mappings().all()
    engine.dispose()
    return list(found)


def test_what_no_worker_wrote_stops_nobody_and_reaches_nothing(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'handover.sqlite'}"
    engine = connect(database)
    migrate(engine)
    engine.dispose()
    with pipeline(kafka, topic_prefix, tmp_path, REENTRY_DATABASE_URL=database) as running:
        plans = [scheduled("2026-01-05 10:00", "2026-03-31", subject=one) for one in SUBJECTS]
        running.publish(arriving(*plans))
        worker, sink = running.start("worker"), running.start("sink")
        until(lambda: len(_rows(database, alert)) >= len(SUBJECTS) and len(_rows(database, case)) == 6, seconds=90)
        true = next(one for one in running.alerts() if one.state == "firing" and one.subject == SUBJECTS[0])
        body = event(true.model_copy(update={"revision": 1_000_000, "state": "resolved", "outcome": "met"}))
        forged = orjson.dumps(
            {**body, "data": {**true.wire(), "revision": 1_000_000, "state": "resolved", "outcome": "met"}}
        )
        _forge(running, ALERT, (true.alert_id, forged), (true.alert_id, None), ("x", b"x"))
        good = _newest_cases(running)
        emptied = orjson.dumps({**orjson.loads(good[SUBJECTS[1]]), "revision": 10**6, "facts": [], "obligations": []})
        _forge(running, CASE, (SUBJECTS[0], b"x"), (SUBJECTS[1], emptied), (SUBJECTS[2], None), ("nobody", emptied))
        more = [notice("2026-11-02 09:00", subject=one) for one in SUBJECTS]
        running.publish(arriving(*more))
        until(lambda: all(_facts(running, one) == 2 for one in SUBJECTS), seconds=60)
        _check(running, database, true.alert_id)
        assert (worker.poll(), sink.poll()) == (None, None)

        # while no worker runs, too
        worker.terminate()
        worker.wait(20)
        _forge(running, CASE, (SUBJECTS[3], b"x"), (SUBJECTS[4], emptied), (SUBJECTS[5], None))
        worker = running.start("worker")
        taken = told(
            "intake.acknowledged", "2026-11-03 09:00", {"accepted": True, "officer_ref": "O-1"}, COUNTY, SUBJECTS[0]
        )
        others = [
            told("intake.acknowledged", "2026-11-03 09:00", {"accepted": True, "officer_ref": "O-1"}, COUNTY, one)
            for one in SUBJECTS[1:]
        ]
        running.publish(arriving(taken, *others))
        until(lambda: all(_facts(running, one) == 3 for one in SUBJECTS), seconds=60)
        _check(running, database, true.alert_id)
        assert worker.poll() is None
        found = verified(running)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "find out who else writes to this topic" in found.stderr


def test_a_case_that_a_foreign_record_hides_is_written_again(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.publish(arriving(scheduled("2026-01-05 10:00", "2026-03-31", subject=SUBJECTS[0])))
        worker = running.start("worker")
        until(lambda: SUBJECTS[0] in _newest_cases(running), seconds=60)
        home = partition_of(SUBJECTS[0].encode(), PARTITIONS)
        others = (f"p1_{letter * 26}" for letter in "bcdefghijklmnopqrstuvwxyz")
        other = next(one for one in others if partition_of(one.encode(), PARTITIONS) == home)
        _forge(running, CASE, (SUBJECTS[0], None))
        assert _newest_cases(running)[SUBJECTS[0]] is None
        running.publish(arriving(scheduled("2026-01-05 10:00", "2026-03-31", subject=other)))
        until(lambda: _newest_cases(running).get(other) is not None, seconds=30)
        until(lambda: _newest_cases(running)[SUBJECTS[0]] is not None, seconds=30)
        assert worker.poll() is None


def _facts(running: Pipeline, subject: str) -> int:
    """The facts of a case as the last record of a worker tells them."""
    marked = [one for one in running.records(CASE) if one.key == subject.encode() and dict(one.headers).get("epoch")]
    return len(orjson.loads(marked[-1].value)["facts"]) if marked and marked[-1].value else 0


def _check(running: Pipeline, database: str, alert_id: str) -> None:
    def equal() -> bool:
        marked = [one for one in running.records(ALERT) if dict(one.headers).get("epoch")]
        newest = max((read(one.value) for one in marked if one.key == alert_id.encode()), key=lambda one: one.revision)
        rows = {row["alert_id"]: row for row in _rows(database, alert)}
        subjects = {row["subject"] for row in _rows(database, case)}
        mine = {subject for subject in subjects if subject.startswith("p1_") or subject == "nobody"}
        return rows[alert_id]["revision"] == newest.revision and mine == set(SUBJECTS)

    until(equal, seconds=30)
