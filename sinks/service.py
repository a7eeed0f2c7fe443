"""Running the writers of the read model in one process, a thread each, and beside them what judges and computes from their rows."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from brokers.connection import KafkaConnection
from handover.calendar import MILLISECOND, load_calendar
from handover.rules.rulebook import load
from sinks.consumer import SinkUnavailable
from sinks.health import Health
from sinks.monitors import manifests
from sinks.monitors.scheduler import MetricCheck
from sinks.obligation_ledger import ledger
from sinks.probes import serve
from sinks.publisher import EventPublisher
from sinks.readmodel.database import WRITER, connect, prepare
from sinks.readmodel.dialect import read_snapshot
from sinks.readmodel.errors import translate_errors
from sinks.readmodel.sql_consumer import RunningWriter, SqlConsumer
from sinks.readmodel.writers import configure_writers
from sinks.retry import DATABASE, Outage, repeat
from sinks.runner import Arrival, Runner

log = logging.getLogger(__name__)
JUDGED_EACH_SECONDS = 2.0
COMPUTED_EACH_SECONDS = 5.0
TOO_FAR_BEHIND = 10_000  # records not yet written: what is seen comes before what is counted
Run = Callable[[threading.Event], None]


@dataclass(frozen=True)
class SinkConfig:
    """What the sinks are given. `arrival` maps broker time (ms) to pipeline time; `metrics_port` 0: nothing is served.
    `rules`, `calendar`: what metrics are judged and obligations are computed by.
    """

    kafka: KafkaConnection
    database_url: str
    arrival: Arrival
    topic_prefix: str = ""
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    rules: str = "cn-default"
    calendar: Path | None = None
    unmarked: bool = False  # take alerts and cases without a worker's mark, as earlier versions wrote them
    publishers: Path | None = None  # the register: of other sources no manifest is judged


def run(config: SinkConfig, names: Sequence[str], stop: threading.Event) -> None:
    """Run the named writers (all, if none is named) until `stop`; a bug in one ends all of them.

    Raise NotMigrated, NewerTables, KeyError, InvalidRuleBook, InvalidPublishers, OSError.
    """
    known = {writer.name: writer for writer in configure_writers(config.publishers, unmarked=config.unmarked)}
    chosen = [known[name] for name in names] if names else list(known.values())
    rules = ledger.Rules(load(config.rules), load_calendar(*([config.calendar] if config.calendar else [])))
    engine, health = connect(config.database_url, WRITER), Health()
    publisher = EventPublisher(config.kafka, config.topic_prefix)
    with _serve_probes(health, config), ExitStack() as ending:
        ending.callback(engine.dispose)
        ending.callback(publisher.close)
        _prepare(engine, stop)
        consumers = [SqlConsumer(writer, engine, publisher) for writer in chosen]
        running = [
            RunningWriter(consumer, Runner(consumer, config.kafka, config.topic_prefix, config.arrival))
            for consumer in consumers
        ]
        parts: dict[str, Run] = {one.consumer.name: one.runner.run for one in running}
        _run_all(parts | _jobs_beside(config, engine, running, publisher, rules), running, health, stop)


def _run_all(parts: dict[str, Run], running: Sequence[RunningWriter], health: Health, stop: threading.Event) -> None:
    """Run each part in a thread until all have ended. Raise the error of the first that failed."""
    failed: list[BaseException] = []
    threads = [threading.Thread(target=_run_part, args=(part, stop, failed), name=name) for name, part in parts.items()]
    for thread in threads:
        thread.start()
    health.pulses, health.threads = [one.runner.pulse for one in running], threads
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
    if failed:
        raise failed[0]


def _jobs_beside(
    config: SinkConfig,
    engine: Engine,
    running: Sequence[RunningWriter],
    publisher: EventPublisher,
    rules: ledger.Rules,
) -> dict[str, Run]:
    """What is judged and computed in the process that writes the events."""
    events = next((one for one in running if one.consumer.name == "events"), None)
    if events is None:
        return {}
    manifest_check = _ManifestCheck(config, engine, events, publisher)
    metric_check = MetricCheck(engine, running, publisher, rules.book, rules.calendar, config.arrival)
    ledger_job = _LedgerJob(config, engine, events, running, metric_check, rules)
    return {"manifests": manifest_check.run, "metrics": metric_check.run, "ledger": ledger_job.run}


@contextmanager
def _serve_probes(health: Health, config: SinkConfig) -> Iterator[None]:
    if not config.metrics_port:
        yield
        return
    server = serve(health, config.metrics_host, config.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _prepare(engine: Engine, stop: threading.Event) -> None:
    outage = Outage("sink")
    while not stop.is_set():
        try:
            with translate_errors():
                prepare(engine)
        except SinkUnavailable as error:
            outage.wait(DATABASE, error, stop)
        else:
            return outage.over(DATABASE)
    return None


def _run_part(part: Run, stop: threading.Event, failed: list[BaseException]) -> None:
    try:
        part(stop)
    except Exception as error:
        log.exception("a sink stops", extra={"error": type(error).__name__})
        failed.append(error)
        stop.set()


class _ManifestCheck:
    """Judges manifests up to where all events are in SQL, and publishes the verdicts."""

    def __init__(self, config: SinkConfig, engine: Engine, events: RunningWriter, publisher: EventPublisher) -> None:
        self._config, self._engine, self._events, self._publisher = config, engine, events, publisher

    def run(self, stop: threading.Event) -> None:
        """Every few seconds, until told to stop."""
        repeat(self._step, JUDGED_EACH_SECONDS, Outage("manifests"), stop)

    def _step(self) -> None:
        with translate_errors(), read_snapshot(self._engine) as connection:  # rows and positions of one moment
            until_ms = self._events.written_until_ms(connection)
            judged = manifests.judge_due(connection, self._config.arrival(until_ms)) if until_ms is not None else []
        if not judged:
            return
        for one in judged:
            for event in one.events:
                self._publisher.publish(event)
        with translate_errors(), self._engine.begin() as connection:
            manifests.keep_verdicts(connection, judged)


class _LedgerJob:
    """Keeps the ledger up to where all events are in SQL. While workers or sinks are far behind, what others wait for comes first."""

    def __init__(
        self,
        config: SinkConfig,
        engine: Engine,
        events: RunningWriter,
        running: Sequence[RunningWriter],
        metric_check: MetricCheck,
        rules: ledger.Rules,
    ) -> None:
        self._config, self._engine, self._events, self._running = config, engine, events, running
        self._metric_check, self._rules = metric_check, rules

    def run(self, stop: threading.Event) -> None:
        """Every few seconds, until told to stop."""
        repeat(partial(self._step, stop), COMPUTED_EACH_SECONDS, Outage("ledger"), stop)

    def _step(self, stop: threading.Event) -> None:
        with translate_errors(), read_snapshot(self._engine) as connection:
            until = self._events.written_until_ms(connection)
        is_behind = any(one.runner.behind > TOO_FAR_BEHIND for one in self._running)
        if until is None or self._metric_check.workers_are_late or is_behind:
            return
        with translate_errors():
            ledger.catch_up(self._engine, self._rules, self._config.arrival(until) - MILLISECOND, stop)
