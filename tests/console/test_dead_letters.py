"""Dead letters: grouped by what is wrong, never a value; a redrive says first what it would do, to whom it may concern."""

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, select

from console.db.tables import redrive, redrive_letter
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.topics import RELEASE
from sinks.monitors import manifests
from sinks.readmodel.tables import alert, dead_letter, event, verdict
from tests.conditions import until
from tests.console.conftest import NOW, Browser, OpenConsole
from tests.console.letters import STRANGER, answer, bury, planned, unanswered, usual
from tests.console.test_pages import CJK, Text

PRISON = "/agencies/PRISON-990100-01"


@pytest.fixture
def buried(engine: Engine) -> Engine:
    """A read model with seven dead letters: two that would pass now, five that stay wrong."""
    bury(engine, NOW, usual(engine, NOW))
    return engine


def api(browser: Browser, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the API as its users do; the answer, and 500 never."""
    if body is None:
        return browser.client.get(f"/api/v1{path}").json()
    token = browser.client.get("/api/v1/me").json()["csrf"]
    answer = browser.client.post(f"/api/v1{path}", json=body, headers={"x-csrf-token": token})
    assert answer.status_code < 500, answer.text
    return answer.json()


def previewed(browser: Browser, **chosen: list[str]) -> dict[str, Any]:
    """The preview of a redrive of these groups or letters."""
    redrive_id = api(browser, "/redrive", chosen)["redrive"]
    until(lambda: api(browser, f"/redrive/{redrive_id}")["state"] != "asked", 30)
    found: dict[str, Any] = api(browser, f"/redrive/{redrive_id}")
    assert found["state"] == "previewed", found
    return found


def every_group(browser: Browser) -> list[str]:
    return [one["group"] for one in api(browser, "/dead-letters")]


def test_what_is_wrong_in_the_same_way_stands_together(console: OpenConsole, buried: Engine) -> None:
    again = orjson.dumps({**orjson.loads(answer(unanswered(buried), "another")), "data": {}})
    bury(buried, NOW + timedelta(minutes=1), [(RELEASE, again)], first=7)
    found = {one["reason"]: one for one in api(console("platform"), "/dead-letters") if one["reason"] != "FAILED"}
    assert found["SCHEMA"]["count"] == 2
    assert found["SCHEMA"]["field"] == "data.started_on"
    assert found["SCHEMA"]["source"] == PRISON
    assert found["SCHEMA"]["oldest"] == NOW.isoformat()
    assert found["MALFORMED"]["source"] == ""
    assert found["UNKNOWN_VERSION"]["type"] == "reentry.release.education_completed.v7"


def test_no_value_and_no_person_stands_on_any_page(console: OpenConsole, buried: Engine) -> None:
    browser, row = console("platform"), unanswered(buried)
    shown = previewed(browser, groups=every_group(browser))
    pages = ["/dead-letters", f"/redrive/{shown['redrive']}", f"/api/v1/redrive/{shown['redrive']}"]
    pages += [f"{base}/{group}" for group in every_group(browser) for base in ("/dead-letters", "/api/v1/dead-letters")]
    for path in pages:
        text = browser.get(path).text
        for secret in (row["subject"], STRANGER, "13800000000", "138****", '"answer"', "990102004"):
            assert secret not in text, (path, secret)


def test_filters_and_an_empty_list(console: OpenConsole, engine: Engine) -> None:
    browser = console("platform")
    assert "没有读不懂的记录" in browser.get("/dead-letters").text
    bury(engine, NOW, usual(engine, NOW))
    page = browser.get("/dead-letters?reason=MALFORMED").text
    assert "不是完整的 JSON 记录" in page
    assert "版本 v7" not in page
    assert browser.get("/dead-letters?source=-").text.count("<tr class") == 1
    assert browser.get(f"/dead-letters?source={PRISON}").text.count("<tr class") == 6
    assert "没有符合筛选的死信" in browser.get("/dead-letters?reason=NONE").text
    assert browser.get("/dead-letters/none").status_code == 404


def test_only_the_platform_sees_and_redrives_them(console: OpenConsole, buried: Engine) -> None:
    for login in ("county", "city", "province", "procurator", "prison", "auditor"):
        browser = console(login)
        for path in ("/dead-letters", "/dead-letters/x", "/redrive/x", "/api/v1/dead-letters", "/api/v1/redrive/x"):
            assert browser.get(path).status_code == 403, (login, path)
        assert browser.send("/redrive", {"letter": "0:0"}).status_code == 403
    with buried.connect() as connection:
        assert connection.execute(select(redrive)).all() == []


def test_a_preview_says_how_many_pass_and_why_the_others_do_not(console: OpenConsole, buried: Engine) -> None:
    browser = console("platform")
    found = previewed(browser, groups=every_group(browser))
    assert found["counts"] == {"passes": 2, "stays": 5}
    stays = {one["reason"]: one for one in found["preview"]["stays"]}
    assert stays.keys() == {"SCHEMA", "UNKNOWN_VERSION", "MALFORMED", "MASKED", "CLOCK_AHEAD"}
    missing = ("started_on", "ended_on", "hours", "passed")
    assert stays["SCHEMA"]["message"] == "; ".join(f"data.{name}: Field required" for name in missing)
    with buried.connect() as connection:
        assert set(connection.execute(select(dead_letter.c.state)).scalars()) == {"pending"}


def test_a_preview_says_which_alerts_would_end_and_appear(console: OpenConsole, buried: Engine) -> None:
    row = unanswered(buried)
    changes = previewed(console("platform"), letters=["0:0", "0:1"])["preview"]["changes"]
    ends = [one for one in changes if one["kind"] == "ends"]
    assert [(one["alert_id"], one["outcome"]) for one in ends] == [(row["alert_id"], "late_delivery")]
    appears = [one for one in changes if one["kind"] == "appears"]
    assert appears
    assert {one["jurisdiction"] for one in appears} == {"990102"}
    page = console("platform").get("/dead-letters").text
    assert "只试算，未写入" in page


def test_the_preview_is_what_then_happens(console: OpenConsole, buried: Engine) -> None:
    """The same records through the rules as the pipeline would take them: the alerts that stand then are those foretold."""
    from schemas.parse import parse
    from tests.console.model import fill

    changes = previewed(console("platform"), letters=["0:0", "0:1"])["preview"]["changes"]
    with buried.connect() as connection:
        told = [
            (parse(orjson.dumps(one.body)), one.arrival)
            for one in connection.execute(select(event.c.body, event.c.arrival))
        ]
        before = firing(connection)
    arrived = [(parse(value), NOW) for value in (answer(unanswered(buried)), planned(NOW))]
    fill(buried, [*told, *arrived], load("cn-default"), load_calendar(), NOW)
    with buried.connect() as connection:
        after = firing(connection)
    assert before - after == {one["alert_id"] for one in changes if one["kind"] == "ends"}
    assert after - before == {one["alert_id"] for one in changes if one["kind"] == "appears"}


def firing(connection: Any) -> set[str]:
    return set(connection.execute(select(alert.c.alert_id).where(alert.c.state == "firing")).scalars())


def test_an_event_that_came_otherwise_counts_once_and_changes_nothing(console: OpenConsole, engine: Engine) -> None:
    with engine.connect() as connection:
        row = connection.execute(select(event).where(event.c.topic == RELEASE).limit(1)).mappings().one()
    bury(engine, NOW, [(RELEASE, orjson.dumps(row["body"]))])
    preview = previewed(console("platform"), letters=["0:0"])["preview"]
    assert (preview["passes"], preview["known"], preview["changes"]) == (1, 1, [])


def test_the_last_missing_record_of_a_manifest_ends_its_alert(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        manifests.keep_verdicts(connection, manifests.judge_due(connection, NOW))
        unmet = (
            connection.execute(select(verdict).where(verdict.c.source == PRISON, verdict.c.met_at.is_(None)))
            .mappings()
            .first()
        )
        assert unmet is not None
        manifest_row = select(event.c.body).where(event.c.source == PRISON, event.c.id == unmet["manifest_id"])
        promise = connection.execute(manifest_row).scalar_one()["data"]["topics"]
        (topic,) = [one for one in promise if one["topic"] == RELEASE]
        known = set(
            connection.execute(
                select(event.c.sequence).where(event.c.source == PRISON, event.c.topic == RELEASE)
            ).scalars()
        )
    numbers = range(int(topic["first_sequence"]), int(topic["last_sequence"]) + 1)
    lacking = [one for one in numbers if one not in known]
    at = f"{unmet['day']}T12:00:00+08:00"
    like = orjson.loads(answer(unanswered(engine)))
    letters = [{**like, "id": f"lost-{one}", "subject": STRANGER, "time": at, "sequence": str(one)} for one in lacking]
    bury(engine, NOW, [(RELEASE, orjson.dumps(one)) for one in letters])
    browser = console("platform")
    everything = previewed(browser, letters=[f"0:{n}" for n in range(len(lacking))])["preview"]["changes"]
    assert [(one["kind"], one["rule_id"], one["occurrence"]) for one in everything] == [("ends", "X04", unmet["day"])]
    if len(lacking) > 1:
        assert previewed(browser, letters=["0:0"])["preview"]["changes"] == []


def test_dropping_needs_a_reason_and_asks_nobody_again(console: OpenConsole, buried: Engine) -> None:
    browser = console("platform")
    shown = previewed(browser, letters=["0:2", "0:3"])
    path = f"/redrive/{shown['redrive']}"
    browser.get(path)
    for note, says in (("", "请写明原因"), ("电话 13800000000", "证件号或手机号")):
        answer = browser.send(f"{path}/drop", {"note": note})
        assert answer.status_code == 422
        assert says in answer.text
    assert browser.send(f"{path}/drop", {"note": "对方已重发"}).status_code == 303
    page = browser.get(path).text
    assert "对方已重发" in page
    assert "已丢弃" in page
    with buried.connect() as connection:
        rows = connection.execute(select(dead_letter.c.offset).where(dead_letter.c.state == "dropped")).scalars().all()
    assert sorted(rows) == [2, 3]
    assert browser.send(f"{path}/drop", {"note": "再一次"}).status_code == 409
    assert api(browser, "/redrive", {"letters": ["0:2"]})["errors"]


def test_nothing_runs_while_kafka_is_away(console: OpenConsole, buried: Engine) -> None:
    browser = console("platform")
    shown = previewed(browser, letters=["0:0"])
    browser.get(f"/redrive/{shown['redrive']}")
    answer = browser.send(f"/redrive/{shown['redrive']}/run")
    assert answer.status_code == 503
    assert "没有开始。消息系统从" in answer.text
    assert api(browser, f"/redrive/{shown['redrive']}")["state"] == "previewed"


def test_a_preview_can_be_asked_for_anew(console: OpenConsole, buried: Engine) -> None:
    browser = console("platform")
    shown = previewed(browser, letters=["0:0", "0:2"])
    with buried.begin() as connection:  # the command line was quicker
        connection.execute(dead_letter.update().where(dead_letter.c.offset == 0).values(state="redriven"))
    browser.get(f"/redrive/{shown['redrive']}")
    assert browser.send(f"/redrive/{shown['redrive']}/look").status_code == 303
    until(lambda: api(browser, f"/redrive/{shown['redrive']}")["state"] == "previewed", 30)
    assert "别人已经处理" in browser.get(f"/redrive/{shown['redrive']}").text
    assert api(browser, f"/redrive/{shown['redrive']}")["counts"] == {"stays": 2}


def test_choosing_nothing_is_said(console: OpenConsole, buried: Engine) -> None:
    browser = console("platform")
    browser.get("/dead-letters")
    for fields in ({}, {"letter": "x"}, {"letter": "9:9"}, {"group": "none"}):
        answer = browser.send("/redrive", fields)
        assert answer.headers["location"] == "/dead-letters?none=1"
    assert "没有选中任何待处理的死信" in browser.get("/dead-letters?none=1").text
    with buried.connect() as connection:
        assert connection.execute(select(redrive_letter)).all() == []


def test_pages_are_whole_in_both_languages(console: OpenConsole, buried: Engine) -> None:
    browser = console("platform")
    shown = previewed(browser, groups=every_group(browser))
    paths = ["/dead-letters", f"/redrive/{shown['redrive']}"]
    paths += [f"/dead-letters/{group}" for group in every_group(browser)]
    for path in paths:
        for language in ("zh-CN", "en"):
            browser.client.cookies.set("console_language", language[:2])
            answer = browser.get(path)
            assert answer.status_code == 200, path
            text = Text(answer.text)
            assert not text.inline, (path, text.inline)
            assert len(text.ids) == len(set(text.ids))
            if language == "en":
                assert not [one for one in text.words if CJK.search(one) and one != "中文"], path


def test_a_long_group_has_pages(console: OpenConsole, engine: Engine) -> None:
    like = orjson.loads(answer(unanswered(engine)))
    bury(engine, NOW, [(RELEASE, orjson.dumps({**like, "id": f"w{n}", "data": {}})) for n in range(12)])
    browser = console("platform", page_rows=5)
    (group,) = every_group(browser)
    path, seen = f"/dead-letters/{group}", set()
    while path:
        page = browser.get(path).text
        seen |= set(re.findall(r'name="letter" value="([^"]+)"', page))
        following = re.findall(rf'href="(/dead-letters/{group}\?after=[^"]+)"', page)
        path = following[0].replace("&amp;", "&") if following else ""
    assert len(seen) == 12


def test_subjects_that_workers_have_set_aside_are_told_on_top(console: OpenConsole, engine: Engine) -> None:
    bury(engine, NOW, [(RELEASE, orjson.dumps({}))])
    assert "quarantined" not in console("platform").client.get("/dead-letters?lang=en").text
    with engine.begin() as connection:
        connection.execute(dead_letter.update().values(reason="FAILED"))
    shown = console("platform").client.get("/dead-letters").text
    assert "已隔离" in shown or "is quarantined" in shown
