"""The consumer of the notifier: what the alert topic says of each alert, kept with the read position in one transaction. It sends nothing."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import orjson
from sqlalchemy import Connection, Engine

from schemas import alert, progress
from schemas.alert import Alert
from schemas.topics import ALERT, PROGRESS
from sinks.consumer import Batch, Delivery, Record
from sinks.notifications import log_of_notices, position
from sinks.readmodel.errors import Unwritable, translate_errors
from sinks.retry import DATABASE
from sinks.takeover import Log, Overtaken, Place, Takeover

log = logging.getLogger(__name__)


class NoticeConsumer:
    """Delivers to the notifier's tables. `now`: of the pipeline; `unmarked`: take what bears no worker's mark, too."""

    name, topics, destination = "notifications", (ALERT, PROGRESS), DATABASE

    def __init__(self, engine: Engine, now: Callable[[], datetime], *, unmarked: bool = False) -> None:
        self._engine, self._now, self.unmarked = engine, now, unmarked

    def take_over(self, logs: Mapping[Place, Log]) -> Takeover:
        """As `Consumer`."""
        try:
            with translate_errors(), self._engine.begin() as connection:
                return Takeover(position.take_over(connection, self.topics, logs))
        except Unwritable as error:
            raise Overtaken from error  # another process has made the same position just now

    def read_positions(self) -> Mapping[Place, int]:
        """As `Consumer`."""
        with translate_errors(), self._engine.connect() as connection:
            return {place: one.next_offset for place, one in position.read(connection, self.topics).items()}

    def deliver(self, batch: Batch) -> Delivery:
        """As `Consumer`. Positions first: their rows are locked while the rows are written."""
        with translate_errors(), self._engine.begin() as connection:
            position.move(connection, batch.moves)
            return Delivery(self._write(connection, batch.records)) if batch.records else Delivery()

    def _write(self, connection: Connection, records: Sequence[Record]) -> Sequence[Record]:
        """The records that could not be read."""
        invalid: list[Record] = []
        alerts: list[Alert] = []
        reports: dict[int, progress.Progress] = {}
        for record in records:
            if record.value is None:
                continue  # a compacted alert has ended
            try:
                if record.topic == ALERT:
                    alerts.append(alert.read(record.value))
                else:
                    report = progress.read(record.value)
                    reports[report.partition] = report
            except (ValueError, KeyError, orjson.JSONDecodeError):
                invalid.append(record)
        log_of_notices.keep_alerts(connection, alerts, self._now())
        log_of_notices.keep_progress(connection, list(reports.values()))
        return invalid
