"""/api/v1 says and does what the pages do."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from console.db.tables import pending
from sinks.readmodel.tables import handover
from tests.console.conftest import Browser, OpenConsole, firing

LATER = timedelta(minutes=5)


def token(browser: Browser) -> dict[str, str]:
    return {"x-csrf-token": browser.client.get("/api/v1/me").json()["csrf"]}


def post(browser: Browser, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = browser.client.post(path, json=body, headers=token(browser))
    return answer.status_code, answer.json()


def test_the_queue_is_the_pages_queue(console: OpenConsole) -> None:
    browser = console("county")
    found = browser.client.get("/api/v1/queue?bucket=over").json()
    assert found["counts"]["over"] + found["counts"]["first"] == len(found["rows"])
    page = browser.client.get("/today?bucket=over").text
    assert all(f"/alerts/{row['alert_id']}" in page for row in found["rows"])
    assert found["facets"]["rule"] == {
        rule: sum(row["rule_id"] == rule for row in found["rows"]) for rule in found["facets"]["rule"]
    }


def test_paging_ends(console: OpenConsole) -> None:
    browser = console("city", page_rows=7)
    seen: list[str] = []
    after: str | None = ""
    found: dict[str, Any] = {}
    while after is not None:
        found = browser.client.get("/api/v1/queue", params={"after": after}).json()
        seen += [row["alert_id"] for row in found["rows"]]
        after = found["after"]
    assert len(seen) == len(set(seen)) == sum(found["counts"][name] for name in ("first", "over", "today", "soon"))


def test_who_i_am_and_who_nobody_is(console: OpenConsole) -> None:
    found = console("county").client.get("/api/v1/me").json()
    assert (found["role"], found["prefix"]) == ("county", "990102")
    assert "waive" not in found["actions"]
    assert console().client.get("/api/v1/me").status_code == 401


def test_an_alert_and_a_person_in_scope_only(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console("county"), firing(engine, "990102", rule="B08")
    found = browser.client.get(f"/api/v1/alerts/{alert_id}").json()
    assert found["rule_id"] == "B08"
    assert {one["id"] for one in found["events"]} <= set(found["seen"])
    person = browser.client.get(f"/api/v1/people/{found['subject']}").json()
    assert person["subject"] == found["subject"]
    assert any(duty["alert_id"] == alert_id for duty in person["duties"])
    for path in (f"/api/v1/alerts/{firing(engine, '990103')}", "/api/v1/people/p1_nobody"):
        assert browser.client.get(path).status_code == 404
    with engine.connect() as connection:
        other = connection.execute(
            select(handover.c.subject).where(handover.c.jurisdiction.startswith("990103")).limit(1)
        ).scalar_one()
    assert browser.client.get(f"/api/v1/people/{other}").status_code == 404


def test_an_action_is_kept_once_and_can_be_undone(console: OpenConsole, engine: Engine, kafka: str) -> None:
    alert_id = firing(engine, "990102", severity="WARN")
    browser = console("county", brokers=kafka, undo=LATER)
    path, body = f"/api/v1/alerts/{alert_id}/comment", {"key": "12345678", "note": "已联系"}
    first, second = post(browser, path, body), post(browser, path, body)
    assert first == second
    assert first[0] == 202
    with engine.connect() as connection:
        assert len(connection.execute(select(pending)).all()) == 1
    assert post(browser, f"/api/v1/pending/{first[1]['batch']}/undo", {}) == (200, {"undone": 1})


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("comment", {"key": "12345678", "note": ""}, 422, "note"),
        ("comment", {"key": "12345678", "note": "13800000000"}, 422, "note"),
        ("comment", {"key": "1"}, 422, "body.key"),
        ("comment", {"key": "12345678", "extra": 1}, 422, "body.extra"),
        ("snooze", {"key": "12345678", "note": "x", "until": "2020-01-01T00:00:00+08:00"}, 422, "until"),
        ("snooze", {"key": "12345678", "note": "x", "until": "0001-01-01T00:00:00+14:00"}, 422, "time"),
        ("close", {"key": "12345678"}, 422, "path.action"),
        ("record", {"key": "12345678", "type": "x", "time": "2026-03-06T10:00:00+08:00", "data": {}}, 409, "type"),
    ],
)
def test_wrong_values_are_named(
    console: OpenConsole, engine: Engine, kafka: str, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    alert_id = firing(engine, "990102", rule="B08")
    answer = post(console("county", brokers=kafka, undo=LATER), f"/api/v1/alerts/{alert_id}/{path}", body)
    assert answer[0] == status
    assert field in answer[1]["errors"]


def test_without_its_token_nothing_is_done(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console("county"), firing(engine, "990102")
    answer = browser.client.post(f"/api/v1/alerts/{alert_id}/acknowledge", json={"key": "12345678"})
    assert answer.status_code == 400
    status, body = post(browser, f"/api/v1/alerts/{alert_id}/acknowledge", {"key": "12345678"})
    assert status == 503
    assert "消息系统" in body["errors"]["kafka"]


def test_errors_are_in_the_callers_language(console: OpenConsole) -> None:
    browser = console("county")
    answer = browser.client.get("/api/v1/alerts/none", headers={"accept-language": "en"})
    assert answer.json()["error"].startswith("There is no such page")


def test_the_schema_has_every_route_and_no_page(console: OpenConsole) -> None:
    assert console().client.get("/api/v1/openapi.json").status_code == 401
    schema = console("county").client.get("/api/v1/openapi.json").json()
    assert set(schema["paths"]) == {
        "/api/v1/audit", "/api/v1/me", "/api/v1/queue", "/api/v1/alerts/{alert_id}", "/api/v1/alerts/{alert_id}/record", "/api/v1/alerts/{alert_id}/{action}",
        "/api/v1/pending/{batch}/undo", "/api/v1/people/{person_ref}", "/api/v1/feeds", "/api/v1/feeds/{source}", "/api/v1/dead-letters",
        "/api/v1/dead-letters/{group}", "/api/v1/redrive", "/api/v1/redrive/{redrive_id}", "/api/v1/redrive/{redrive_id}/{what}",
        "/api/v1/five-works", "/api/v1/scoreboard", "/api/v1/obligations", "/api/v1/figures",
        "/api/v1/figures/{figure}", "/api/v1/exports/{what}",
        "/api/v1/rules", "/api/v1/rules/diff/{a}/{b}",
        "/api/v1/rules/{book}/{rule}", "/api/v1/whatif", "/api/v1/whatif/{run_id}", "/api/v1/whatif/{run_id}/table",
        "/api/v1/whatif/{run_id}/alerts", "/api/v1/whatif/{run_id}/cancel", "/api/v1/rule-changes",
        "/api/v1/rule-changes/{proposal_id}/{decision}",
    }  # fmt: skip
