"""Changes of rules by two persons: proposed, approved by another, published to a real Kafka, pending until the pipeline has it."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from sqlalchemy import Engine, select

from console.accounts.demo_users import make_demo_users
from console.auth.users import User
from console.db import database
from console.db.tables import pending, proposal
from console.rules import change_proposals, whatif_store
from console.rules.change_routes import suggest_name
from console.rules.whatif_worker import count_moves
from console.web.config import real_time
from handover.calendar import load_calendar
from handover.rules.rulebook import load, read
from schemas.envelope import Event
from schemas.instants import millis
from schemas.parse import parse
from schemas.topics import SYSTEM, named
from sinks.consumer import Record
from sinks.readmodel import events
from sinks.readmodel.database import connect, prepare
from tests.console.conftest import NOW, NOWHERE, Browser, OpenConsole
from tests.console.model import fill
from tests.handover.histories import arriving, notice, scheduled

DRAFT = 'book = "draft@1"\nextends = "cn-default@2"\nnames = { zh = "草案", en = "Draft" }\n[[rule]]\nid = "A02"\nwithin = "5 wd"\n'
USER = User("u1", "rules-1", "rules", "PROVINCE_JUSTICE-990000-01", "", "rules-1", None, True)
FIELDS = {"kind": "rules", "book": "cn-default@3", "effective": "2026-03-07T00:00"}
SOON = timedelta(milliseconds=100)
CHANGE = {
    "book": "cn-default@3",
    "effective_from": "2026-03-07T00:00:00+08:00",
    "apply_to_open": True,
    "changes": [{"rule_id": "A02", "set": {"within": "5 wd"}}],
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A small read model: one person whose notice is to be answered by the end of Monday 03-09."""
    found = connect(f"sqlite:///{tmp_path / 'model.sqlite'}")
    prepare(found)
    database.prepare(found)
    history = arriving(scheduled(), notice("2026-03-04 10:00"))
    fill(found, history, load("cn-default"), load_calendar(), NOW)
    make_demo_users(found)
    yield found
    found.dispose()


