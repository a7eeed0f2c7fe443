"""Running sinks in one process, a thread each, and judging manifests beside them."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError
from prometheus_client import start_http_server
from sqlalchemy.exc import SQLAlchemyError

from schemas.topics import SYSTEM, named
from sinks import SINKS, manifest
from sinks.database import connect, prepare
from sinks.runner import Arrival, Runner

log = logging.getLogger(__name__)
JUDGED_EACH_SECONDS = 2.0


@dataclass(frozen=True)
class SinkConfig:
    """What the sinks are given. `arrival` maps broker time (ms) to the time that facts are judged in; `metrics_port` 0: none."""

    brokers: str
    database_url: str
    arrival: Arrival
    topic_prefix: str = ""
    metrics_port: int = 0


def run(config: SinkConfig, names: Sequence[str], stop: threading.Event) -> None:
    """Run the named sinks (all, if none is named) until `stop`. Raise NotMigrated, KeyError; a bug in a sink ends all of them."""
    known = {sink.name: sink for sink in SINKS}
    chosen = [known[name] for name in names] if names else list(SINKS)
    engine = connect(config.database_url)
    _prepare(engine, stop)
    if config.metrics_port:
        start_http_server(config.metrics_port)
    runners = [Runner(sink, engine, config.brokers, config.topic_prefix, config.arrival) for sink in chosen]
    failed: list[BaseException] = []
    threads = [
        threading.Thread(target=_guarded, args=(runner.run, stop, failed), name=runner.sink.name) for runner in runners
    ]
    events = next((runner for runner in runners if runner.sink.name == "events"), None)
    if events is not None:
        threads.append(
            threading.Thread(target=_guarded, args=(_Judge(config, events).run, stop, failed), name="manifests")
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)
    engine.dispose()
    if failed:
        raise failed[0]


def _prepare(engine: Any, stop: threading.Event) -> None:
    said = False
    while not stop.is_set():
        try:
            prepare(engine)
        except SQLAlchemyError as error:
            if not said:
                log.warning("the database does not answer (%s); waiting", type(error).__name__)
            said = True
            stop.wait(1)
        else:
            return


def _guarded(target: Any, stop: threading.Event, failed: list[BaseException]) -> None:
    try:
        target(stop)
    except Exception as error:
        log.exception("a sink stops: %s", type(error).__name__)
        failed.append(error)
        stop.set()


class _Judge:
    """Judges manifests up to where all events are in SQL, and tells the workers."""

    def __init__(self, config: SinkConfig, events: Runner) -> None:
        self._config, self._events = config, events
        self._producer: Any = None

    def run(self, stop: threading.Event) -> None:
        """Every few seconds, until told to stop."""
        while not stop.wait(JUDGED_EACH_SECONDS):
            until = self._events.read_until_ms
            if until is None:
                continue
            try:
                self._judge(self._config.arrival(until))
            except (SQLAlchemyError, KafkaError) as error:
                log.warning("manifests are judged later (%s)", type(error).__name__)
        if self._producer is not None:
            self._producer.close(timeout=2)

    def _judge(self, until: Any) -> None:
        engine = self._events.engine
        with engine.connect() as connection:
            found = manifest.due_verdicts(connection, until)
        if not found:
            return
        for one in found:
            for event in one.events:
                self._tell(event)
        with engine.begin() as connection:
            manifest.keep(connection, found)

    def _tell(self, event: Any) -> None:
        if self._producer is None:
            self._producer = KafkaProducer(bootstrap_servers=self._config.brokers.split(","), acks="all")
        topic = named(self._config.topic_prefix, SYSTEM)
        headers = [("content-type", b"application/cloudevents+json")]
        self._producer.send(topic, key=event.subject.encode(), value=orjson.dumps(event.wire()), headers=headers).get(
            timeout=30
        )
