"""The notifier as a process: one thread reads, one decides and sends."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from brokers.connection import KafkaConnection
from handover.calendar import Calendar, load_calendar
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import RuleBook, load
from sinks.consumer import SinkUnavailable
from sinks.health import Health
from sinks.monitors.metrics.verdicts import world_of
from sinks.notifications.channels.registry import build_channels
from sinks.notifications.consumer import NoticeConsumer
from sinks.notifications.database import CHAIN
from sinks.notifications.message import RuleNames
from sinks.notifications.notifier import Notifier, Sources, read_wall
from sinks.notifications.policy import Policy
from sinks.probes import serve
from sinks.readmodel.database import WRITER, connect, prepare
from sinks.readmodel.errors import translate_errors
from sinks.retry import DATABASE, Outage, repeat
from sinks.runner import Arrival, Runner

log = logging.getLogger(__name__)
ROUND_EACH_SECONDS = 1.0
_CALENDAR_SECONDS = 300.0  # a list that was published is used after so long


@dataclass(frozen=True)
class NotifierConfig:
    """What the notifier is given. `arrival` maps wall time (ms) to pipeline time; `metrics_port` 0: nothing is served."""

    kafka: KafkaConnection
    database_url: str
    arrival: Arrival
    policy: Policy
    topic_prefix: str = ""
    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    rules: str = "cn-default"
    calendar: Path | None = None
    unmarked: bool = False


def run(config: NotifierConfig, stop: threading.Event) -> None:
    """Read and send until `stop`; a bug in one thread ends both. Raise NotMigrated, InvalidRuleBook, OSError."""
    book = load(config.rules)
    calendar = load_calendar(*([config.calendar] if config.calendar else []))
    engine, health = connect(config.database_url, WRITER), Health()
    with ExitStack() as ending:
        ending.callback(engine.dispose)
        if config.metrics_port:
            server = serve(health, config.metrics_host, config.metrics_port)
            ending.callback(server.server_close)
            ending.callback(server.shutdown)
        _prepare(engine, stop)
        channels = build_channels(config.policy)
        for channel in channels.values():
            ending.callback(channel.close)

        def now() -> datetime:
            return config.arrival(round(time.time() * 1000))

        consumer = NoticeConsumer(engine, now, unmarked=config.unmarked)
        runner = Runner(consumer, config.kafka, config.topic_prefix, config.arrival)

        def read_until() -> datetime | None:
            return None if runner.reached is None else config.arrival(runner.reached.until_ms)

        sources = Sources(now, read_wall, read_until, _Calendars(engine, book, calendar).read)
        notifier = Notifier(engine, config.policy, RuleNames.of(book), channels, sources)
        _run_both(
            runner.run,
            lambda ended: repeat(notifier.round, ROUND_EACH_SECONDS, Outage("notifier"), ended),
            health,
            runner,
            stop,
        )


def _run_both(
    read: Callable[[threading.Event], None],
    send: Callable[[threading.Event], None],
    health: Health,
    runner: Runner,
    stop: threading.Event,
) -> None:
    failed: list[BaseException] = []

    def guard(part: Callable[[threading.Event], None]) -> None:
        try:
            part(stop)
        except Exception as error:
            log.exception("the notifier stops", extra={"error": type(error).__name__})
            failed.append(error)
            stop.set()

    threads = [
        threading.Thread(target=guard, args=(part,), name=name) for name, part in (("read", read), ("send", send))
    ]
    for thread in threads:
        thread.start()
    health.pulses, health.threads = [runner.pulse], threads
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
    if failed:
        raise failed[0]


def prepare_tables(engine: Engine) -> None:
    """Bring tables in a file to the newest version, those of the read model too; those of a server only by command. Raise NotMigrated."""
    prepare(engine)
    CHAIN.prepare(engine)


def _prepare(engine: Engine, stop: threading.Event) -> None:
    outage = Outage("notifier")
    while not stop.is_set():
        try:
            with translate_errors():
                prepare_tables(engine)
        except SinkUnavailable as error:
            outage.wait(DATABASE, error, stop)
        else:
            return outage.over(DATABASE)
    return None


class _Calendars:
    """The calendar in force: the file's, with the lists that were published as events."""

    def __init__(self, engine: Engine, book: RuleBook, calendar: Calendar) -> None:
        self._engine, self._book, self._calendar = engine, book, calendar
        self._world = SharedState(book, calendar)
        self._read_at = float("-inf")

    def read(self, now: datetime) -> Calendar:
        """The working days as known at an instant."""
        if time.monotonic() - self._read_at > _CALENDAR_SECONDS:
            with self._engine.connect() as connection:
                self._world = world_of(connection, self._book, self._calendar)
            self._read_at = time.monotonic()
        return self._world.frame(now).calendar
