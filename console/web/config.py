"""What a console is started with. Values come as arguments; only the command line reads settings."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from brokers.connection import KafkaConnection
from console.auth.oidc_config import Oidc
from schemas.instants import from_millis
from sinks.readmodel.data_time import BEHIND_LIMIT, Age
from sinks.readmodel.dialect import Patience

HERE = Path(__file__).parent
PATIENCE = Patience(lock=2.0, statement=10.0, pool=2.0, connect=2.0, connections=20)  # a page answers within seconds


def real_time() -> datetime:
    """Now, as the wall clock says."""
    return from_millis(time.time_ns() // 1_000_000)


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """One console process. `now` is the time that facts are judged in; sessions and undo run on the wall clock."""

    database_url: str
    kafka: KafkaConnection
    topic_prefix: str = ""
    now: Callable[[], datetime] = field(default=real_time)
    age: Age | None = None  # how long ago, by the wall clock, an instant of that time was; None: the two run alike
    behind: timedelta = BEHIND_LIMIT  # alerts processed up to an instant longer ago than this are late data
    rules: str = "cn-default"
    calendar: Path | None = None
    secure_cookies: bool = True  # off only where the console is reached over plain http on this machine
    undo: timedelta = timedelta(seconds=10)  # an action is published so long after it was asked for
    idle: timedelta = timedelta(minutes=30)  # a session without a request ends
    longest: timedelta = timedelta(hours=12)  # a session ends in any case
    poll: timedelta = timedelta(milliseconds=500)  # how often open pages' changes are looked for
    page_rows: int = 50
    audit_key: bytes | None = field(default=None, repr=False)  # seals the audit; without it a chain of plain hashes
    names_url: str = ""  # the office's name service: asked by browsers, never by this process
    oidc: Oidc | None = None  # the office's identity service; without it only local users
    redrive_per_second: float = 20.0  # dead letters sent again
    patience: Patience = PATIENCE
    demo: bool = False  # shows the demo's users on the login page; never elsewhere

    def age_of(self, at: datetime) -> timedelta:
        """How long ago, by the wall clock, an instant of the judged time was."""
        return self.now() - at if self.age is None else self.age(at)
