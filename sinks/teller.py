"""Telling the workers what only a sink can see, as events on the system topic: they alone raise alerts."""

import threading
from typing import Any

import orjson
from kafka import KafkaProducer

from schemas.envelope import Event
from schemas.topics import SYSTEM, named

ACKNOWLEDGED_SECONDS = 30


class Teller:
    """A producer, made when first needed. Used by several threads."""

    def __init__(self, brokers: str, prefix: str) -> None:
        self._brokers, self._prefix = brokers, prefix
        self._producer: Any = None
        self._making = threading.Lock()

    def tell(self, event: Event) -> None:
        """Send one and wait until every replica has it. Raise KafkaError."""
        with self._making:
            if self._producer is None:
                self._producer = KafkaProducer(
                    bootstrap_servers=self._brokers.split(","), acks="all", allow_auto_create_topics=False
                )
        sent = self._producer.send(
            named(self._prefix, SYSTEM),
            key=event.subject.encode(),
            value=orjson.dumps(event.wire()),
            headers=[("content-type", b"application/cloudevents+json")],
        )
        sent.get(timeout=ACKNOWLEDGED_SECONDS)

    def close(self) -> None:
        """End the producer."""
        if self._producer is not None:
            self._producer.close(timeout=2)
