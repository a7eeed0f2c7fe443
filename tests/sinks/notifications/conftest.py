"""A notifier on both databases, with clocks that tests set and receivers that are real."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, select

from handover.rules.rulebook import load
from schemas.alert import Alert
from sinks.notifications import log_of_notices, tables
from sinks.notifications.channels.registry import build_channels
from sinks.notifications.duty_list import DutyEntry
from sinks.notifications.message import RuleNames
from sinks.notifications.notifier import Notifier, Sources
from sinks.notifications.policy import Policy, read_policy
from sinks.notifications.service import prepare_tables
from tests.handover.histories import at
from tests.sinks.notifications.making import CALENDAR
from tests.sinks.notifications.receivers import Hook, Mailbox, serve_hook, serve_mail

NAMES = RuleNames.of(load("cn-default"))
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Desk:
    """A notifier and what it is given. `now` is both clocks."""

    engine: Engine
    policy: Policy
    now: datetime = field(default_factory=lambda: at("2026-03-03 10:00"))
    processed: bool = True

    def start(self) -> Notifier:
        """A notifier as after a start of the process: nothing is remembered but the tables."""
        sources = Sources(
            now=lambda: self.now,
            wall=lambda: self.now,
            read_until=lambda: self.now,
            read_calendar=lambda _: CALENDAR,
        )
        return Notifier(self.engine, self.policy, NAMES, build_channels(self.policy), sources)

    def read(self, *alerts: Alert) -> None:
        """What the consumer does with revisions."""
        with self.engine.begin() as connection:
            log_of_notices.keep_alerts(connection, alerts, self.now)
            connection.execute(delete(tables.notice_progress))
            if self.processed:
                row = {"partition": 0, "partitions": 1, "processed_until": self.now + timedelta(days=3_650)}
                connection.execute(insert(tables.notice_progress).values(**row))

    def assign(self, *entries: DutyEntry) -> None:
        """Replace duty lists."""
        with self.engine.begin() as connection:
            log_of_notices.replace_duty(connection, entries)

    def at(self, text: str) -> None:
        """Set the clocks, run a round."""
        self.now = at(text)
        self.start().round()

    def states(self) -> Mapping[str, list[str]]:
        """The states of notices by recipient."""
        found: dict[str, list[str]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(
                select(tables.notice).order_by(tables.notice.c.made_at, tables.notice.c.step)
            ):
                found.setdefault(row.recipient, []).append(row.state)
        return found


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serve_mail() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with serve_hook() as one:
        yield one


def write_policy(mailbox: Mailbox, hook: Hook, folder: Path, **more: object) -> str:
    """A policy with one channel of each kind that is tested."""
    secret = folder / "secret"
    secret.write_text(SECRET + "\n")
    lines = "\n".join(
        f"{name} = {value}" for name, value in {"retry_seconds": 30, "weeks_ahead": "false", **more}.items()
    )
    return f"""
console_url = "https://console.example.org"
{lines}
operators = [{{ recipient = "ops", channel = "mail", address = "ops@example.org", language = "en" }}]
[channels.mail]
kind = "smtp"
host = "127.0.0.1"
port = {mailbox.port}
security = "none"
sender = "handover@notices.handover.justice.example.org"
per_minute = 1000
[channels.hook]
kind = "webhook"
url = "{hook.url}"
secret_file = "{secret}"
[channels.prometheus]
kind = "alertmanager"
url = "{hook.url}"
token_file = "{secret}"
"""


@pytest.fixture
def make_desk(empty: Engine, mailbox: Mailbox, hook: Hook, tmp_path: Path) -> Callable[..., Desk]:
    def make(**more: object) -> Desk:
        from sinks.notifications.database import CHAIN
        from sinks.readmodel.database import migrate

        migrate(empty)
        CHAIN.migrate(empty)
        prepare_tables(empty)
        return Desk(empty, read_policy(write_policy(mailbox, hook, tmp_path, **more)))

    return make
