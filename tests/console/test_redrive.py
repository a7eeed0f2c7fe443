"""Redrives on a real Kafka: bytes untouched, tries counted, at a rate, stopped when asked, gone on with after a crash."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from kafka import KafkaAdminClient, KafkaConsumer
from sqlalchemy import Engine, func, select

from brokers.connection import KafkaConnection
from console.app import create_app
from console.db.tables import redrive, redrive_letter
from console.web.config import ConsoleConfig, real_time
from schemas.dead_letter import REDRIVES, TRIES
from schemas.topics import RELEASE, named
from sinks.readmodel.database import connect
from sinks.readmodel.tables import alert, dead_letter, event
from tests.conditions import until
from tests.console.conftest import NOW, Browser, OpenConsole
from tests.console.letters import answer, bury, unanswered, usual
from tests.console.test_dead_letters import api, previewed
from tests.handover.histories import PERSON, arriving, notice, scheduled
from tests.integration.pipeline import pipeline

pytestmark = pytest.mark.servers


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> str:
    """The topic that the letters stood on, on a real broker."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    name = named(topic_prefix, RELEASE)
    admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    admin.wait_for_topics([name], timeout_ms=30_000)
    admin.close()
    return topic_prefix


def on_topic(brokers: str, name: str) -> list[Any]:
    """Every record on a topic."""
    consumer = KafkaConsumer(
        name, bootstrap_servers=brokers, auto_offset_reset="earliest", consumer_timeout_ms=1500, group_id=None
    )
    found = list(consumer)
    consumer.close()
    return found


def many(engine: Engine, count: int, prefix: str) -> None:
    """So many dead letters that would pass now."""
    row = unanswered(engine)
    bury(engine, NOW, [(RELEASE, answer(row, f"answer-{n}")) for n in range(count)], prefix)


def letters(engine: Engine) -> dict[str, int]:
    """How many dead letters are in each state."""
    with engine.connect() as connection:
        states = list(connection.execute(select(dead_letter.c.state)).scalars())
    return {state: states.count(state) for state in set(states)}


def run(browser: Browser, redrive_id: str, what: str = "run") -> None:
    browser.get(f"/redrive/{redrive_id}")
    assert browser.send(f"/redrive/{redrive_id}/{what}").status_code == 303


def is_in(browser: Browser, redrive_id: str, state: str) -> Callable[[], bool]:
    return lambda: bool(api(browser, f"/redrive/{redrive_id}")["state"] == state)


def test_what_would_pass_is_sent_as_it_was_and_the_rest_stays(
    console: OpenConsole, engine: Engine, kafka: str, topics: str
) -> None:
    bury(engine, NOW, usual(engine, NOW), topics)
    browser = console("platform", brokers=kafka, topic_prefix=topics)
    shown = previewed(browser, letters=[f"0:{n}" for n in range(7)])
    assert not on_topic(kafka, named(topics, RELEASE))
    run(browser, shown["redrive"])
    until(is_in(browser, shown["redrive"], "done"))
    sent = on_topic(kafka, named(topics, RELEASE))
    assert [one.value for one in sent] == [value for _, value in usual(engine, NOW)[:2]]
    for one in sent:
        assert dict(one.headers) == {"traceparent": b"00-1", REDRIVES: b"1"}
    assert letters(engine) == {"redriven": 2, "pending": 5}
    page = browser.get(f"/redrive/{shown['redrive']}").text
    assert "已发出 2 / 2 条" in page
    assert "已发出，等待收到" in page


