"""What officers do: checked, kept for an undo, published to a real Kafka, shown as pending until SQL has the answer."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from sqlalchemy import Engine, func, select

from console.accounts.demo_users import DEMO_PASSWORD
from console.auth.users import create
from console.db.tables import pending
from console.web.config import real_time
from schemas.envelope import Event
from schemas.instants import millis, show
from schemas.parse import parse
from schemas.topics import ACTION, CHECKIN, DISPUTE, INTAKE, RELEASE, named
from sinks.consumer import Record
from sinks.readmodel import events
from sinks.readmodel.tables import alert
from tests.console.conftest import NOW, Browser, OpenConsole, firing

SOON = timedelta(milliseconds=100)
LATER = timedelta(minutes=5)


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> str:
    """The topics that the console writes to, on a real broker."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    wanted = {
        named(topic_prefix, topic): {"num_partitions": 1, "replication_factor": 1}
        for topic in (ACTION, INTAKE, RELEASE, CHECKIN, DISPUTE)
    }
    admin.create_topics(wanted)
    admin.wait_for_topics(list(wanted), timeout_ms=30_000)
    admin.close()
    return topic_prefix


def on_topic(brokers: str, name: str) -> list[Event]:
    """Everything on a topic, as the pipeline reads it."""
    consumer = KafkaConsumer(
        name, bootstrap_servers=brokers, auto_offset_reset="earliest", consumer_timeout_ms=1500, group_id=None
    )
    found = [(record.key, parse(record.value, record.headers, NOW)) for record in consumer]
    consumer.close()
    assert all(key == event.subject.encode() for key, event in found)
    return [event for _, event in found]


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def states(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return dict(map(tuple, connection.execute(select(pending.c.state, func.count()).group_by(pending.c.state))))


def row(engine: Engine, alert_id: str) -> dict[str, object]:
    with engine.connect() as connection:
        return dict(connection.execute(select(alert).where(alert.c.alert_id == alert_id)).mappings().one())


@pytest.mark.parametrize(
    ("login", "action", "fields", "type_", "data"),
    [
        ("county", "acknowledge", {}, "acknowledged", {}),
        ("county", "assign", {"to": "town", "note": "请跟进"}, "assigned", {"to": "town", "note": "请跟进"}),
        (
            "county",
            "snooze",
            {"until": "2026-03-10", "note": "等回执"},
            "snoozed",
            {"until": "2026-03-10T08:30:00+08:00", "note": "等回执"},
        ),
        ("county", "comment", {"note": " 已电话联系 "}, "commented", {"note": "已电话联系"}),
        ("county", "contest", {"note": "不在本县"}, "contested", {"note": "不在本县"}),
        ("city", "waive", {"note": "已移交外省"}, "waived", {"note": "已移交外省"}),
    ],
)
def test_an_action_is_published_as_the_contract_says(
    console: OpenConsole,
    engine: Engine,
    kafka: str,
    topics: str,
    login: str,
    action: str,
    fields: dict[str, str],
    type_: str,
    data: dict[str, object],
) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console(login, brokers=kafka, topic_prefix=topics, undo=SOON)
    answer = browser.send(f"/alerts/{alert_id}/{action}", {**fields, "key": "k1"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/alerts/{alert_id}"
    until(lambda: states(engine) == {"published": 1})
    (event,) = on_topic(kafka, named(topics, ACTION))
    agency = {"county": "COUNTY_JUSTICE-990102-01", "city": "CITY_JUSTICE-990100-01"}[login]
    assert event.type == f"reentry.action.{type_}.v1"
    assert event.source == f"/agencies/{agency}/console"
    assert event.subject == row(engine, alert_id)["subject"]
    assert event.data == {"alert_id": alert_id, "by": login, **data}


def test_the_page_shows_it_pending_until_sql_has_the_event(
    console: OpenConsole, engine: Engine, kafka: str, topics: str
) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console("county", brokers=kafka, topic_prefix=topics, undo=SOON)
    browser.send(f"/alerts/{alert_id}/acknowledge")
    until(lambda: states(engine) == {"published": 1})
    assert "确认：等待回应" in browser.get(f"/alerts/{alert_id}").text
    assert "确认：等待回应" in browser.get("/today").text
    (event,) = on_topic(kafka, named(topics, ACTION))
    arrived = Record(event.topic, 0, 0, event.subject.encode(), orjson.dumps(event.wire()), (), millis(NOW), NOW)
    with engine.begin() as connection:
        events.write(connection, [arrived])
    until(lambda: states(engine) == {"recorded": 1})
    page = browser.get(f"/alerts/{alert_id}").text
    assert "等待回应" not in page
    assert '<span class="by">county</span>' in page


def test_what_is_undone_never_reaches_the_topic(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console("county", brokers=kafka, topic_prefix=topics, undo=timedelta(seconds=3))
    browser.send(f"/alerts/{alert_id}/acknowledge")
    page = browser.get("/today").text
    path = re.findall(r'action="(/pending/[^/]+/undo)"', page)[0]
    stranger = console("city", brokers=kafka, topic_prefix=topics, undo=timedelta(seconds=3))
    stranger.send(path, {"next": "/today"})
    assert states(engine) == {"waiting": 1}
    answer = browser.send(path, {"next": "/today"})
    assert answer.headers["location"] == "/today"
    assert states(engine) == {"undone": 1}
    time.sleep(3.5)
    assert states(engine) == {"undone": 1}
    assert not on_topic(kafka, named(topics, ACTION))


def test_the_same_form_sent_twice_is_one_action(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console("county", brokers=kafka, topic_prefix=topics, undo=LATER)
    for _ in range(2):
        assert browser.send(f"/alerts/{alert_id}/comment", {"note": "一次", "key": "same"}).status_code == 303
    assert states(engine) == {"waiting": 1}


def test_many_at_once_have_one_undo_and_those_that_do_not_fit_are_named(
    console: OpenConsole, engine: Engine, kafka: str, topics: str
) -> None:
    with engine.connect() as connection:
        firing_here = (alert.c.state == "firing", alert.c.jurisdiction.startswith("990102"))
        of_prison = alert.c.owner_agency.startswith("PRISON-")
        mine = list(connection.execute(select(alert.c.alert_id).where(*firing_here, ~of_prison)).scalars())
        foreign = connection.execute(select(alert.c.alert_id).where(*firing_here, of_prison).limit(1)).scalar_one()
        ended = connection.execute(
            select(alert.c.alert_id)
            .where(alert.c.state != "firing", alert.c.jurisdiction.startswith("990102"))
            .limit(1)
        ).scalar_one()
    browser = console("county", brokers=kafka, topic_prefix=topics, undo=LATER)
    browser.get("/today")
    sent = browser.client.post(
        "/today/bulk",
        data={
            "csrf": re.findall(r'name="csrf" value="([^"]+)', browser.seen)[0],
            "action": "acknowledge",
            "id": [*mine, foreign, ended, "nothing"],
            "next": "/today",
        },
    )
    assert sent.status_code == 200
    assert f"{len(mine)} 件已保存，2 件没有" in sent.text
    assert "由监狱 990100办理，你不能代办" in sent.text
    assert f"/alerts/{ended}" in sent.text
    assert states(engine) == {"waiting": len(mine)}
    undo = re.findall(r'action="(/pending/[^/]+/undo)"', browser.get("/today").text)
    assert len(undo) == 1
    browser.send(undo[0])
    assert states(engine) == {"undone": len(mine)}


@pytest.mark.parametrize(
    ("action", "fields", "says"),
    [
        ("comment", {"note": "  "}, "请写明原因"),
        ("comment", {"note": "字" * 201}, "最多 200 个"),
        ("comment", {"note": "电话 13800000000"}, "证件号或手机号"),
        ("comment", {"note": "电话 138\u200b0000\u00a00000"}, "证件号或手机号"),
        ("comment", {"note": "张三 住幸福路18号"}, "请写案号，不要写人名和地址"),
        ("snooze", {"note": "等", "until": "2026-03-06"}, "请选一个以后的日子"),
        ("snooze", {"note": "等", "until": "soon"}, "请选一个以后的日子"),
        ("assign", {"note": "x"}, "请选交给谁"),
        ("contest", {}, "请写明原因"),
    ],
)
def test_wrong_values_are_said_beside_the_field_and_nothing_is_lost(
    console: OpenConsole, engine: Engine, kafka: str, action: str, fields: dict[str, str], says: str
) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    answer = console("county", brokers=kafka, undo=LATER).send(f"/alerts/{alert_id}/{action}", fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert 'role="alert"' in answer.text
    if fields.get("note", "").strip():
        assert fields["note"] in answer.text
    assert states(engine) == {}


def test_an_alert_that_ended_meanwhile_says_how(console: OpenConsole, engine: Engine, kafka: str) -> None:
    with engine.connect() as connection:
        ended = connection.execute(
            select(alert.c.alert_id)
            .where(alert.c.state != "firing", alert.c.jurisdiction.startswith("990102"))
            .limit(1)
        ).scalar_one()
    answer = console("county", brokers=kafka).send(f"/alerts/{ended}/snooze", {"note": "等回执", "until": "2026-03-10"})
    assert answer.status_code == 409
    assert "已经了结" in answer.text
    assert states(engine) == {}


def test_somebody_acted_first_and_pressing_again_does_it_anyway(
    console: OpenConsole, engine: Engine, kafka: str
) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    with engine.begin() as connection:
        connection.execute(
            alert.update().where(alert.c.alert_id == alert_id).values(assigned_to="O-77", revision=alert.c.revision + 1)
        )
    before = int(str(row(engine, alert_id)["revision"])) - 1
    browser = console("county", brokers=kafka, undo=LATER)
    first = browser.send(f"/alerts/{alert_id}/assign", {"to": "town", "note": "请跟进", "revision": str(before)})
    assert first.status_code == 409
    assert "已指派给 O-77" in first.text
    assert "请跟进</textarea>" in first.text
    again = browser.send(f"/alerts/{alert_id}/assign", {"to": "town", "note": "请跟进", "revision": str(before + 1)})
    assert again.status_code == 303


def test_a_critical_waiver_needs_a_second_person(console: OpenConsole, engine: Engine, kafka: str) -> None:
    alert_id = firing(engine, "990102", severity="CRIT")
    create(engine, "city-2", DEMO_PASSWORD, "city", "CITY_JUSTICE-990100-01", "9901")
    first = console("city", brokers=kafka, undo=LATER)
    first.send(f"/alerts/{alert_id}/waive", {"note": "已移交外省"})
    assert states(engine) == {"second": 1}
    with engine.connect() as connection:
        path = f"/alerts/{alert_id}/second/{connection.execute(select(pending.c.event_id)).scalar_one()}"
    first.send(path)
    console("county", brokers=kafka, undo=LATER).send(path)
    assert states(engine) == {"second": 1}
    second = console("city-2", brokers=kafka, undo=LATER)
    assert "需要另一人同意" in second.get(f"/alerts/{alert_id}").text
    second.send(path)
    assert states(engine) == {"waiting": 1}


# --- recording the answer


def recordable(browser: Browser, alert_id: str) -> dict[str, str]:
    """What stands in the first form for a missing event."""
    page = browser.get(f"/alerts/{alert_id}").text
    form = page.split(f'action="/alerts/{alert_id}/record"')[1].split("</form>")[0]
    found = dict(re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', form))
    boxes = set(re.findall(r'type="checkbox" name="(\w+)"', form))
    return {name: value for name, value in found.items() if name not in ("csrf", "key", *boxes)}


def test_a_recorded_answer_is_the_offices_own_event(
    console: OpenConsole, engine: Engine, kafka: str, topics: str
) -> None:
    alert_id = firing(engine, "990102", rule="B08")
    browser = console("county", brokers=kafka, topic_prefix=topics, undo=SOON)
    fields = recordable(browser, alert_id)
    assert fields["type"] == "reentry.intake.registered.v1"
    answer = browser.send(
        f"/alerts/{alert_id}/record",
        {**fields, "time": "2026-03-06T10:00", "group_formed": "yes", "declared_on": "2026-03-05"},
    )
    assert answer.status_code == 303, answer.text
    until(lambda: states(engine) == {"published": 1})
    (event,) = on_topic(kafka, named(topics, INTAKE))
    assert event.source == "/agencies/COUNTY_JUSTICE-990102-01/console"
    assert event.subject == row(engine, alert_id)["subject"]
    assert event.time.isoformat() == "2026-03-06T10:00:00+08:00"
    assert event.data["group_formed"] is True
    assert event.data["plan_made"] is False


def test_what_ends_a_critical_alert_is_asked_twice(console: OpenConsole, engine: Engine, kafka: str) -> None:
    alert_id = firing(engine, "990102", rule="B04")
    browser = console("county", brokers=kafka, undo=LATER)
    fields = {**recordable(browser, alert_id), "channel": "HAND", "report_type": "LATE", "time": "2026-03-06T10:00"}
    assert fields["type"] == "reentry.intake.person_reported.v1"
    first = browser.send(f"/alerts/{alert_id}/record", fields)
    assert first.status_code == 422
    assert "请核对后再次确认" in first.text
    assert states(engine) == {}
    second = browser.send(f"/alerts/{alert_id}/record", {**fields, "sure": "yes"})
    assert second.status_code == 303
    assert states(engine) == {"waiting": 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"channel": ""}, "必填"),
        ({"report_type": "SOMETIMES"}, "这个值不行"),
        ({"time": "2026-03-09T10:00"}, "不能在将来"),
        ({"time": "yesterday"}, "请写日期和时间"),
        ({"type": "reentry.release.occurred.v1"}, "新的修订"),
    ],
)
def test_a_wrong_answer_is_refused_at_its_field(
    console: OpenConsole, engine: Engine, kafka: str, change: dict[str, str], says: str
) -> None:
    alert_id = firing(engine, "990102", rule="B04")
    browser = console("county", brokers=kafka, undo=LATER)
    fields = {
        **recordable(browser, alert_id),
        "channel": "HAND",
        "report_type": "LATE",
        "time": "2026-03-06T10:00",
        "sure": "yes",
        **change,
    }
    answer = browser.send(f"/alerts/{alert_id}/record", fields)
    assert answer.status_code in (409, 422)
    assert says in answer.text
    assert states(engine) == {}


def test_nobody_records_for_another_office(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102", rule="A13")
    page = console("county").get(f"/alerts/{alert_id}").text
    assert f"/alerts/{alert_id}/record" not in page
    assert f"/alerts/{alert_id}/record" in console("prison").get(f"/alerts/{alert_id}").text


# --- while Kafka is away


def test_kafka_away_is_said_and_what_was_typed_stays(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console("county")
    assert browser.client.get("/ready").json() | {"age": 0} == {
        "ready": True,
        "kafka": False,
        "age": 0,
        "processed_until": show(NOW),
    }
    answer = browser.send(f"/alerts/{alert_id}/snooze", {"note": "等法院补寄", "until": "2026-03-10"})
    assert answer.status_code == 503
    assert "消息系统从" in answer.text
    assert "等法院补寄</textarea>" in answer.text
    assert '<details class="do" id="snooze" open>' in answer.text
    assert states(engine) == {}
    bulk = browser.send("/today/bulk", {"action": "comment", "id": alert_id, "note": "等法院补寄"})
    assert bulk.status_code == 503
    assert "等法院补寄" in bulk.text


def test_what_waits_is_sent_when_kafka_is_back(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console("county", brokers=kafka, topic_prefix=topics, undo=LATER)
    browser.send(f"/alerts/{alert_id}/comment", {"note": "稍后"})
    with engine.begin() as connection:  # its process ended while it was sending, a minute ago
        connection.execute(pending.update().values(state="sending", publish_at=real_time() - timedelta(seconds=61)))
    until(lambda: states(engine) == {"published": 1})
    assert len(on_topic(kafka, named(topics, ACTION))) == 1
