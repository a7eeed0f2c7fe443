"""The same console on PostgreSQL: the same rows, the same counts, the same pages."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from console import database, tables
from console.app import create_app
from console.config import ConsoleConfig
from console.demo import make_demo_users
from console.queue import BUCKETS, FACETS, VIEWS, Filters, Moment, cube, page
from console.reports.all_figures import figures_of
from console.reports.behind import behind
from console.reports.board import board_of
from console.reports.ground import Wanted, corrections, ground_of
from console.reports.month import Month
from console.scope import Scope
from handover.calendar import load_calendar
from handover.rulebook import load
from sinks.database import NotMigrated, connect, migrate
from tests.console.conftest import NOW, NOWHERE, Browser, firing, history
from tests.console.model import fill

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
    yield found
    found.dispose()


def test_the_tables_are_what_the_migrations_make(server: Engine) -> None:
    def ours(item: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in tables.metadata.tables

    with server.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": database.VERSIONS, "include_object": ours}
        )
        assert compare_metadata(context, tables.metadata) == []
    assert database.at_head(server)


def test_rows_and_counts_are_those_of_sqlite(server: Engine, engine: Engine) -> None:
    moment = Moment.of(NOW, load_calendar())
    found = []
    for one in (engine, server):
        with one.connect() as connection:
            counted = cube(connection, SCOPE, "nobody", moment)
            rows = [
                [
                    row["alert_id"]
                    for row in page(connection, SCOPE, "nobody", Filters(view=view, bucket=bucket), moment, None, 500)
                ]
                for view in VIEWS
                for bucket in ("", *BUCKETS)
            ]
            facets = {name: counted.facet(name, Filters()) for name in FACETS}
            found.append((rows, facets, counted.by_day, counted.count(Filters())))
    assert found[0] == found[1]
    assert found[0][3] > 50


def test_figures_are_those_of_sqlite(server: Engine, engine: Engine) -> None:
    found = []
    for one in (engine, server):
        with one.connect() as connection:
            sides: list[object] = []
            for month in (Month.of(NOW), Month.of(NOW).on(-1)):
                ground = ground_of(connection, month)
                assert ground is not None
                board = board_of(connection, ground, "9901", "")
                listed = behind(connection, SCOPE, ground, Wanted(county="990102"), "counted", None, 500)
                sides += [
                    board.lines,
                    board.all,
                    board.left_out,
                    [row["alert_id"] for row in listed.rows],
                    listed.counted,
                ]
                sides += [corrections(connection, month, Wanted()), figures_of(connection, ground, "9901", "")]
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
            "/scoreboard?print=1",
            "/scoreboard/figures",
            "/today/export",
            f"/alerts/{alert_id}",
            f"/alerts/{alert_id}.json",
        ):
            assert browser.get(path).status_code == 200, path
        assert browser.send("/settings", {"language": "en", "keys": "on"}).status_code == 303
        assert browser.send("/views", {"name": "late", "shared": "office", "query": "bucket=over"}).status_code == 303
        assert "late" in browser.get("/settings").text
