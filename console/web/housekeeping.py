"""Removing rows that have run out, such as sessions of browsers that were closed: nobody comes back for them."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

EVERY_SECONDS = 300.0
_STOP_SECONDS = 10.0
Job = Callable[[Connection, datetime], None]  # removes what has run out by an instant of the wall clock


class Housekeeper:
    """Does its jobs in a thread of its own: at the start, then every few minutes."""

    def __init__(self, engine: Engine, wall: Callable[[], datetime], jobs: Sequence[Job]) -> None:
        self._engine, self._wall, self._jobs = engine, wall, jobs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=_STOP_SECONDS)

    def step(self) -> None:
        """Do each job once. Raise SQLAlchemyError."""
        for job in self._jobs:
            with self._engine.begin() as connection:
                job(connection, self._wall())

    def _run(self) -> None:
        while True:
            try:
                self.step()
            except SQLAlchemyError as error:  # the next time will do
                log.warning("rows that have run out are kept: the database does not answer (%s)", type(error).__name__)
            if self._stop.wait(EVERY_SECONDS):
                return
