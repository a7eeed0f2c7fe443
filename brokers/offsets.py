"""Where partitions begin and end, asked through a consumer. A partition whose leader is not known is an error, never left out."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from kafka import TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

ANSWER_MS = 5_000  # how long the brokers may take
AGAIN_SECONDS = 0.2
T = TypeVar("T")
Read = Callable[[Any, Collection[TopicPartition]], Mapping[TopicPartition, int]]


def read_ends(consumer: Any, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Where partitions end. Raise KafkaError, also for one that is there no more or has no leader now."""
    return _ask(consumer.end_offsets, places)


def read_firsts(consumer: Any, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Where partitions begin. Raise KafkaError, also for one that is there no more or has no leader now."""
    return _ask(consumer.beginning_offsets, places)


def await_offsets(
    read: Read, consumer: Any, places: Collection[TopicPartition], seconds: float
) -> Mapping[TopicPartition, int]:
    """What `read` reads, asked again while a leader is elected. Raise the last KafkaError after so many seconds."""
    return await_answer(lambda: read(consumer, places), seconds)


def await_answer(ask: Callable[[], T], seconds: float) -> T:
    """What the brokers answer, asked again while one of them is away. Raise the last KafkaError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > end:
                raise
        time.sleep(AGAIN_SECONDS)


def _ask(ask: Callable[..., Any], places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    if not places:
        return {}
    try:
        offsets: Mapping[TopicPartition, int] = ask(sorted(places), timeout_ms=ANSWER_MS)
    except KeyError as error:  # kafka-python: a partition whose leader is not known
        raise UnknownTopicOrPartitionError("the leader of a partition is not known") from error
    if missing := set(places) - offsets.keys():
        raise UnknownTopicOrPartitionError(f"{len(missing)} partitions are not there")
    return offsets
