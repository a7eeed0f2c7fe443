"""What nobody comes back for is removed while the console runs, and nothing else."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, Table, func, insert, select, text

from console.auth import attempts
from console.db.tables import console_session, login_attempt, sign_in
from console.web import housekeeping
from console.web.config import real_time
from console.web.housekeeping import Housekeeper
from tests.conditions import until
from tests.console.conftest import OpenConsole

LONG_AGO = timedelta(days=2)


def put(engine: Engine, at: datetime, name: str) -> None:
    """A session, a try to log in and a way to the identity service that nobody went on with since."""
    session = {
        "token": name,
        "user_id": "u",
        "csrf": "c",
        "began_at": at,
        "seen_at": at,
        "draft": {"fields": {"note": "x"}},
    }
    way = {
        "state": name,
        "browser": "b",
        "nonce": "n",
        "verifier": "v",
        "next_path": "/",
        "typed": {"note": "x"},
        "at": at,
    }
    with engine.begin() as connection:
        connection.execute(insert(console_session).values(session))
        connection.execute(insert(login_attempt).values(login=name, at=at, address="192.0.2.1"))
        connection.execute(insert(sign_in).values(way))


def names(engine: Engine) -> list[set[str]]:
    columns = (console_session.c.token, login_attempt.c.login, sign_in.c.state)
    with engine.connect() as connection:
        return [set(connection.execute(select(column)).scalars()) & {"old", "new"} for column in columns]


def test_a_console_removes_what_has_run_out_when_it_starts(console: OpenConsole, engine: Engine) -> None:
    put(engine, real_time() - LONG_AGO, "old")
    put(engine, real_time(), "new")
    console()
    until(lambda: names(engine) == [{"new"}] * 3, seconds=20)


def test_a_console_removes_what_runs_out_while_it_runs(
    console: OpenConsole, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_SECONDS", 0.1)
    browser = console("county")
    put(engine, real_time() - LONG_AGO, "old")
    put(engine, real_time(), "new")
    until(lambda: names(engine) == [{"new"}] * 3, seconds=20)
    assert browser.get("/settings").status_code == 200, "a session that lives stays"


def test_it_goes_on_after_the_database_was_away(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_SECONDS", 0.1)
    put(engine, real_time() - LONG_AGO, "old")
    _rename(engine, login_attempt, "away")
    keeper = Housekeeper(engine, real_time, (attempts.forget_old,))
    keeper.start()
    until(keeper.is_alive)
    _rename(engine, login_attempt, "away", back=True)
    try:
        until(lambda: not _count(engine, login_attempt), seconds=20)
    finally:
        keeper.stop()
    assert not keeper.is_alive()


def _rename(engine: Engine, table: Table, other: str, *, back: bool = False) -> None:
    before, after = (other, table.name) if back else (table.name, other)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


def _count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