def test_a_letter_is_sent_at_most_three_times(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    many(engine, 2, topics)
    with engine.begin() as connection:
        connection.execute(dead_letter.update().where(dead_letter.c.offset == 0).values(redrives=TRIES))
        connection.execute(dead_letter.update().where(dead_letter.c.offset == 1).values(redrives=TRIES - 1))
    browser = console("platform", brokers=kafka, topic_prefix=topics)
    shown = previewed(browser, letters=["0:0", "0:1"])
    assert [one["reason"] for one in shown["preview"]["stays"]] == ["TRIES"]
    run(browser, shown["redrive"])
    until(is_in(browser, shown["redrive"], "done"))
    (sent,) = on_topic(kafka, named(topics, RELEASE))
    assert dict(sent.headers)[REDRIVES] == str(TRIES).encode()


def test_a_stop_leaves_the_rest_and_going_on_sends_each_once(
    console: OpenConsole, engine: Engine, kafka: str, topics: str
) -> None:
    many(engine, 30, topics)
    browser = console("platform", brokers=kafka, topic_prefix=topics, redrive_per_second=20.0)
    shown = previewed(browser, letters=[f"0:{n}" for n in range(30)])
    path = f"/redrive/{shown['redrive']}"
    run(browser, shown["redrive"])
    until(lambda: api(browser, path)["counts"].get("sent", 0) > 2, every=0.02)
    run(browser, shown["redrive"], "stop")
    until(is_in(browser, shown["redrive"], "stopped"))
    counts = api(browser, path)["counts"]
    assert 2 < counts["sent"] < 30
    assert len(on_topic(kafka, named(topics, RELEASE))) == counts["sent"]
    assert letters(engine) == {"redriven": counts["sent"], "pending": counts["passes"]}
    assert f"继续重放 {counts['passes']} 条" in browser.get(path).text
    run(browser, shown["redrive"])
    until(is_in(browser, shown["redrive"], "done"))
    values = [one.value for one in on_topic(kafka, named(topics, RELEASE))]
    assert len(values) == len(set(values)) == 30


def test_it_is_sent_at_a_rate(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    many(engine, 8, topics)
    browser = console("platform", brokers=kafka, topic_prefix=topics, redrive_per_second=10.0)
    shown = previewed(browser, letters=[f"0:{n}" for n in range(8)])
    run(browser, shown["redrive"])
    until(is_in(browser, shown["redrive"], "done"))
    with engine.connect() as connection:
        at = sorted(connection.execute(select(redrive_letter.c.sent_at)).scalars())
    assert at[-1] - at[0] >= timedelta(seconds=7 / 10)


def test_what_somebody_else_has_decided_about_is_not_sent(
    console: OpenConsole, engine: Engine, kafka: str, topics: str
) -> None:
    many(engine, 3, topics)
    browser = console("platform", brokers=kafka, topic_prefix=topics)
    shown = previewed(browser, letters=["0:0", "0:1", "0:2"])
    with engine.begin() as connection:
        connection.execute(dead_letter.update().where(dead_letter.c.offset == 1).values(state="dropped"))
    run(browser, shown["redrive"])
    until(is_in(browser, shown["redrive"], "done"))
    assert len(on_topic(kafka, named(topics, RELEASE))) == 2
    assert api(browser, f"/redrive/{shown['redrive']}")["counts"] == {"sent": 2, "stays": 1}
    browser.get("/dead-letters")
    assert browser.send(f"/redrive/{shown['redrive']}/run").status_code == 409


def test_another_process_goes_on_where_one_ended(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    many(engine, 4, topics)
    browser = console("platform", brokers=kafka, topic_prefix=topics)
    shown = previewed(browser, letters=[f"0:{n}" for n in range(4)])
    with engine.begin() as connection:  # a process that ended a minute ago had just sent the first one
        gone = {"worker": "gone", "beat_at": real_time() - timedelta(seconds=61)}
        connection.execute(redrive_letter.update().where(redrive_letter.c.offset == 0).values(state="sent"))
        connection.execute(redrive.update().values(state="running", **gone))
    until(is_in(browser, shown["redrive"], "done"))
    assert len(on_topic(kafka, named(topics, RELEASE))) == 3


def test_through_the_whole_pipeline_the_alert_ends_as_foretold(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    """A county's answer was a dead letter for a bug; redriven, the workers take it and the alert ends."""
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("worker")
        running.start("sink")
        until((tmp_path / "handover.sqlite").exists, 60)
        url = f"sqlite:///{tmp_path / 'handover.sqlite'}"
        app = create_app(ConsoleConfig(url, KafkaConnection(kafka), topic_prefix, secure_cookies=False, demo=True))
        with TestClient(app, base_url="http://console.test"):
            browser = Browser(TestClient(app, base_url="http://console.test"), app)
            browser.log_in("platform")
            engine = connect(url)
            running.publish(arriving(scheduled("2026-10-01 10:00", "2026-12-30"), notice("2026-11-02 09:00")))
            until(lambda: fires(engine, "A02") == ["firing"], 60)
            until(lambda: recorded(engine) == 2, 60)  # by another sink: the preview replays them
            late = {
                **orjson.loads(answer({"subject": PERSON, "anchor_at": real_time()})),
                "time": "2026-11-03T10:00:00+08:00",
            }
            late |= {"type": "reentry.intake.acknowledged.v1", "source": "/agencies/COUNTY_JUSTICE-990102-01"}
            late["data"] = {"accepted": True, "officer_ref": "O-1"}
            bury(engine, real_time(), [("reentry.intake.v1", orjson.dumps(late))], topic_prefix)
            shown = previewed(browser, letters=["0:0"])
            foretold = [(one["kind"], one["rule_id"], one["outcome"]) for one in shown["preview"]["changes"]]
            assert ("ends", "A02", "late_delivery") in foretold
            run(browser, shown["redrive"])
            until(lambda: fires(engine, "A02") == ["resolved"], 60)
            until(lambda: "已收到并处理" in browser.get(f"/redrive/{shown['redrive']}").text, 30)
            engine.dispose()


def recorded(engine: Engine) -> int:
    """How many events of the person are in SQL."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(event).where(event.c.subject == PERSON)).scalar_one()


def fires(engine: Engine, rule_id: str) -> list[str]:
    """The states of a rule's alerts."""
    with engine.connect() as connection:
        return list(connection.execute(select(alert.c.state).where(alert.c.rule_id == rule_id)).scalars())
