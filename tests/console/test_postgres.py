"""The same console on PostgreSQL: the same rows, the same counts, the same pages."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from brokers.connection import KafkaConnection
from console.accounts.demo_users import make_demo_users
from console.app import create_app
from console.audit.log import write
from console.audit.verification import check
from console.auth.permissions import Scope
from console.auth.users import User
from console.db import database, tables
from console.dead_letters import query as dead_letters
from console.dead_letters import redrive_preview, redrive_store
from console.feeds import baseline, status
from console.queue.facet_counts import count_cube
from console.queue.filters import BUCKETS, VIEWS, QueueFilters
from console.queue.query import Moment, read_page
from console.reports.drill_down import read_drill_down
from console.reports.month import Month
from console.reports.obligation_base import ObligationFilter, find_corrections, read_base
from console.reports.registry import compute_indicators
from console.reports.scoreboard import compute_scoreboard
from console.web.config import ConsoleConfig, real_time
from console.web.site import Site, make_environment
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.parse import parse
from sinks.readmodel.database import connect, migrate
from sinks.readmodel.dialect import read_snapshot
from sinks.readmodel.migration_chain import NotMigrated
from tests.console.conftest import NOW, NOWHERE, Browser, firing, history
from tests.console.letters import answer, bury, planned, unanswered, usual
from tests.console.model import fill
from tests.watermarks import put_watermark

pytestmark = pytest.mark.servers
SCOPE = Scope("county", "COUNTY_JUSTICE-990102-01", "990102")


@pytest.fixture(scope="module")
def server(postgres: str) -> Iterator[Engine]:
    """A schema of its own with the recorded history in it."""
    admin = connect(postgres)
    with admin.begin() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS console_test CASCADE"))
        connection.execute(text("CREATE SCHEMA console_test"))
    admin.dispose()
    found = connect(f"{postgres}{'&' if '?' in postgres else '?'}options=-csearch_path%3Dconsole_test")
    with pytest.raises(NotMigrated):
        database.prepare(found)
    migrate(found)
    database.migrate(found)
    fill(found, history(), load("cn-default"), load_calendar(), NOW)
    make_demo_users(found)
    put_watermark(found, NOW)
    yield found
    found.dispose()


def test_the_tables_are_what_the_migrations_make(server: Engine) -> None:
    def ours(item: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in tables.metadata.tables

    with server.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": database.CHAIN.version_table, "include_object": ours}
        )
        assert compare_metadata(context, tables.metadata) == []
    assert database.at_head(server)


def test_many_writers_of_the_audit_make_one_chain_that_the_database_only_adds_to(server: Engine) -> None:
    user = User("u1", "county", "county", "COUNTY_JUSTICE-990102-01", "990102", "county", None, True)

    def add(number: int) -> int:
        with server.begin() as connection:
            persons = [(f"p{number}", "990102")]
            return write(
                connection, None, real_time(), user, "read", persons=persons, details={"n": number, "of": "甲"}
            )

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(add, range(40)))
    assert len(set(numbers)) == 40
    with read_snapshot(server) as connection:
        assert check(connection, None).findings == []
    for statement in (
        "UPDATE audit_record SET login = 'x'",
        "DELETE FROM audit_person",
        "TRUNCATE audit_record",
        "DELETE FROM audit_record WHERE number = 1",
    ):
        with pytest.raises(DBAPIError, match="only added to"), server.begin() as connection:
            connection.execute(text(statement))
    with server.begin() as connection:
        connection.execute(text("ALTER TABLE audit_record DISABLE TRIGGER audit_record_kept"))
        connection.execute(text("DELETE FROM audit_record WHERE number = 7"))
    with read_snapshot(server) as connection:
        assert [str(one) for one in check(connection, None).findings] == ["record 7: removed"]
    with server.begin() as connection:
        connection.execute(text("ALTER TABLE audit_record ENABLE TRIGGER audit_record_kept"))


def test_rows_and_counts_are_those_of_sqlite(server: Engine, engine: Engine) -> None:
    moment = Moment.of(NOW, load_calendar(), NOW)
    found = []
    for one in (engine, server):
        with one.connect() as connection:
            counted = count_cube(connection, SCOPE, moment)
            rows = [
                [
                    row["alert_id"]
                    for row in read_page(
                        connection, SCOPE, "nobody", QueueFilters(view=view, bucket=bucket), moment, None, 500
                    )
                ]
                for view in VIEWS
                for bucket in ("", *BUCKETS)
            ]
            found.append((rows, counted.facets(QueueFilters()), counted.by_day, counted.count(QueueFilters())))
    assert found[0] == found[1]
    assert found[0][3] > 50


def test_figures_are_those_of_sqlite(server: Engine, engine: Engine) -> None:
    found = []
    for one in (engine, server):
        with one.connect() as connection:
            sides: list[object] = []
            for month in (Month.of(NOW), Month.of(NOW).on(-1)):
                ground = read_base(connection, month)
                assert ground is not None
                board = compute_scoreboard(connection, ground, load("cn-default"), "9901", "")
                listed = read_drill_down(
                    connection, SCOPE, ground, ObligationFilter(county="990102"), "counted", None, 500
                )
                sides += [
                    board.lines,
                    board.all,
                    board.left_out,
                    [row["alert_id"] for row in listed.rows],
                    listed.counted,
                ]
                sides += [
                    find_corrections(connection, month, ObligationFilter()),
                    compute_indicators(connection, ground, load("cn-default"), "9901", ""),
                ]
            found.append(sides)
    assert found[0] == found[1]
    assert found[0][4]


def test_pages_read_and_settings_write(server: Engine) -> None:
    url = server.url.render_as_string(hide_password=False)
    app = create_app(ConsoleConfig(url, NOWHERE, now=lambda: NOW, secure_cookies=False))
    with TestClient(app, base_url="http://console.test"):
        browser = Browser(TestClient(app, base_url="http://console.test"), app)
        assert browser.log_in("county").status_code == 303
        alert_id = firing(server, "990102", rule="B08")
        for path in (
            "/today",
            "/today?sev=WARN&kind=B&wait=town&state=open",
            "/people",
            "/obligations?result=in_time",
            "/scoreboard",
            "/five-works",
            "/scoreboard/figures",
            "/today/export",
            f"/alerts/{alert_id}",
            f"/alerts/{alert_id}.json",
        ):
            assert browser.get(path).status_code == 200, path
        assert browser.send("/settings", {"language": "en", "keys": "on"}).status_code == 303
        assert browser.send("/views", {"name": "late", "shared": "office", "query": "bucket=over"}).status_code == 303
        assert "late" in browser.get("/settings").text


def test_feeds_beat_as_on_sqlite(server: Engine, engine: Engine) -> None:
    def beats(one: Engine) -> list[object]:
        with one.connect() as connection:
            source = "/agencies/PRISON-990100-01"
            sources = ["/agencies/LOCATION-990100-01", source]
            found: list[object] = [baseline.count_hours(connection, sources, NOW)]
            found += [baseline.learn(connection, one) for one in sources]
            found += [baseline.read_days(connection, one, NOW, 7) for one in sources]
            found += [status.count_feeds(connection, SCOPE), status.find_heartbeat_period(connection, source)]
            return found

    assert beats(server) == beats(engine)


def test_dead_letters_and_redrives_are_the_same(server: Engine, engine: Engine) -> None:
    found = []
    for one in (server, engine):
        bury(one, NOW, usual(one, NOW))
        with one.connect() as connection:
            groups = dead_letters.list_groups(connection)
            places = dead_letters.list_places(connection, groups, 100)
            listed = [dead_letters.list_letters(connection, group, None, 10) for group in groups]
            more = [parse(answer(unanswered(one))), parse(planned(NOW))]
            site = Site(
                ConsoleConfig("", KafkaConnection("")), one, load("cn-default"), load_calendar(), make_environment()
            )
            effect = redrive_preview.compute_effect(connection, site, more, NOW)
        user = User("u", "platform", "platform", "PLATFORM", "", "platform", None, True)
        redrive_id = redrive_store.ask(one, user, dead_letters_pending(one, places), NOW)
        claimed = redrive_store.claim(one, "me", NOW)
        assert claimed is not None
        assert redrive_store.claim(one, "another", NOW) is None
        with one.connect() as connection:
            rows = redrive_store.list_letters(connection, redrive_id, -1, 10)
            redrive_store.mark_sent(one, rows[0], NOW)
            rows = redrive_store.list_letters(connection, redrive_id, -1, 10)
            outcomes = redrive_store.find_outcomes(
                connection, [{**row, "event_source": "x", "event_id": "x"} for row in rows]
            )
            latest = redrive_store.list_latest(connection, 1)[0]
        named = [{name: value for name, value in row.items() if name != "redrive_id"} for row in rows]
        found.append((groups, places, listed, effect, named, outcomes, latest["sent"]))
    assert found[0] == found[1]


def dead_letters_pending(engine: Engine, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that nobody has decided about."""
    with engine.connect() as connection:
        return dead_letters.keep_pending(connection, [*places, (9, 9)])
