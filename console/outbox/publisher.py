"""The thread that publishes what was asked for, once its ten seconds are over. While Kafka is away it says so and tries again."""

import logging
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from brokers.connection import KafkaConnection
from console.db.rows import PendingRow
from console.outbox import outbox
from console.web.metrics import PUBLISHED
from schemas.parse import parse
from schemas.topics import named

log = logging.getLogger(__name__)

_CONTENT = [("content-type", b"application/cloudevents+json")]
_PAUSE_SECONDS, _AGAIN = 0.25, timedelta(seconds=3)
_KNOCK_SECONDS, _KNOCK_EACH = 0.5, timedelta(seconds=2)
SEND_SECONDS = 10


class Publisher:
    """Publishes pending actions in a thread of its own."""

    def __init__(self, engine: Engine, kafka: KafkaConnection, prefix: str, wall: Callable[[], datetime]) -> None:
        self._engine, self._kafka, self._prefix, self._wall = engine, kafka, prefix, wall
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._run, name="publisher", daemon=True)
        self._producer: KafkaProducer | None = None
        self._knocked: datetime | None = None
        self.away_since: datetime | None = None

    def start(self) -> None:
        """Begin."""
        self.knock()
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; what was not sent stays in the table for the next process."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=SEND_SECONDS + 5)
        self._close()

    def knock(self) -> bool:
        """Whether a broker's port answers; asked at most every two seconds."""
        wall = self._wall()
        if self._knocked is not None and wall - self._knocked < _KNOCK_EACH:
            return self.away_since is None
        self._knocked = wall
        if any(map(_is_reachable, self._kafka.servers)):
            if self.away_since is not None:
                log.warning("Kafka is back")
            self.away_since = None
        elif self.away_since is None:
            self.away_since = wall
            log.warning("Kafka does not answer at %s; actions wait", self._kafka.brokers)
        return self.away_since is None

    def _run(self) -> None:
        away = False
        while not self._stop.wait(_PAUSE_SECONDS):
            try:
                self.step()
                away = False
            except SQLAlchemyError as error:
                if not away:
                    log.warning("the database is away, actions wait: %s", type(error).__name__)
                away = True

    def step(self) -> None:
        """Look once: send what is due, close what has come back."""
        if self.knock():
            for row in outbox.claim(self._engine, self._wall()):
                self._send(row)
        outbox.settle(self._engine, self._wall())

    def _send(self, row: PendingRow) -> None:
        value = orjson.dumps(row["body"])
        event = parse(value)
        try:
            if self._producer is None:
                self._producer = make_producer(self._kafka)
            sent = self._producer.send(named(self._prefix, event.topic), value, event.subject.encode(), _CONTENT)
            sent.get(timeout=SEND_SECONDS)
        except (KafkaError, OSError) as error:
            self._close()
            log.warning("an action was not published: %s", type(error).__name__)
            outbox.mark_unpublished(self._engine, row["event_id"], type(error).__name__, self._wall() + _AGAIN)
        else:
            outbox.mark_published(self._engine, row["event_id"])
            PUBLISHED.labels(row["action"]).inc()

    def _close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=2)
            self._producer = None


def make_producer(kafka: KafkaConnection) -> KafkaProducer:
    """A producer whose records are acknowledged by all replicas. Raise KafkaError, OSError."""
    return KafkaProducer(
        **kafka.client(),
        acks="all",
        allow_auto_create_topics=False,
        max_block_ms=SEND_SECONDS * 1000,
        bootstrap_timeout_ms=SEND_SECONDS * 1000,
    )


def _is_reachable(broker: str) -> bool:
    host, _, port = broker.strip().rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_KNOCK_SECONDS):
            return True
    except (OSError, ValueError):
        return False
