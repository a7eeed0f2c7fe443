"""What ends a session ends its open streams within a beat: a console process, a stream over TCP."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import Engine, select

from console.db.tables import console_session, console_user
from console.live.change_feed import BEAT_SECONDS
from console.web.config import real_time
from sinks.readmodel.changes import record_changes
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.console.conftest import firing
from tests.console.served import Served, serving

COUNTY = console_user.c.login == "county"
LONG_AGO = timedelta(hours=13)


@pytest.fixture(scope="module")
def folder(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the recorded history."""
    found = tmp_path_factory.mktemp("revocation")
    shutil.copyfile(recorded, found / "handover.sqlite")
    return found


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    """A console on it."""
    with serving(folder) as found:
        yield found


@pytest.fixture
def server(folder: Path) -> Iterator[Engine]:
    """Whoever else writes to the database; afterwards the user is as before."""
    engine = connect(f"sqlite:///{folder / 'handover.sqlite'}")
    with engine.connect() as connection:
        before = dict(connection.execute(select(console_user).where(COUNTY)).mappings().one())
    yield engine
    with engine.begin() as connection:
        connection.execute(console_user.update().where(COUNTY).values(before))
    engine.dispose()


def log_out(client: Client, _: Engine) -> None:
    """As the button does."""
    token = client.get("/api/v1/me").json()["csrf"]
    assert client.post("/logout", data={"csrf": token}).status_code == 303


def change_user(**values: Any) -> Callable[[Client, Engine], None]:
    """An administrator changes the user."""

    def change(_: Client, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(console_user.update().where(COUNTY).values(values))

    return change


def age(column: str) -> Callable[[Client, Engine], None]:
    """Time passes."""

    def change(_: Client, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(console_session.update().values({column: real_time() - LONG_AGO}))

    return change


ENDS: Mapping[str, Callable[[Client, Engine], None]] = {
    "logout": log_out,
    "lock": change_user(closed=True),
    "another role": change_user(role="township", prefix="990102001"),
    "another scope": change_user(prefix="990103", agency="COUNTY_JUSTICE-990103-01"),
    "idle": age("seen_at"),
    "twelve hours": age("began_at"),
}


@pytest.mark.parametrize("way", ENDS)
def test_an_open_stream_ends_with_what_it_was_opened_by(served: Served, server: Engine, way: str) -> None:
    heard: list[str] = []
    ended: list[float] = []
    with served.log_in("county") as client:

        def listen() -> None:
            with client.stream("GET", "/events") as answer:
                heard.extend(answer.iter_lines())
            ended.append(time.monotonic())

        ours = firing(server, "990102")
        listener = threading.Thread(target=listen)
        listener.start()
        until(lambda: bool(heard))
        with server.begin() as connection:
            record_changes(connection, "alert", [ours])
        until(lambda: any(ours in line for line in heard))
        ENDS[way](client, server)
        done, count = time.monotonic(), len(heard)
        with server.begin() as connection:
            record_changes(connection, "alert", [ours])
        listener.join(timeout=BEAT_SECONDS + 5)
        assert ended, "the stream goes on"
        assert ended[0] - done < BEAT_SECONDS
        assert not any(ours in line for line in heard[count:])


def test_a_stream_whose_user_stays_as_they_are_goes_on(served: Served, server: Engine) -> None:
    with served.log_in("county") as client, client.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        began = time.monotonic()
        while time.monotonic() - began < BEAT_SECONDS:
            assert next(lines) is not None


@pytest.mark.parametrize("since", ["²", "9" * 5000, "-1", "1e9", "٣"])
def test_a_number_that_is_none_begins_from_now(served: Served, server: Engine, since: str) -> None:
    with served.log_in("county") as client, client.stream("GET", "/events", params={"since": since}) as answer:
        assert answer.status_code == 200
