"""A record that no retry can write is set aside, counted and said; what stands before and after it is written."""

import dataclasses
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer
from sqlalchemy import select

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas import alert as alerts
from schemas.dead_letter import OFFSET, REASON, TOPIC
from schemas.parse import trusted
from schemas.provenance import mark
from schemas.topics import ALERT, DLQ, RELEASE, named
from sinks import metrics
from sinks.readmodel import events, tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.integration.pipeline import Pipeline
from tests.integration.test_read_model import config, topics, url
from tests.integration.test_sinks import history, kept, once, revisions, running, said

pytestmark = pytest.mark.servers
__all__ = ("topics", "url")  # fixtures


def send(topics: Pipeline, topic: str, *values: tuple[bytes, Any], marked: bool = True) -> None:
    """Put records on one partition, in order, past every parser. `marked`: as a worker does."""
    headers = [mark(1)] if marked else []
    producer = KafkaProducer(bootstrap_servers=topics.brokers, acks="all")
    for key, value in values:
        producer.send(
            named(topics.prefix, topic), key=key, value=orjson.dumps(value), partition=0, headers=headers
        ).get(timeout=30)
    producer.close()


def counted(sink: str, outcome: str) -> float:
    return float(metrics.RECORDS.labels(sink, outcome)._value.get())


def reasons(topics: Pipeline) -> list[tuple[str, str, str]]:
    """Reason, topic and offset of each dead letter."""
    found = []
    for record in topics.records(DLQ):
        told = {name: value.decode() for name, value in record.headers}
        found.append((told[REASON], told[TOPIC], told[OFFSET]))
    return found


SPOILT: dict[str, dict[str, dict[str, Any]]] = {
    "postgresql": {
        "a NUL in a text": {"reason": {"zh": "甲", "en": "a\0b"}},
        "a NUL in a column": {"rule_id": "A\0"},
        "a key too long for an index": {"alert_id": "k" + "".join(f"{n:x}" for n in range(9_000))},
        "a revision out of range": {"revision": 2**40},
    },
    "sqlite": {"a revision out of range": {"revision": 2**63}},
}


@pytest.mark.parametrize(
    ("url", "what"), [(name, what) for name, names in SPOILT.items() for what in names], indirect=["url"]
)
def test_an_alert_that_cannot_be_written_is_set_aside_and_the_others_go_on(
    topics: Pipeline, url: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoilt = SPOILT[url.partition(":")[0].partition("+")[0]][what]
    good = list(replay(history(5), load("cn-default"), load_calendar()))
    values = [(one.alert_id.encode(), alerts.event(one)) for one in good]
    bad = orjson.loads(orjson.dumps(values[3][1]))
    bad["data"] |= {"alert_id": "a-spoilt-one"} | spoilt if isinstance(bad.get("data"), dict) else spoilt
    before = counted("alerts", "set_aside")
    send(topics, ALERT, *values[:4], (b"a-spoilt-one", bad), *values[4:])
    with running(config(topics, url), "alerts"):
        expected = sorted((one.alert_id, one.revision) for one in good)
        until(lambda: revisions(url) == expected, seconds=60)
        until(lambda: reasons(topics) == [("UNWRITABLE", named(topics.prefix, ALERT), "4")], seconds=30)
    assert counted("alerts", "set_aside") == before + 1
    assert len(said(caplog, "cannot be written", f"{ALERT}[0]@4", "set aside")) == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite takes a NUL
def test_an_event_with_a_nul_that_no_parser_saw_stops_nobody(
    topics: Pipeline, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "parse", lambda value, *_: trusted(value))
    told = history(10)
    spoilt = dataclasses.replace(told[0][0], id="spoilt", data={**told[0][0].data, "more": "00-\0-x"})
    topics.publish(told[:9])
    send(topics, RELEASE, (b"k", spoilt.wire()), (b"k", spoilt.wire()))
    topics.publish(told[9:])
    with running(config(topics, url), "events"):
        until(lambda: kept(url) == once(told), seconds=60)
        until(lambda: [one[0] for one in reasons(topics)] == ["UNWRITABLE"] * 2, seconds=30)
        more = history(5, 10)
        topics.publish(more)
        until(lambda: kept(url) == once(told + more), seconds=60)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_dead_letter_that_cannot_be_written_is_kept_as_its_place(
    topics: Pipeline, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sinks.readmodel import dead_letters

    monkeypatch.setattr(dead_letters, "_text", lambda text: text)  # as if a column had been forgotten
    producer = KafkaProducer(bootstrap_servers=topics.brokers, acks="all")
    for reason in (b"SCHEMA", b"SCH\0EMA", b"SCHEMA"):
        producer.send(named(topics.prefix, DLQ), value=b"{}", headers=[(REASON, reason)], partition=0).get(timeout=30)
    producer.close()
    engine = connect(url)

    def letters() -> list[tuple[int, str]]:
        wanted = select(tables.dead_letter.c.offset, tables.dead_letter.c.reason).order_by(tables.dead_letter.c.offset)
        with engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(wanted)]

    with running(config(topics, url), "dead-letters"):
        until(lambda: letters() == [(0, "SCHEMA"), (1, "UNWRITABLE"), (2, "SCHEMA")], seconds=60)
    engine.dispose()


def test_a_table_that_is_missing_is_no_records_fault(topics: Pipeline, tmp_path: Path) -> None:
    from sqlalchemy.exc import OperationalError

    from sinks.readmodel.errors import translate_errors

    engine = connect(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(OperationalError, match="no such table"), translate_errors(), engine.connect() as connection:
        connection.execute(select(tables.event))
