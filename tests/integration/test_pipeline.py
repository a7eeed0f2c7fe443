"""The whole way on real parts: events on Kafka, alerts on Kafka and in SQL, equal to what replay says."""

import base64
import hashlib
import signal
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from sqlalchemy import select

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.topics import CASE, DLQ, RELEASE, WORK, named, partition_of
from sinks.readmodel import tables
from sinks.readmodel.database import connect
from tests.chaos.proxy import Wire, Wires
from tests.conditions import until
from tests.golden.timelines import FIELDS, FOLDERS, read
from tests.handover.histories import COUNTY, acknowledged, arriving, notice, scheduled
from tests.handover.histories import told as an_event
from tests.integration.pipeline import PARTITIONS, Pipeline, newest, pipeline

pytestmark = pytest.mark.servers
BOOK, CALENDAR = load("cn-default"), load_calendar()
METRIC_RULES = frozenset(rule.id for rule in BOOK.rules if rule.form == "metric")
Told = tuple[Event, datetime]


def renamed(ref: str, name: str) -> str:
    """The same person in another timeline is another person."""
    if not ref.startswith(("p1_", "d1_")):
        return ref
    return ref[:3] + base64.b32encode(hashlib.sha256((ref + name).encode()).digest()).decode().lower()[:26]


def moved(event: Event, name: str) -> Event:
    """An event of a timeline with subjects of its own, so that all timelines can run at once."""
    data: dict[str, Any] = dict(event.data)
    if "person_refs" in data:
        data["person_refs"] = [renamed(ref, name) for ref in data["person_refs"]]
    for field in ("survivor_ref", "removed_ref"):
        if field in data:
            data[field] = renamed(data[field], name)
    return replace(event, subject=renamed(event.subject, name), data=data)


def in_a_county_of_its_own(event: Event) -> Event:
    """What offices owe is judged by their codes, which another timeline may abolish."""
    wire = orjson.loads(orjson.dumps(event.wire()).replace(b"990102", b"990177"))
    return replace(event, source=wire["source"], subject=wire["subject"], data=wire["data"])


def now() -> datetime:
    return from_millis(round(time.time() * 1000))


def compared(alert: Alert) -> tuple[Any, ...]:
    wire = alert.wire()
    return tuple(wire[name] for name in (*FIELDS, "step", "stage", "owner_agency"))


def golden(skip: tuple[str, ...] = ()) -> list[Told]:
    found = []
    for folder in FOLDERS:
        events = read(folder).events if folder.name[:2] not in skip else []
        of_offices = any(event.topic == WORK for event, _ in events)
        for event, arrival in events:
            own = in_a_county_of_its_own(event) if of_offices else event
            found.append((moved(own, folder.name), arrival))
    return found


def test_all_timelines_at_once_end_as_replay_says(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = golden()
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told)
        running.start("sink")
        running.start("worker")
        ends_as_replay_says(running, told, seconds=90)
        engine = connect(f"sqlite:///{tmp_path / 'handover.sqlite'}")
        until(
            lambda: _in_sql(engine) == {(one.alert_id, one.revision) for one in newest(running.alerts()).values()},
            every=1,
        )
        engine.dispose()


def ends_as_replay_says(running: Pipeline, told: list[Told], seconds: float) -> None:
    """Wait until the last snapshot of every alert is the one that replay gives; tell what differs where it never is."""
    expected = {key: compared(one) for key, one in newest(replay(told, BOOK, CALENDAR, now())).items()}
    try:
        until(lambda: _live(running) == expected, seconds=seconds, every=2)
    except AssertionError:
        found = _live(running)
        assert {key: one for key, one in found.items() if expected.get(key) != one} == {
            key: one for key, one in expected.items() if found.get(key) != one
        }
        raise


def _live(running: Pipeline) -> dict[str, tuple[Any, ...]]:
    """But for what the sinks measure: how late or rejected the timelines are in this run is not told in them."""
    alerts = (one for one in running.alerts() if one.rule_id not in METRIC_RULES)
    return {key: compared(one) for key, one in newest(alerts).items()}


