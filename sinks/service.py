"""Running sinks in one process, a thread each, and judging manifests and metrics beside them."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from brokers.connection import KafkaConnection
from handover.calendar import MILLISECOND, load_calendar
from handover.rules.rulebook import load
from sinks.consumer import SinkUnavailable
from sinks.health import Health
from sinks.monitors import manifests
from sinks.monitors.scheduler import Measurer
from sinks.obligation_ledger import ledger
from sinks.probes import serve
from sinks.publisher import EventPublisher
from sinks.readmodel.database import connect, limit_locks, prepare
from sinks.readmodel.dialect import read_snapshot
from sinks.readmodel.writers import configured
from sinks.retry import DATABASE, Outage, database, repeated
from sinks.runner import Arrival, Runner

log = logging.getLogger(__name__)
JUDGED_EACH_SECONDS = 2.0
RECKONED_EACH_SECONDS = 5.0
TOO_FAR_BEHIND = 10_000  # records not yet written: what is seen comes before what is counted


@dataclass(frozen=True)
class SinkConfig:
    """What the sinks are given. `arrival` maps broker time (ms) to the time that facts are judged in; `metrics_port` 0: nothing is served.
    `rules`, `calendar`: what metrics are judged and the ledger of duties is reckoned by.
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
    """Run the named sinks (all, if none is named) until `stop`; a bug in a sink ends all of them.

    Raise NotMigrated, NewerTables, KeyError, InvalidRuleBook, InvalidPublishers, OSError.
    """
    known = {sink.name: sink for sink in configured(config.publishers, unmarked=config.unmarked)}
    chosen = [known[name] for name in names] if names else list(known.values())
    rules = ledger.Rules(load(config.rules), load_calendar(*([config.calendar] if config.calendar else [])))
    engine, health = connect(config.database_url), Health()
    limit_locks(engine)
    with _served(health, config), closing(EventPublisher(config.kafka, config.topic_prefix)) as teller:
        _prepare(engine, stop)
        runners = [Runner(sink, engine, config.kafka, config.topic_prefix, config.arrival) for sink in chosen]
        failed: list[BaseException] = []
        steps = {runner.sink.name: runner.run for runner in runners} | dict(_beside(config, runners, teller, rules))
        threads = [
            threading.Thread(target=_guarded, args=(target, stop, failed), name=name) for name, target in steps.items()
        ]
        for thread in threads:
            thread.start()
        health.pulses, health.threads = [runner.pulse for runner in runners], threads
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)
    engine.dispose()
    if failed:
        raise failed[0]


def _beside(
    config: SinkConfig, runners: Sequence[Runner], teller: EventPublisher, rules: ledger.Rules
) -> dict[str, Callable[[threading.Event], None]]:
    """What is judged and counted in the process that writes the events."""
    events = next((runner for runner in runners if runner.sink.name == "events"), None)
    if events is None:
        return {}
    judge = _Judge(config, events, teller)
    measurer = Measurer(runners, teller, rules.book, rules.calendar, config.arrival)
    clerk = _Clerk(config, events, runners, measurer, rules)
    return {"manifests": judge.run, "metrics": measurer.run, "ledger": clerk.run}


@contextmanager
def _served(health: Health, config: SinkConfig) -> Iterator[None]:
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
            with database():
                prepare(engine)
        except SinkUnavailable as error:
            outage.wait(DATABASE, error, stop)
        else:
            return outage.over(DATABASE)
    return None


def _guarded(target: Any, stop: threading.Event, failed: list[BaseException]) -> None:
    try:
        target(stop)
    except Exception as error:
        log.exception("a sink stops: %s", type(error).__name__)
        failed.append(error)
        stop.set()


class _Judge:
    """Judges manifests up to where all events are in SQL, and tells the workers."""

    def __init__(self, config: SinkConfig, events: Runner, teller: EventPublisher) -> None:
        self._config, self._events, self._teller = config, events, teller

    def run(self, stop: threading.Event) -> None:
        """Every few seconds, until told to stop."""
        repeated(self._step, JUDGED_EACH_SECONDS, Outage("manifests"), stop)

    def _step(self) -> None:
        engine = self._events.engine
        with database(), read_snapshot(engine) as connection:  # rows and positions of one moment
            until_ms = self._events.written_until_ms(connection)
            found = manifests.due_verdicts(connection, self._config.arrival(until_ms)) if until_ms is not None else []
        if not found:
            return
        for one in found:
            for event in one.events:
                self._teller.tell(event)
        with database(), engine.begin() as connection:
            manifests.keep(connection, found)


class _Clerk:
    """Keeps the ledger up to where all events are in SQL. While workers or sinks are far behind, what others wait for comes first."""

    def __init__(
        self,
        config: SinkConfig,
        events: Runner,
        runners: Sequence[Runner],
        measurer: Measurer,
        rules: ledger.Rules,
    ) -> None:
        self._config, self._events, self._runners = config, events, runners
        self._measurer, self._rules = measurer, rules

    def run(self, stop: threading.Event) -> None:
        """Every few seconds, until told to stop."""
        repeated(partial(self._step, stop), RECKONED_EACH_SECONDS, Outage("ledger"), stop)

    def _step(self, stop: threading.Event) -> None:
        with database(), read_snapshot(self._events.engine) as connection:
            until = self._events.written_until_ms(connection)
        if (
            until is None
            or self._measurer.workers_are_late
            or any(one.behind > TOO_FAR_BEHIND for one in self._runners)
        ):
            return
        with database():
            ledger.catch_up(self._events.engine, self._rules, self._config.arrival(until) - MILLISECOND, stop)
