"""How far alerts are processed stands everywhere; what lies after it is called neither late nor well."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from fastapi.routing import APIRoute
from openpyxl import load_workbook
from prometheus_client import REGISTRY
from sqlalchemy import Connection, Engine, delete, insert, select

from console.accounts.demo_users import DEMO_USERS, DemoUser
from console.app import ROUTERS
from console.auth.permissions import Scope
from console.people.query import find_person
from console.queue.facet_counts import count_cube
from console.queue.filters import BUCKETS, QueueFilters
from console.queue.query import Moment, read_page
from console.reports.month import Month
from console.reports.obligation_base import read_base
from console.text.formatter import Words
from console.text.i18n import catalogue
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import show
from sinks.readmodel.changes import record_changes
from sinks.readmodel.tables import alert, frozen_month, obligation, watermark
from tests.browser.pages import TABLE, address
from tests.console.conftest import NOW, OpenConsole
from tests.watermarks import put_watermark

BEFORE = NOW - timedelta(days=3)
WELL = (  # what may be said only of what has been judged
    "counter.none",
    "empty.mine",
    "empty.office",
    "empty.checked",
    "person.say.none",
    "feeds.none.trouble",
    "feeds.say.ok",
)
PATHS = sorted(
    route.path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and "{" not in route.path
)
API = [path for path in PATHS if path.startswith("/api/")]
DATED = ("/api/v1/queue", "/api/v1/scoreboard", "/api/v1/five-works", "/api/v1/obligations", "/api/v1/figures")


@pytest.fixture
def late(engine: Engine) -> Engine:
    """A read model whose pipeline stopped three days ago."""
    put_watermark(engine, BEFORE)
    return engine


def shown_pages(user: DemoUser) -> list[str]:
    """The pages of a role that are no files, no streams and no probes."""
    left_out = ("/api/", "/export", "/static", "/events", "/live", "/ready", "/metrics", "/login", "/language")
    return [path for path in PATHS if not any(part in path for part in left_out) and path != "/"]


@pytest.mark.parametrize("user", DEMO_USERS, ids=lambda one: one.login)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_of_any_role_says_that_all_is_well_while_the_pipeline_is_silent(
    console: OpenConsole, late: Engine, user: DemoUser, language: str
) -> None:
    browser, number = console(user.login), ["zh", "en"].index(language)
    for path in shown_pages(user):
        answer = browser.client.get(path, headers={"accept-language": language})
        assert answer.headers["content-type"].startswith("text/html"), path
        assert 'id="late" role="alert">' in answer.text, path
        assert catalogue()["data.warning.title"][number] in answer.text, path
        assert Words("zh" if language == "zh" else "en", load("cn-default")).until(BEFORE, NOW) in answer.text, path
        assert not [key for key in WELL if catalogue()[key][number] in answer.text], path


@pytest.mark.parametrize("one", [one for one in TABLE if "{run}" not in one.path and "{redrive}" not in one.path and "{group}" not in one.path],
                         ids=lambda one: one.name)  # fmt: skip
def test_the_banner_stands_on_every_page_while_late_and_on_none_else(
    console: OpenConsole, engine: Engine, one: object
) -> None:
    shown = next(page for page in TABLE if page is one)
    path = address(engine, shown)
    text = console(shown.login or None).client.get(path).text
    assert 'id="late" role="alert" hidden>' in text
    assert "告警处理至 16:30" in text
    put_watermark(engine, BEFORE)
    text = console(shown.login or None, now=NOW + timedelta(seconds=1)).client.get(path).text
    assert 'id="late" role="alert">' in text
    assert "告警处理至 3月3日 16:30" in text
    assert not [key for key in WELL if catalogue()[key][0] in text]


def test_never_processed_is_not_known_and_never_well(console: OpenConsole, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(delete(watermark))
    browser = console("county")
    text = browser.get("/today?scope=mine").text
    assert catalogue()["data.never"][0] in text
    assert catalogue()["data.warning.never"][0] in text
    assert browser.get("/scoreboard").status_code == 200
    answer = browser.client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "no alert has been processed yet"


def test_the_probe_says_up_to_when_and_the_process_goes_on(console: OpenConsole, late: Engine) -> None:
    browser = console()
    answer = browser.client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == f"alerts are processed only up to {show(BEFORE)}"
    assert browser.client.get("/live").status_code == 200
    assert REGISTRY.get_sample_value("reentry_console_processed_until_timestamp_seconds") == BEFORE.timestamp()
    assert REGISTRY.get_sample_value("reentry_console_data_late") == 1


def test_an_hour_is_not_late_where_the_judged_time_runs_fast(console: OpenConsole, engine: Engine) -> None:
    put_watermark(engine, NOW - timedelta(hours=1))

    def age(at: datetime) -> timedelta:
        return (NOW - at) / 7200

    assert console(age=age).client.get("/ready").status_code == 200
    assert console().client.get("/ready").status_code == 503
    assert console(behind=timedelta(hours=2)).client.get("/ready").status_code == 200


@pytest.mark.parametrize("path", API)
def test_every_answer_of_the_api_carries_it(console: OpenConsole, late: Engine, path: str) -> None:
    for browser in (console(), console("city"), console("platform"), console("auditor")):
        answer = browser.client.get(path)
        assert answer.headers["x-data-time"] == show(BEFORE)
        assert answer.headers["x-data-late"] == "true"
        if answer.status_code == 200 and path in DATED:
            assert (answer.json()["processed_until"], answer.json()["is_late"]) == (show(BEFORE), True)


def test_answers_about_one_person_and_alert_carry_it_too(console: OpenConsole, engine: Engine) -> None:
    with engine.connect() as connection:
        wanted = select(alert).where(alert.c.jurisdiction.startswith("990102"), alert.c.subject.startswith("p1_"))
        row = connection.execute(wanted.order_by(alert.c.alert_id).limit(1)).mappings().one()
    for path in (f"/api/v1/alerts/{row['alert_id']}", f"/api/v1/people/{row['subject']}"):
        answer = console("county").client.get(path)
        assert answer.json()["processed_until"] == show(NOW)
        assert answer.json()["is_late"] is False
        assert answer.headers["x-data-late"] == "false"


@pytest.mark.parametrize("path", ["/today/export", "/obligations/export", "/scoreboard/export", "/five-works/export", "/scoreboard/figures/export"])  # fmt: skip
def test_every_file_says_up_to_when_and_that_it_is_too_long_ago(console: OpenConsole, late: Engine, path: str) -> None:
    browser = console("city")
    above = dict(row for row in csv.reader(io.StringIO(browser.get(f"{path}?format=csv").text)) if len(row) == 2)
    assert above["告警处理至"].startswith(show(BEFORE))
    assert "没有判断" in above["告警处理至"]
    sheet = load_workbook(io.BytesIO(browser.get(path).content)).active
    assert sheet is not None
    assert ("告警处理至", above["告警处理至"]) in [
        tuple(row[:2]) for row in sheet.iter_rows(max_row=12, values_only=True)
    ]


# --- nothing past the watermark is called late


@pytest.fixture
def due(engine: Engine) -> str:
    """An open duty of the county without an alert, due an hour ago: its alert id. The pipeline stopped two hours ago."""
    at = NOW - timedelta(hours=1)
    put_watermark(engine, NOW - timedelta(hours=2))
    with engine.begin() as connection:
        known = select(alert.c.alert_id)
        ours = obligation.c.jurisdiction.startswith("990102"), obligation.c.state == "open"
        wanted = select(obligation.c.alert_id).where(*ours, obligation.c.alert_id.not_in(known)).limit(1)
        alert_id: str = connection.execute(wanted.where(obligation.c.subject.startswith("p1_"))).scalar_one()
        connection.execute(
            obligation.update().where(obligation.c.alert_id == alert_id).values(due_at=at, severity="CRIT")
        )
        record_changes(connection, "obligation", [alert_id])
    return alert_id


def counted(connection: Connection, scope: Scope, moment: Moment) -> dict[str, int]:
    return {
        bucket: sum(one.n for one in count_cube(connection, scope, moment).cells.all if one.bucket == bucket)
        for bucket in BUCKETS
    }


def test_a_duty_is_late_only_once_the_pipeline_has_passed_it(engine: Engine, due: str, county_scope: Scope) -> None:
    calendar = load_calendar()
    with engine.connect() as connection:
        for judged, bucket in ((NOW - timedelta(hours=2), "due"), (NOW, "over")):
            moment = Moment.of(NOW, calendar, judged)
            rows = {
                name: read_page(connection, county_scope, "", QueueFilters(bucket=name), moment, None, 500)
                for name in BUCKETS
            }
            assert due in {row["alert_id"] for row in rows[bucket]}
            assert due not in {row["alert_id"] for name in BUCKETS if name != bucket for row in rows[name]}
            row = next(row for row in rows[bucket] if row["alert_id"] == due)
            assert moment.bucket(row["severity"], row["due_at"], late=row["late"]) == bucket
            n = counted(connection, county_scope, moment)
            assert n["over"] + n["first"] == len(rows["over"])
            assert n["due"] == len(rows["due"])


def test_the_queue_says_due_being_judged(console: OpenConsole, engine: Engine, due: str) -> None:
    browser = console("county")
    for path in ("/today", "/today?bucket=due"):
        text = browser.get(path).text
        row = text.partition(f'id="a-{due}"')[2].partition("</tr>")[0]
        assert row.count("到期，判断中") == 2
        assert "逾期" not in row
        assert "未到期" not in row
        assert 'class="due o"' not in row
    assert f'id="a-{due}"' not in browser.get("/today?bucket=over").text
    answer = browser.client.get("/api/v1/queue", params={"bucket": "due"}).json()
    assert [row["bucket"] for row in answer["rows"]] == ["due"] * answer["counts"]["due"]
    assert due in {row["alert_id"] for row in answer["rows"]}
    put_watermark(engine, NOW)
    text = console("county", now=NOW + timedelta(seconds=1)).get("/today?bucket=over").text
    assert "逾期" in text.partition(f'id="a-{due}"')[2].partition("</tr>")[0]


def test_its_own_page_its_person_and_its_file_say_the_same(console: OpenConsole, engine: Engine, due: str) -> None:
    browser = console("county")
    text = browser.get(f"/alerts/{due}").text
    assert "到期，判断中" in text
    assert 'class="ov' not in text
    with engine.connect() as connection:
        subject = connection.execute(select(obligation.c.subject).where(obligation.c.alert_id == due)).scalar_one()
    assert "到期，判断中" in browser.get(f"/people/{subject}").text
    rows = list(csv.reader(io.StringIO(browser.get("/today/export?format=csv&bucket=due").text)))
    assert [row[1] for row in rows if row and row[-1] == due] == ["到期，判断中"]


def test_a_person_without_anything_late_is_not_called_well(
    console: OpenConsole, engine: Engine, due: str, county_scope: Scope
) -> None:
    with engine.begin() as connection:
        subject = connection.execute(select(obligation.c.subject).where(obligation.c.alert_id == due)).scalar_one()
        connection.execute(delete(alert).where(alert.c.subject == subject))
        assert find_person(connection, county_scope, subject) is not None
    browser = console("county")
    text = browser.get(f"/people/{subject}").text
    assert "没有判断" in text.partition('<p class="say">')[2].partition("</p>")[0]
    assert "没有逾期" not in text


def test_feeds_are_not_called_normal(console: OpenConsole, late: Engine) -> None:
    answer = console("platform").client.get("/api/v1/feeds").json()
    assert answer
    assert "ok" not in {one["state"] for one in answer}
    assert "unjudged" in {one["state"] for one in answer}


def test_figures_are_of_what_is_judged(engine: Engine) -> None:
    with engine.begin() as connection:
        put = read_base(connection, Month.of(NOW))
        assert put is not None
        assert put.at == NOW
    put_watermark(engine, BEFORE)
    with engine.begin() as connection:
        ground = read_base(connection, Month.of(NOW))
        assert ground is not None
        assert ground.at == BEFORE
        connection.execute(insert(frozen_month), {"month": str(Month.of(NOW)), "known_at": NOW, "rule_book": "x"})
        kept = read_base(connection, Month.of(NOW))
        assert kept is not None
        assert not kept.frozen  # it was kept before its deadlines were judged
