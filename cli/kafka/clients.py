"""Kafka clients of commands: no broker, or one that refuses, ends the command in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cli.output import fail
from cli.runtime import no_broker, read_kafka

if TYPE_CHECKING:
    from brokers.connection import KafkaConnection
    from cli.settings import Settings

BOOTSTRAP_MS = 10_000  # how long a broker may take to answer


@contextmanager
def open_consumer(settings: Settings) -> Iterator[Any]:
    """Give a Kafka consumer without a group."""
    from brokers.clients import make_consumer
    from sinks.header_decoding import read_any_header_name

    read_any_header_name()

    def make(kafka: KafkaConnection) -> Any:
        return make_consumer(kafka, bootstrap_timeout_ms=BOOTSTRAP_MS, max_partition_fetch_bytes=4 * 1024 * 1024)

    with _open(settings, make) as client:
        yield client


@contextmanager
def open_admin(settings: Settings) -> Iterator[Any]:
    """Give a Kafka admin client."""
    from brokers.clients import make_admin

    with _open(settings, lambda kafka: make_admin(kafka, BOOTSTRAP_MS)) as client:
        yield client


@contextmanager
def _open(settings: Settings, make: Callable[[KafkaConnection], Any]) -> Iterator[Any]:
    from kafka.errors import KafkaError

    kafka = read_kafka(settings)
    try:
        client = make(kafka)
    except (KafkaError, OSError):
        no_broker(kafka)
    try:
        yield client
    except KafkaError as error:
        fail(f"the broker refused: {type(error).__name__} {error}", "look at it with: handover doctor")
    finally:
        client.close()