def _in_sql(engine: Any) -> set[tuple[str, int]]:
    with engine.connect() as connection:
        return {
            (row.alert_id, row.revision)
            for row in connection.execute(select(tables.alert.c.alert_id, tables.alert.c.revision))
        }


def test_records_in_wrong_partitions_end_in_the_same_cases(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = golden(skip=("28",))  # its manifest needs the sink
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told, partition_by="wrong")
        running.start("worker")
        ends_as_replay_says(running, told, seconds=90)


def test_a_worker_killed_in_mid_run_loses_and_doubles_nothing(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = [
        (moved(event, f"{copy}"), arrival)
        for copy in range(12)
        for event, arrival in golden(skip=("28", "17", "21", "20", "08"))
    ]
    told = [
        (replace(event, id=f"{event.id}-{number}", corrects=None), arrival)
        for number, (event, arrival) in enumerate(told)
    ]
    told = [
        one for one in told if not one[0].fact.startswith(("action.", "system.", "release.reversed", "release.person_"))
    ]
    half = sorted(told, key=lambda one: one[1])
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(half)
        first, _ = running.start("worker"), running.start("worker")
        until(lambda: len(running.values(CASE)) > 200, seconds=60)
        first.send_signal(signal.SIGKILL)
        first.wait()
        running.start("worker")
        ends_as_replay_says(running, told, seconds=120)
        by_revision: dict[tuple[str, int], set[tuple[Any, ...]]] = {}
        for one in running.alerts():
            by_revision.setdefault((one.alert_id, one.revision), set()).add(compared(one))
        assert [key for key, contents in by_revision.items() if len(contents) > 1] == []


def test_what_was_forgotten_in_a_backlog_and_is_read_again_opens_nothing(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    told = golden(skip=("28",))  # its manifest needs the sink
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told, partition_by="wrong")
        workers = [running.start("worker"), running.start("worker")]
        until(lambda: len(running.values(CASE)) > 80, seconds=60)  # some cases have been closed and forgotten by then
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        running.start("worker")
        ends_as_replay_says(running, told, seconds=90)


def test_bad_records_end_in_dead_letters_and_the_others_are_applied(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    good = scheduled("2026-11-01 10:00", "2027-03-31")
    bad = _bad_records(good)
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        producer = KafkaProducer(bootstrap_servers=kafka, acks="all", compression_type="gzip")
        topic = named(topic_prefix, RELEASE)
        home = partition_of(good.subject.encode(), PARTITIONS)
        for value in (orjson.dumps(good.wire()), *bad.values()):
            producer.send(topic, key=good.subject.encode(), value=value, partition=home)
        after = notice("2026-11-02 10:00")
        producer.send(topic, key=b"not the subject", value=orjson.dumps(after.wire()), partition=home)
        producer.flush()
        producer.close()
        running.start("worker")
        until(lambda: len(running.values(DLQ)) == len(bad), seconds=60)
        reasons = Counter(dict(record.headers)["reentry.reason"].decode() for record in running.records(DLQ))
        assert reasons == Counter(name.partition(" ")[0] for name in bad)
        assert all(b"13812345678" not in (value or b"") for value in running.values(DLQ))

        def facts() -> set[str]:
            return {fact[3] for value in running.values(CASE) if value for fact in orjson.loads(value)["facts"]}

        until(lambda: {good.id, after.id} <= facts(), seconds=30)


def _bad_records(good: Event) -> dict[str, bytes | None]:
    def with_(**more: Any) -> bytes:
        return orjson.dumps({**good.wire(), **more})

    return {
        "MALFORMED json": b'{"id": ',
        "MALFORMED null": None,
        "MALFORMED not utf-8": b'{"id": "\xff"}',
        "SCHEMA no id": orjson.dumps({key: value for key, value in good.wire().items() if key != "id"}),
        "SCHEMA code": with_(data={**good.data, "release_kind": "HOLIDAY"}),
        "SCHEMA agency": with_(source="/agencies/SCHOOL-990100-01"),
        "SCHEMA on a wrong topic": orjson.dumps(acknowledged("2026-11-01 10:00").wire()),
        "UNKNOWN_TYPE": with_(type="reentry.release.forgotten.v1"),
        "UNKNOWN_VERSION": with_(type="reentry.release.scheduled.v2"),
        "PII_IN_TEXT": with_(data={**good.data, "remark": "call 13812345678"}),
        "CLOCK_AHEAD": with_(time="2036-01-01T00:00:00+08:00"),
        "MALFORMED large": b'{"a": "' + b"x" * 900_000,
    }


def test_a_worker_started_before_its_broker_waits_for_it(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    wire = Wire()
    wire.exit = int(kafka.rpartition(":")[2])
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.publish(arriving(scheduled("2026-10-01 10:00", "2026-12-30"), notice("2026-11-02 09:00")))
        worker = running.start(
            "worker", REENTRY_BROKERS=f"127.0.0.1:{wire.entrance}", REENTRY_SESSION_TIMEOUT_SECONDS="5"
        )
        log = tmp_path / "worker-0.log"
        until(lambda: "; waiting" in log.read_text(), seconds=30)
        time.sleep(3)
        assert worker.poll() is None
        assert log.read_text().count("waiting") == 1, "said once"
        with Wires([wire]):
            until(lambda: any(one.rule_id == "A02" for one in running.alerts()), seconds=60)
        assert worker.poll() is None


def test_a_silent_county_is_raised_live_and_its_answer_ends_it(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("worker")
        running.publish(arriving(scheduled("2026-10-01 10:00", "2026-12-30"), notice("2026-11-02 09:00")))
        until(lambda: any(one.rule_id == "A02" and one.state == "firing" for one in running.alerts()), seconds=60)
        started = time.monotonic()
        running.publish(arriving(acknowledged("2026-11-20 10:00")))
        until(lambda: any(one.rule_id == "A02" and one.outcome == "met_late" for one in running.alerts()), seconds=20)
        assert time.monotonic() - started < 10


def test_a_correction_under_another_subject_takes_the_wrong_event_back(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    wrong = [scheduled(subject=f"p1_{letter * 26}", date="2026-03-02") for letter in "cdefg"]
    right = [scheduled("2026-01-06 10:00", subject=f"p1_{letter * 26}", corrects=one.id) for letter, one in zip("ghijk", wrong, strict=True)]  # fmt: skip
    told = arriving(*wrong, *right)
    expected = list(replay(told, BOOK, CALENDAR, now()))
    assert {alert.subject for alert in expected}.isdisjoint({one.subject for one in wrong[:-1]})
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True) as running:
        running.publish(told)
        running.start("sink")
        running.start("worker")
        ends_as_replay_says(running, told, seconds=90)


def test_a_case_closed_long_ago_ends_with_a_tombstone_and_its_alerts_stay(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    closed = an_event("intake.closed", "2026-03-20 09:00", {"cause": "HELP_END"}, COUNTY)
    told = arriving(scheduled(date="2026-02-20"), notice("2026-02-18 09:00"), closed)
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True, REENTRY_CASE_RETENTION_DAYS="92") as running:
        running.publish(told)
        running.start("sink")
        running.start("worker")
        ends_as_replay_says(running, told, seconds=90)
        until(lambda: _written(running, closed.subject)[-1:] == [None], seconds=60)
        before = len(_written(running, closed.subject))
        running.publish(arriving(replace(closed, id="told-again")))  # what comes later finds an empty case
        until(lambda: len(_written(running, closed.subject)) > before, seconds=60)
        engine = connect(f"sqlite:///{tmp_path / 'handover.sqlite'}")
        expected = newest(running.alerts())
        until(lambda: _in_sql(engine) >= {(one.alert_id, one.revision) for one in expected.values()})
        engine.dispose()


def _written(running: Pipeline, subject: str) -> list[bytes | None]:
    return [record.value for record in running.records(CASE) if record.key == subject.encode()]