@pytest.fixture
def run_id(engine: Engine) -> str:
    """A draft that was tried."""
    limits: dict[str, Any] = {"since": None, "until": None}
    found = whatif_store.ask(
        engine, USER, read(DRAFT), "cn-default@2", real_time(), file="d.toml", toml=DRAFT, **limits
    )
    whatif_store.cancel(engine, found, real_time())
    return found


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> str:
    """The topic of what is of no single subject, on a real broker."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    name = named(topic_prefix, SYSTEM)
    admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    admin.wait_for_topics([name], timeout_ms=30_000)
    admin.close()
    return topic_prefix


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def states(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(pending.c.state)).scalars())


def stages(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [str(one["stage"]) for one in change_proposals.list_proposals(connection)]


def proposed(browser: Browser, run_id: str, **more: str) -> str:
    """Propose; the id."""
    browser.get(f"/rules/changes?run={run_id}")
    answer = browser.send("/rules/changes", {**FIELDS, "run": run_id, "open": "yes", **more})
    assert answer.status_code == 303, re.findall(r'class="err"[^<]*(?:<[^>]+>)*([^<]+)', answer.text)
    page = browser.get("/rules/changes").text
    return str(re.findall(r'action="/rules/changes/([0-9a-f]+)/withdraw"', page)[0])


def on_topic(brokers: str, name: str) -> list[tuple[bytes | None, Event]]:
    consumer = KafkaConsumer(
        name, bootstrap_servers=brokers, auto_offset_reset="earliest", consumer_timeout_ms=1500, group_id=None
    )
    found = [(record.key, parse(record.value, record.headers, NOW)) for record in consumer]
    consumer.close()
    return found


def test_one_proposes_another_approves_and_the_pipeline_gets_it(
    console: OpenConsole, engine: Engine, run_id: str, kafka: str, topics: str
) -> None:
    settings: dict[str, Any] = {"brokers": kafka, "topic_prefix": topics, "undo": SOON}
    first, second = console("rules-1", **settings), console("rules-2", **settings)
    proposal_id = proposed(first, run_id)
    mine = first.get("/rules/changes").text
    assert f"/rules/changes/{proposal_id}/approve" not in mine
    assert "自己提出的改动不能自己批准" in mine
    refused = first.send(f"/rules/changes/{proposal_id}/approve")
    assert refused.status_code == 409
    assert "自己提出的改动不能自己批准" in refused.text
    assert states(engine) == []
    assert f"/rules/changes/{proposal_id}/approve" in second.get("/rules/changes").text
    assert second.send(f"/rules/changes/{proposal_id}/approve").status_code == 303
    until(lambda: states(engine) == ["published"])
    assert "已公布，等待流水线收到" in first.get("/rules/changes").text
    ((key, event),) = on_topic(kafka, named(topics, SYSTEM))
    assert (event.type, event.data) == ("reentry.system.rules_changed.v1", CHANGE)
    assert event.source == event.subject == "/agencies/PROVINCE_JUSTICE-990000-01/console"
    assert key == event.subject.encode()
    arrived = Record(event.topic, 0, 0, event.subject.encode(), orjson.dumps(event.wire()), (), millis(NOW), NOW)
    with engine.begin() as connection:
        events.write(connection, [arrived])
    until(lambda: stages(engine) == ["recorded"])
    page = first.get("/rules/changes").text
    assert "流水线已收到" in page
    later = console("rules-1", now=NOW + timedelta(days=1))
    assert "cn-default@3（生效）" in later.get("/rules/cn-default@2/A02").text
    assert "5 个工作日" in later.get("/rules/cn-default@3/A02").text


def test_it_says_how_many_open_duties_would_move(console: OpenConsole, engine: Engine, run_id: str) -> None:
    browser = console("rules-1")
    proposal_id = proposed(browser, run_id)
    with engine.begin() as connection:  # as the thread would: found anew in this process
        connection.execute(proposal.update().values(moves=None))
    count_moves(str(engine.url), proposal_id, "cn-default", None)
    assert "有 1 项期限会移动：1 项更晚，0 项更早" in browser.get("/rules/changes").text
    english = browser.get("/rules/changes", **{"accept-language": "en"}).text
    assert "Of the duties open now, 1 would move: 1 later, 0 earlier, 0 would end, 0 would be new." in english
    (told,) = browser.client.get("/api/v1/rule-changes").json()
    assert told["moves"] == {"later": 1, "earlier": 0, "gone": 0, "new": 0}


def test_the_process_beside_the_console_finds_it(console: OpenConsole, engine: Engine, run_id: str) -> None:
    browser = console("rules-1")
    browser.get(f"/rules/changes?run={run_id}")
    assert browser.send("/rules/changes", {**FIELDS, "run": run_id}).status_code == 303

    def found() -> bool:
        return not change_proposals.list_uncounted(engine)

    until(found, 120)
    assert "没有期限会移动" in browser.get("/rules/changes").text  # the one open duty had begun before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"book": "cn-default@2"}, "请写一个没有用过的版本名"),
        ({"book": "two words"}, "请写一个没有用过的版本名"),
        ({"effective": "2026-03-06T16:00"}, "请写一个将来的生效时间"),
        ({"effective": ""}, "请写一个将来的生效时间"),
        ({"effective": "0001-01-01T00:00"}, "请写一个将来的生效时间"),
    ],
)
def test_what_cannot_be_proposed_is_said_beside_its_field(
    console: OpenConsole, engine: Engine, run_id: str, fields: dict[str, str], said: str
) -> None:
    browser = console("rules-1")
    browser.get(f"/rules/changes?run={run_id}")
    answer = browser.send("/rules/changes", {**FIELDS, "run": run_id, **fields})
    assert answer.status_code == 422
    assert said in answer.text
    assert stages(engine) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('settle = "90 min"\n', "不能在运行中改：settle: only keys of rules"),
        ("", "和生效的规则库没有差别"),
    ],
)
def test_a_draft_that_no_event_can_tell_is_refused(console: OpenConsole, engine: Engine, text: str, said: str) -> None:
    draft = DRAFT.partition("[[rule]]")[0] + text
    limits: dict[str, Any] = {"since": None, "until": None}
    run = whatif_store.ask(engine, USER, read(draft), "cn-default@2", real_time(), file="d.toml", toml=draft, **limits)
    whatif_store.cancel(engine, run, real_time())
    browser = console("rules-1")
    browser.get(f"/rules/changes?run={run}")
    answer = browser.send("/rules/changes", {**FIELDS, "run": run})
    assert answer.status_code == 422
    assert said in answer.text


def test_one_change_at_a_time_and_it_can_be_taken_back(console: OpenConsole, engine: Engine, run_id: str) -> None:
    first, second = console("rules-1"), console("rules-2")
    proposal_id = proposed(first, run_id)
    second.get(f"/rules/changes?run={run_id}")
    again = second.send("/rules/changes", {**FIELDS, "run": run_id})
    assert again.status_code == 422
    assert "已有一项改动在等待" in again.text
    assert second.send(f"/rules/changes/{proposal_id}/withdraw").status_code == 409  # not theirs
    assert first.send(f"/rules/changes/{proposal_id}/withdraw").status_code == 303
    assert stages(engine) == ["withdrawn"]
    assert second.send(f"/rules/changes/{proposal_id}/refuse").status_code == 409  # decided already
    assert second.send("/rules/changes/none/refuse").status_code == 404
    assert second.send(f"/rules/changes/{proposal_id}/sell").status_code == 404


def test_the_province_proposes_and_may_not_approve(console: OpenConsole, engine: Engine, run_id: str) -> None:
    province, admin = console("province"), console("rules-1")
    proposal_id = proposed(province, run_id)
    assert province.send(f"/rules/changes/{proposal_id}/approve").status_code == 403
    admin.get("/rules/changes")
    answer = admin.send(f"/rules/changes/{proposal_id}/approve")
    assert answer.status_code == 409  # no broker answers: nothing is stored
    assert "消息系统" in answer.text
    assert stages(engine) == ["proposed"]
    assert admin.send(f"/rules/changes/{proposal_id}/refuse").status_code == 303
    assert stages(engine) == ["refused"]


def test_a_proposal_is_not_approved_after_its_date_or_another_version(
    console: OpenConsole, engine: Engine, run_id: str, kafka: str
) -> None:
    proposal_id = proposed(console("rules-1"), run_id)
    late = console("rules-2", brokers=kafka, now=NOW + timedelta(days=2))
    late.get("/rules/changes")
    answer = late.send(f"/rules/changes/{proposal_id}/approve")
    assert answer.status_code == 409
    assert "生效时间已经过去" in answer.text
    with engine.begin() as connection:
        connection.execute(proposal.update().values(base="cn-default@0"))
    other = console("rules-2", brokers=kafka)
    other.get("/rules/changes")
    answer = other.send(f"/rules/changes/{proposal_id}/approve")
    assert "规则库又变了" in answer.text
    assert states(engine) == []


def test_a_calendar_is_published_the_same_way(console: OpenConsole, engine: Engine, kafka: str, topics: str) -> None:
    settings: dict[str, Any] = {"brokers": kafka, "topic_prefix": topics, "undo": SOON}
    first, second = console("rules-1", **settings), console("rules-2", **settings)
    first.get("/rules/changes")
    days = {
        "kind": "calendar",
        "year": "2027",
        "holidays": "2027-01-01\n2027-02-06，2027-02-07",
        "workdays": "2027-02-20",
    }
    assert first.send("/rules/changes", days).status_code == 303
    page = second.get("/rules/changes").text
    assert "2027 年工作日历：放假 3 天，调休上班 1 天" in page
    proposal_id = re.findall(r'action="/rules/changes/([0-9a-f]+)/approve"', page)[0]
    assert second.send(f"/rules/changes/{proposal_id}/approve").status_code == 303
    until(lambda: states(engine) == ["published"])
    ((_, event),) = on_topic(kafka, named(topics, SYSTEM))
    assert event.type == "reentry.system.calendar_published.v1"
    assert event.data == {
        "year": 2027,
        "status": "published",
        "holidays": ["2027-01-01", "2027-02-06", "2027-02-07"],
        "workdays": ["2027-02-20"],
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"year": "next"}, "请写年份"),
        ({"holidays": "2025-12-31"}, "不是该年或相邻年份的日期：2025-12-31"),
        ({"holidays": "new year"}, "不是该年或相邻年份的日期：new"),
        ({"workdays": "2027-01-01"}, "既放假又上班：2027-01-01"),
        ({"holidays": ""}, "必填"),
    ],
)
def test_a_calendar_that_cannot_be_is_said(console: OpenConsole, fields: dict[str, str], said: str) -> None:
    browser = console("rules-1")
    browser.get("/rules/changes")
    days = {"kind": "calendar", "year": "2027", "holidays": "2027-01-01", "workdays": ""}
    answer = browser.send("/rules/changes", {**days, **fields})
    assert answer.status_code == 422
    assert said in answer.text


def test_the_api_does_the_same(console: OpenConsole, engine: Engine, run_id: str) -> None:
    clients = [console(login, brokers=NOWHERE).client for login in ("rules-1", "rules-2")]
    tokens = [{"x-csrf-token": client.get("/api/v1/me").json()["csrf"]} for client in clients]
    body = {"run_id": run_id, "book": "cn-default@3", "effective_from": "2026-03-07T00:00:00+08:00"}
    wrong = clients[0].post("/api/v1/rule-changes", json={**body, "book": "cn-default@2"}, headers=tokens[0])
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["book"])
    made = clients[0].post("/api/v1/rule-changes", json=body, headers=tokens[0])
    assert made.status_code == 202
    path = f"/api/v1/rule-changes/{made.json()['proposal_id']}"
    assert clients[0].post(f"{path}/approve", headers=tokens[0]).status_code == 409
    done = clients[1].post(f"{path}/refuse", headers=tokens[1])
    assert done.json() == {"proposal_id": made.json()["proposal_id"], "stage": "refused"}
    assert clients[1].get("/api/v1/rule-changes").json()[0]["data"]["book"] == "cn-default@3"


def test_the_next_version_has_the_next_number() -> None:
    assert suggest_name("cn-default@2", {"cn-default@2"}) == "cn-default@3"
    assert suggest_name("cn-default@2", {"cn-default@3", "cn-default@4"}) == "cn-default@5"
    assert suggest_name("own", set()) == "own-2"
