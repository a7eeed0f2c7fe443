"""Feeds: can an empty list be trusted? What is usual, what is missing, who sees which, the banner and where it leads."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select

from console.feeds import baseline
from console.feeds.baseline import learn, read_numbers
from console.feeds.status import find_late_limit
from handover.rules.rulebook import load
from sinks.monitors import manifests
from sinks.readmodel.tables import alert, event, log_gap, publisher, verdict
from tests.console.conftest import NOW, OpenConsole
from tests.console.test_pages import CJK, Text

PRISON = "/agencies/PRISON-990100-01"
PAGES = ("/feeds", "/feeds?show=all", "/feeds?show=trouble", f"/feeds{PRISON}", f"/feeds{PRISON}?days=90")


def beat(engine: Engine, source: str, arrivals: list[datetime], sequences: list[int | None] | None = None) -> None:
    """Let a feed that is not there yet tell something at each of these instants, half a minute late."""
    told = zip(arrivals, sequences or [None] * len(arrivals), strict=True)
    rows: list[dict[str, Any]] = [
        {"source": source, "id": f"{source}-{n}", "topic": "reentry.release.v1", "type": "x", "subject": "s",
         "time": at - timedelta(seconds=30), "arrival": at, "day": at.date().isoformat(), "sequence": number, "body": {}}
        for n, (at, number) in enumerate(told)
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(event.insert(), rows)
        connection.execute(
            publisher.insert().values(
                source=source,
                topic="reentry.release.v1",
                last_arrival=max(arrivals),
                last_time=max(arrivals),
                last_sequence=max((one for one in sequences or () if one is not None), default=None),
                longest_lag_seconds=30,
            )
        )


def hourly(count: int, until: datetime = NOW) -> list[datetime]:
    return [until - timedelta(hours=number) for number in range(count)]


def feeds(console: OpenConsole, login: str) -> Mapping[str, Any]:
    return {one["source"]: one for one in console(login).client.get("/api/v1/feeds").json()}


def test_the_usual_gap_and_lag_are_learned_without_the_first_day(engine: Engine) -> None:
    first_day = [NOW - timedelta(days=4) + timedelta(minutes=20 * n) for n in range(40)]
    beat(engine, "/agencies/PRISON-990100-09", [*first_day, *hourly(72)])
    with engine.connect() as connection:
        habit = learn(connection, "/agencies/PRISON-990100-09")
    assert habit.gap == timedelta(hours=1)
    assert habit.lag == timedelta(seconds=30)


def test_of_too_few_events_nothing_usual_is_said(engine: Engine, console: OpenConsole) -> None:
    source = "/agencies/PRISON-990100-09"
    beat(engine, source, [NOW - timedelta(days=9), *hourly(10)])
    with engine.connect() as connection:
        assert learn(connection, source).gap is None
    assert "尚不足以得出" in console("county").get(f"/feeds{source}").text


def test_missing_numbers_are_named_wherever_they_were_lost(engine: Engine, console: OpenConsole) -> None:
    source = "/agencies/PRISON-990100-09"
    beat(engine, source, hourly(6), [7706, 7705, 7701, 7700, None, 7699])
    with engine.connect() as connection:
        (found,) = read_numbers(connection, source)
    assert (found.last, found.missing, found.count) == (7706, [(7702, 7704)], 3)
    browser = console("county")
    assert "7702–7704" in browser.get("/feeds?show=all").text
    page = browser.get(f"/feeds{source}").text
    assert "缺号" in page
    assert "补发下列编号的记录" in page
    assert f"{source} 补发" in page


def test_the_last_24_hours_are_counted_by_the_clock(engine: Engine) -> None:
    source = "/agencies/PRISON-990100-09"
    beat(engine, source, [NOW, NOW - timedelta(minutes=30), NOW - timedelta(minutes=31), NOW - timedelta(hours=24)])
    with engine.connect() as connection:
        hours = baseline.count_hours(connection, [source], NOW)[source]
    assert len(hours) == 24
    assert hours[-2:] == [1, 2]  # 16:30 and 16:00 in the present hour, 15:59 in the one before
    assert sum(hours) == 3


def test_days_on_which_nothing_came_are_there(engine: Engine) -> None:
    source = "/agencies/PRISON-990100-09"
    beat(engine, source, [NOW, NOW - timedelta(days=2), NOW - timedelta(days=2, hours=1)])
    with engine.connect() as connection:
        days = baseline.read_days(connection, source, NOW, 3)
    assert [one.n for one in days] == [2, 0, 1]
    assert [one.gap for one in days] == [timedelta(hours=1), None, timedelta(days=2)]
    assert [one.lag for one in days] == [timedelta(seconds=30), None, timedelta(seconds=30)]


@pytest.mark.parametrize(
    ("arrivals", "state"),
    [
        ([NOW - timedelta(days=9), *hourly(60)], "ok"),
        ([NOW - timedelta(days=9), *hourly(60, NOW - timedelta(hours=2))], "ok"),
        ([NOW - timedelta(days=9), *hourly(60, NOW - timedelta(hours=2, minutes=1))], "quiet"),
    ],
    ids=["on time", "two usual gaps", "a minute more"],
)
def test_a_feed_is_quiet_after_as_many_usual_gaps_as_x03_asks_for(
    engine: Engine, console: OpenConsole, arrivals: list[datetime], state: str
) -> None:
    source = "/agencies/PRISON-990100-09"
    beat(engine, source, arrivals)
    assert feeds(console, "county")[source]["state"] == state


def test_a_feed_is_late_by_the_rule_book(engine: Engine, console: OpenConsole) -> None:
    limit = find_late_limit(load("cn-default"))
    assert limit == timedelta(hours=24)
    source = "/agencies/PRISON-990100-09"
    beat(engine, source, [NOW - timedelta(days=9), *hourly(60)])
    with engine.begin() as connection:
        late = event.c.source == source, event.c.arrival > NOW - timedelta(hours=20)
        connection.execute(event.update().where(*late).values(time=NOW - timedelta(days=3)))
    assert feeds(console, "county")[source]["state"] == "late"


def test_a_silent_feed_stands_first_and_is_hatched(engine: Engine, console: OpenConsole) -> None:
    with engine.begin() as connection:
        row = dict(connection.execute(select(alert).where(alert.c.rule_id == "X04").limit(1)).mappings().one())
        silent = {**row, "alert_id": "silent", "rule_id": "X03", "occurrence": "", "raised_at": NOW - timedelta(days=2)}
        connection.execute(alert.insert().values(**silent))
        connection.execute(
            delete(event).where(event.c.source == PRISON, event.c.arrival > NOW - timedelta(days=1, hours=2))
        )
    page = console("county").get("/feeds").text
    first = page.split("<tbody>")[1].split("</tr>")[0]
    assert "静默" in first
    assert 'class="lo"' in first
    assert "先打电话给该单位的信息科" in first


def test_a_feed_with_many_alerts_is_one_feed_and_all_silent_ones_are_counted(
    engine: Engine, console: OpenConsole
) -> None:
    page = console("county").get("/today?scope=mine").text
    assert page.count('class="note down" role="status">') == 1
    assert "，1 个静默" in page
    with engine.begin() as connection:
        row = dict(connection.execute(select(alert).where(alert.c.rule_id == "X04").limit(1)).mappings().one())
        for number in range(12):
            named = {
                "alert_id": f"silent-{number}",
                "subject": f"/agencies/PRISON-9901{number:02}-02",
                "rule_id": "X03",
            }
            connection.execute(alert.insert().values(**{**row, **named}))
    page = console("county").get("/today?scope=mine").text
    assert "另有 12 处数据源静默或有缺" in page
    assert page.count('class="note down" role="status">') == 10
    assert "还有 3 处" in page
    assert "13 个静默" in page


def test_alerts_are_counted_with_the_feed_that_holds_them(console: OpenConsole, engine: Engine) -> None:
    with engine.connect() as connection:
        held = connection.execute(
            select(alert.c.alert_id).where(alert.c.state == "firing", alert.c.held.is_(True), alert.c.jurisdiction.startswith("990102"))
        ).all()  # fmt: skip
    assert held
    assert feeds(console, "county")[PRISON]["alerts_held"] == len(held)
    assert feeds(console, "platform")[PRISON]["alerts_held"] >= len(held)


def test_who_sees_which_feed(console: OpenConsole) -> None:
    county, city, platform = (feeds(console, login) for login in ("county", "city", "platform"))
    assert PRISON in county
    assert "/agencies/TOWN_JUSTICE-990102001-01" in county
    assert not {one for one in county if one.startswith("/agencies/TOWN_JUSTICE-990103")}
    assert county.keys() < city.keys() <= platform.keys()
    browser = console("county")
    assert browser.get("/feeds/agencies/TOWN_JUSTICE-990103001-01").status_code == 404
    assert browser.get("/feeds/agencies/NOBODY-990102-01").status_code == 404
    for login in ("town", "prison", "procurator", "rules-1", "auditor"):
        assert console(login).get("/feeds").status_code == 403


def test_the_banner_leads_to_the_feed_on_every_page_that_could_be_wrong(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    with engine.connect() as connection:
        fires = select(alert.c.subject, alert.c.alert_id).where(
            alert.c.state == "firing", alert.c.jurisdiction.startswith("990102"), alert.c.subject.startswith("p1_")
        )
        row = connection.execute(fires.limit(1)).one()
    for path in ("/today", "/people", "/obligations", f"/alerts/{row.alert_id}", f"/people/{row.subject}"):
        page = browser.get(path).text
        assert 'class="note down"' in page, path
        assert f'href="/feeds{PRISON}"' in page, path
    assert browser.get(f"/feeds{PRISON}").status_code == 200
    assert f"/feeds{PRISON}" not in console("town").get("/today").text


def test_a_manifests_lack_stands_beside_its_day(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        manifests.keep_verdicts(connection, manifests.judge_due(connection, NOW))
        lacking = {
            row.day: sum(row.missing.values())
            for row in connection.execute(select(verdict).where(verdict.c.source == PRISON, verdict.c.met_at.is_(None)))
        }
    assert lacking
    found = console("county").client.get(f"/api/v1/feeds{PRISON}").json()
    assert {one["day"]: one["missing"] for one in found["days"] if one["missing"]} == lacking


def test_without_any_feed_nothing_is_called_nothing(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(publisher))
    assert "空的名单什么也不能说明" in console("county").get("/feeds").text


def test_pages_are_whole_in_both_languages(console: OpenConsole) -> None:
    browser = console("county")
    for path in PAGES:
        for language in ("zh-CN", "en"):
            browser.client.cookies.set("console_language", language[:2])
            answer = browser.get(path)
            assert answer.status_code == 200, path
            text = Text(answer.text)
            assert not text.inline, (path, text.inline)
            assert len(text.ids) == len(set(text.ids))
            if language == "en":
                assert not [one for one in text.words if CJK.search(one) and one != "中文"], path


def test_the_table_has_the_numbers_of_the_chart(console: OpenConsole) -> None:
    page = console("county").get(f"/feeds{PRISON}?days=7").text
    rows = page.split('id="days"')[1].split("</table>")[0].split("<tr data-day=")[1:]
    assert len(rows) == 7
    for row in rows:
        n = row.split('data-n="')[1].split('"')[0]
        assert f'">{n}</td>' in row


def test_wrong_values_in_an_address_are_left_out(console: OpenConsole) -> None:
    browser = console("county")
    for path in ("/feeds?show=x", f"/feeds{PRISON}?days=x", f"/feeds{PRISON}?days=99999999999"):
        assert browser.get(path).status_code == 200
    for path in ("/feeds/", "/feeds/%00", "/feeds/agencies", f"/feeds{PRISON}/"):
        assert browser.get(path).status_code == 404


def test_a_read_model_that_does_not_equal_the_log_is_told_above_the_feeds(console: OpenConsole, engine: Engine) -> None:
    words = "What is shown does not equal the log"
    user = console("platform")
    user.client.get("/language?to=en&next=/feeds")
    assert words not in user.client.get("/feeds").text
    with engine.begin() as connection:
        connection.execute(
            log_gap.insert().values(
                topic="reentry.alert.v1", partition=1, kind="REMOVED", found_at=NOW, first_offset=3, next_offset=9,
                cluster_id="c", topic_id="t",
            )
        )  # fmt: skip
    told = user.client.get("/feeds").text
    assert words in told
    assert "reentry.alert.v1" in told
