"""A lock that somebody holds on a table: pages answer in seconds that the database is busy, and the process is well."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx2 import Client
from sqlalchemy import Engine, text

from console.accounts.demo_users import make_demo_users
from console.db import database
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from sinks.readmodel.database import connect, migrate
from tests.conditions import until
from tests.console.conftest import LATER, NOW, history
from tests.console.model import fill
from tests.console.served import Served, serving
from tests.watermarks import put_watermark

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def database_url(postgres: str) -> str:
    """A schema of its own with the recorded history in it."""
    admin = connect(postgres)
    with admin.begin() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS busy_test CASCADE"))
        connection.execute(text("CREATE SCHEMA busy_test"))
    admin.dispose()
    url = f"{postgres}{'&' if '?' in postgres else '?'}options=-csearch_path%3Dbusy_test"
    engine = connect(url)
    migrate(engine)
    database.migrate(engine)
    fill(engine, history(), load("cn-default"), load_calendar(), NOW)
    make_demo_users(engine)
    put_watermark(engine, LATER)  # the process runs on the real clock
    engine.dispose()
    return url


@pytest.fixture
def server(database_url: str) -> Iterator[Engine]:
    """Somebody else's way to the same database."""
    found = connect(database_url)
    yield found
    found.dispose()


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    """A console process on it."""
    with serving(tmp_path, REENTRY_DATABASE_URL=database_url) as found:
        yield found


def timed(served: Served, path: str) -> float:
    """How long an answer of the process about itself takes."""
    began = time.monotonic()
    assert served.get(path) in (200, 503)
    return time.monotonic() - began


@pytest.fixture
def county(served: Served) -> Iterator[Client]:
    """An officer's browser."""
    with served.log_in("county") as found:
        yield found


def test_a_locked_table_makes_pages_say_so_in_seconds_and_the_process_stays_well(
    served: Served, server: Engine, county: Client
) -> None:
    assert county.get("/today").status_code == 200
    holder = server.connect()
    holder.execute(text("LOCK TABLE alert IN ACCESS EXCLUSIVE MODE"))

    def asked(path: str) -> tuple[int, float, str]:
        began = time.monotonic()
        answer = county.get(path)
        assert answer.status_code != 503 or answer.headers["retry-after"]
        return answer.status_code, time.monotonic() - began, answer.text

    try:
        with ThreadPoolExecutor(62) as crowd:
            pages = [crowd.submit(asked, "/today" if n % 3 else "/api/v1/queue") for n in range(60)]
            probes = []
            while not all(page.done() for page in pages):
                probes += [timed(served, "/live"), timed(served, "/ready")]
                time.sleep(0.1)
            answers = [page.result() for page in pages]
        assert {status for status, _, _ in answers} == {503}
        assert max(seconds for _, seconds, _ in answers) < 10
        assert all("数据库" in body for _, _, body in answers)
        assert len(probes) > 4
        assert max(probes) < 1
        until(lambda: county.get("/ready").status_code == 503, seconds=5)
        assert county.get("/live").status_code == 200
    finally:
        holder.rollback()
        holder.close()
    until(lambda: county.get("/today").status_code == 200, seconds=10)
    until(lambda: county.get("/ready").status_code == 200, seconds=5)


@pytest.mark.parametrize("path", ["/people?q=%EF%BF%BE", "/today?after=1~2026-03-01T00:00:00%2B08:00~%EF%BF%BF"])
def test_a_value_that_the_database_cannot_hold_is_no_outage(county: Client, path: str) -> None:
    assert county.get(path).status_code < 500
    assert county.get("/today").status_code == 200
