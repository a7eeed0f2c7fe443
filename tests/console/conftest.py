"""A console on a small recorded history: five days of two counties of the made-up city, through the rules and the sinks' writers."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, Engine, select

from brokers.connection import KafkaConnection
from cli.simulation.stream import Options, simulate
from console import app as console_app
from console.accounts.demo_users import DEMO_PASSWORD, make_demo_users
from console.app import create_app
from console.auth.permissions import Audience, Scope
from console.db import database
from console.web.config import ConsoleConfig
from console.web.site import make_environment
from handover.analysis.replay import Told
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import instant
from schemas.parse import parse
from sinks.readmodel.database import connect, prepare
from sinks.readmodel.tables import alert
from tests.console.model import fill
from tests.watermarks import put_watermark

NOW = instant("2026-03-06T16:30:00+08:00")
LATER = instant("2036-01-01T00:00:00+08:00")  # a pipeline that has passed everything that a test tells
AUDIENCE = Audience.of(load("cn-default").policies)
COUNTIES = (b"990102", b"990103")
NOWHERE = KafkaConnection("127.0.0.1:9")  # no broker listens on the discard port
_LOGIN_TOKEN = re.compile(r'name="login_token" value="([^"]+)"')
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def history(first: date = date(2026, 3, 2)) -> list[Told]:
    """What the made-up city tells about two of its counties: everything of a subject that names one of them.

    The rest of the city is left out, so only the prison's manifests stay: they do not agree, which is a state to be shown.
    """
    records = [(record, record.line()) for record in simulate(Options("city", 1, 5, first, 0.0, 1.0))]
    ours = {record.key for record, line in records if any(code in line for code in COUNTIES)}
    told = []
    for record, line in records:
        of_system = record.topic == "reentry.system.v1"
        if (of_system and (b"manifest" not in line or b"PRISON" in line)) or (not of_system and record.key in ours):
            event = parse(line)
            assert event.receivedtime is not None
            told.append((replace(event, receivedtime=None), event.receivedtime))
    return told


def record(path: Path, rules: str = "cn-default") -> None:
    """Make the read model of the recorded history under a book as a file to be copied, with one user for each role in it."""
    engine = connect(f"sqlite:///{path}")
    prepare(engine)
    database.prepare(engine)
    fill(engine, history(), load(rules), load_calendar(), NOW)
    make_demo_users(engine)
    put_watermark(engine, NOW)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


@dataclass
class Browser:
    """A browser without scripts: follows redirects, keeps cookies, sends forms with the tokens of the page it saw."""

    client: TestClient
    app: FastAPI
    seen: str = ""

    def get(self, path: str, **headers: str) -> Response:
        """Open a page."""
        answer = self.client.get(path, headers=headers)
        if _CSRF.search(answer.text):
            self.seen = answer.text
        return answer

    def send(
        self, path: str, fields: dict[str, str] | None = None, *, headers: dict[str, str] | None = None
    ) -> Response:
        """Send a form of the page that was seen last."""
        token = _CSRF.search(self.seen)
        assert token is not None, "no form has been seen"
        return self.client.post(
            path, data={"csrf": token[1], **(fields or {})}, headers=headers, follow_redirects=False
        )

    def log_in(self, login: str, password: str = DEMO_PASSWORD, next_path: str = "/settings", **typed: str) -> Response:
        """Log in with the form."""
        token = _LOGIN_TOKEN.search(self.client.get("/login").text)
        assert token is not None
        fields = {"u": login, "p": password, "login_token": token[1], "next": next_path, **typed}
        answer = self.client.post("/login", data=fields, follow_redirects=False)
        if answer.status_code == 303:
            self.get("/settings")
        return answer


OpenConsole = Callable[..., Browser]
TEMPLATES = make_environment()  # compiled once, not by each console that a test opens


@pytest.fixture
def engine(recorded: Path, tmp_path: Path) -> Iterator[Engine]:
    """A read model of one's own."""
    path = tmp_path / "model.sqlite"
    shutil.copyfile(recorded, path)
    found = connect(f"sqlite:///{path}")
    yield found
    found.dispose()


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Connection]:
    """A read model with nothing in it."""
    engine = connect(f"sqlite:///{tmp_path / 'past.sqlite'}")
    prepare(engine)
    put_watermark(engine, LATER)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def console(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenConsole]:
    """Opens the console for a user: `console("county")`; nobody is logged in where no user is named."""
    monkeypatch.setattr(console_app, "make_environment", lambda: TEMPLATES)
    with ExitStack() as stack:
        apps: dict[str, tuple[FastAPI, TestClient]] = {}

        def opened(
            login: str | None = None,
            *,
            brokers: str | KafkaConnection = NOWHERE,
            now: datetime = NOW,
            **settings: object,
        ) -> Browser:
            chosen: dict[str, Any] = {"secure_cookies": False, **settings}
            kafka = KafkaConnection(brokers) if isinstance(brokers, str) else brokers
            config = ConsoleConfig(str(engine.url), kafka, now=lambda: now, **chosen)
            key = repr((brokers, now, sorted(settings.items())))
            if key not in apps:
                app = create_app(config)
                apps[key] = app, stack.enter_context(TestClient(app, base_url="http://console.test"))
            app, running = apps[key]
            browser = Browser(TestClient(app, base_url="http://console.test"), app)
            browser.client.portal = running.portal  # else each request starts a thread and a loop of its own
            if login is not None:
                assert browser.log_in(login).status_code == 303
            return browser

        yield opened


@pytest.fixture
def county_scope() -> Scope:
    """What the county officer of the demo sees."""
    return Scope("county", "COUNTY_JUSTICE-990102-01", "990102")


def firing(engine: Engine, prefix: str, *, rule: str = "", severity: str = "", owner: str = "") -> str:
    """The id of some firing alert in a place: of a rule, of an owner, else of a justice office there."""
    wanted = select(alert.c.alert_id).where(alert.c.state == "firing", alert.c.jurisdiction.startswith(prefix))
    if rule:
        wanted = wanted.where(alert.c.rule_id == rule)
    if severity:
        wanted = wanted.where(alert.c.severity == severity)
    if owner:
        wanted = wanted.where(alert.c.owner_agency == owner)
    elif not rule:
        wanted = wanted.where(alert.c.owner_agency.like(f"%_JUSTICE-{prefix}%"))
    with engine.connect() as connection:
        found: str = connection.execute(wanted.order_by(alert.c.due_at, alert.c.alert_id).limit(1)).scalar_one()
        return found
