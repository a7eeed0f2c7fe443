"""Clients that belong to no group, made from the one description of the connection."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer

from brokers.connection import KafkaConnection

BOOTSTRAP_MS = 30_000  # how long the first broker may take to answer
CLOSE_MS = 2_000


def make_admin(kafka: KafkaConnection, bootstrap_ms: int = BOOTSTRAP_MS) -> Any:
    """An admin client, for the caller to close. Raise KafkaError where no broker answers in time; OSError."""
    return KafkaAdminClient(**kafka.client(), bootstrap_timeout_ms=bootstrap_ms)


@contextmanager
def open_admin(kafka: KafkaConnection, bootstrap_ms: int = BOOTSTRAP_MS) -> Iterator[Any]:
    """The same, closed at the end."""
    with closing(make_admin(kafka, bootstrap_ms)) as admin:
        yield admin


def make_consumer(kafka: KafkaConnection, **options: Any) -> Any:
    """A consumer without a group, for the caller to close: it reads what is committed, commits nothing, and makes no topic.

    `options`: as of KafkaConsumer; they go before. Raise KafkaError where no broker answers in time; OSError.
    """
    ours = {"group_id": None, "enable_auto_commit": False, "allow_auto_create_topics": False}
    return KafkaConsumer(**{**kafka.reader(), **ours, **options})


@contextmanager
def open_consumer(kafka: KafkaConnection, **options: Any) -> Iterator[Any]:
    """The same, closed at the end."""
    consumer = make_consumer(kafka, **options)
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
