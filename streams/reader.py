"""A reader of topics that belongs to no group and runs in the worker's loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer

from brokers.connection import KafkaConnection


@asynccontextmanager
async def open_reader(kafka: KafkaConnection, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of what is committed, that commits nothing, started and at the end stopped. Raise KafkaError.

    `options`: as of AIOKafkaConsumer; they go before.
    """
    consumer = AIOKafkaConsumer(**{**kafka.reader(), "group_id": None, "enable_auto_commit": False, **options})
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
