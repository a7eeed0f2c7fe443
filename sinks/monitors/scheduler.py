"""Measuring beside the writers: what crosses a threshold is published to the workers, for only they raise alerts (as with manifests)."""

import threading
import time
from collections.abc import Collection, Mapping, Sequence

from kafka.errors import KafkaError
from sqlalchemy import Engine

from handover.calendar import Calendar
from handover.rules.rulebook import RuleBook
from sinks.monitors.metrics import MEASURES
from sinks.monitors.metrics.lag import WORKER, Lags
from sinks.monitors.metrics.verdicts import ABOUT_US, judge, keep_verdicts, world_of
from sinks.publisher import EventPublisher
from sinks.readmodel.dialect import read_snapshot
from sinks.readmodel.errors import translate_errors
from sinks.readmodel.sql_consumer import RunningWriter
from sinks.retry import Outage, repeat
from sinks.runner import Arrival

MEASURED_EACH_SECONDS = 5.0
LATE_SECONDS = 60.0  # what the workers have not read is so old: they are catching up


class MetricCheck:
    """Judges the metric rules of the book in force, up to where everything is in SQL, and publishes the verdicts."""

    def __init__(
        self,
        engine: Engine,
        writers: Sequence[RunningWriter],
        publisher: EventPublisher,
        book: RuleBook,
        calendar: Calendar,
        arrival: Arrival,
    ) -> None:
        self._engine, self._writers, self._publisher, self._arrival = engine, writers, publisher, arrival
        self._book, self._calendar = book, calendar
        first = writers[0].runner
        self._lags = Lags(first.kafka, first.prefix, _list_groups(writers))
        self.workers_are_late = True  # until it is known

    def run(self, stop: threading.Event) -> None:
        """Every few seconds, until told to stop."""
        repeat(self._step, MEASURED_EACH_SECONDS, Outage("metrics"), stop)
        self._lags.close()

    def _step(self) -> None:
        try:
            lags = self._lags.now()
        except KafkaError:
            self._lags.close()
            raise
        self.workers_are_late = any(lag.group in WORKER and lag.seconds > LATE_SECONDS for lag in lags)
        wanted: Collection[str] = MEASURES.keys()
        until = self._arrival(round(time.time() * 1000))
        with translate_errors(), read_snapshot(self._engine) as connection:  # rows and positions of one moment
            read = [one.written_until_ms(connection) for one in self._writers]
            until_ms = min((at for at in read if at is not None), default=None)
            if until_ms is None or None in read:
                wanted = ABOUT_US  # what cannot be read on is reported although the rest waits for it
            else:
                until = min(self._arrival(until_ms), until)
            world = world_of(connection, self._book, self._calendar)
            judged = judge(connection, world, until, lags, self._arrival, wanted)
        if not judged:
            return
        for one in judged:
            for verdict in one.verdicts:
                self._publisher.publish(verdict.event)
        with translate_errors(), self._engine.begin() as connection:
            keep_verdicts(connection, judged)


def _list_groups(writers: Sequence[RunningWriter]) -> Mapping[str, Sequence[str]]:
    """The consumer groups whose lag is measured: the workers, and every writer of this process."""
    return {**WORKER, **{f"reentry-sink-{one.consumer.name}": one.consumer.topics for one in writers}}
