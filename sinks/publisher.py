"""What sinks publish: to the workers what only a sink can see (they alone raise alerts), to the dead letters what cannot be written."""

import threading
from collections.abc import Sequence
from typing import Any

import orjson
from kafka import KafkaProducer

from brokers.connection import KafkaConnection
from schemas.envelope import Event
from schemas.topics import SYSTEM, named

ACKNOWLEDGED_SECONDS = 30


class EventPublisher:
    """A producer, made when first needed. Used by several threads."""

    def __init__(self, kafka: KafkaConnection, prefix: str) -> None:
        self._kafka, self.prefix = kafka, prefix
        self._producer: Any = None
        self._making = threading.Lock()

    def publish(self, event: Event) -> None:
        """Send one and wait until every replica has it. Raise KafkaError."""
        headers = [("content-type", b"application/cloudevents+json")]
        self.send(SYSTEM, event.subject.encode(), orjson.dumps(event.wire()), headers)

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> None:
        """Send a record to a topic (without prefix) and wait until every replica has it. Raise KafkaError."""
        with self._making:
            if self._producer is None:
                self._producer = KafkaProducer(**self._kafka.client(), acks="all", allow_auto_create_topics=False)
        sent = self._producer.send(named(self.prefix, topic), key=key, value=value, headers=list(headers))
        sent.get(timeout=ACKNOWLEDGED_SECONDS)

    def close(self) -> None:
        """End the producer."""
        if self._producer is not None:
            self._producer.close(timeout=2)
