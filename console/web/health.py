"""Whether the process works, and whether it can do its job: found out by a thread of its own, so that nobody who asks waits."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from sinks.readmodel.database import connect
from sinks.readmodel.dialect import Patience
from sinks.readmodel.tables import alert

PATIENCE = Patience(lock=1.0, statement=1.0, pool=1.0, connect=2.0, connections=1)
EVERY_SECONDS = 1.0
OLDEST_SECONDS = 10.0  # what was found out longer ago is not known any more
_FIRST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Found:
    good: bool
    at: float  # of the monotonic clock


class Health:
    """Looks at the read model every second, on a connection that no page can take."""

    def __init__(
        self, url: str, parts: Mapping[str, Callable[[], bool]], look: Callable[[Connection], object] = lambda _: None
    ) -> None:
        """`look`: reads what else is to be known each second. Raise SQLAlchemyError where that cannot be read."""
        self._engine, self._parts, self._look_too = connect(url, PATIENCE), dict(parts), look
        self._stop, self._first = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._found: _Found | None = None

    def start(self) -> None:
        """Begin, and wait a moment for the first look."""
        self._thread.start()
        self._first.wait(_FIRST_SECONDS)

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=OLDEST_SECONDS)
        self._engine.dispose()

    def dead(self) -> list[str]:
        """Parts of the process that have ended though it runs: it must be started again."""
        return sorted(name for name, works in self._parts.items() if not works())

    def database(self) -> dict[str, Any]:
        """Whether pages can be read, and how many seconds ago that was found out; None before the first look."""
        found = self._found
        if found is None:
            return {"good": False, "age": None}
        age = time.monotonic() - found.at
        return {"good": found.good and age <= OLDEST_SECONDS, "age": round(age, 1)}

    def _run(self) -> None:
        while not self._stop.is_set():
            self._found = _Found(self._look(), time.monotonic())
            self._first.set()
            self._stop.wait(EVERY_SECONDS)

    def _look(self) -> bool:
        try:
            with self._engine.connect() as connection:
                connection.execute(select(alert.c.alert_id).limit(1))
                self._look_too(connection)
        except SQLAlchemyError:
            return False
        return True
