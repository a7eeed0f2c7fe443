"""Reading what topics hold from beginning to end, merged by the broker's timestamps, in little memory."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from cli.output import Bar, fail
from schemas.topics import named

if TYPE_CHECKING:
    from cli.settings import Settings
    from schemas.topics import Topic

T = TypeVar("T")
_AHEAD = 4_000  # records of one partition that may wait for slower ones
_SILENCE_SECONDS = 30.0
LEADER_SECONDS = 30.0  # how long a partition may be without a leader


def read_records(client: Any, topics: Sequence[str], what: str) -> Iterator[Any]:
    """Yield the records that the topics hold now, merged by timestamp; end the command where a topic is missing."""
    ends = _read_ends(client, topics)
    waiting: dict[Any, deque[Any]] = {partition: deque() for partition in ends}
    client.assign(list(ends))
    client.seek_to_beginning(*ends)
    open_ones = {one for one, first in _read_firsts(client, ends).items() if first < ends[one]}
    with Bar(what, sum(ends.values())) as bar:
        heads: list[tuple[int, str, int, int]] = []
        while open_ones or heads:
            lacking = {one for one in open_ones if not waiting[one]}
            if lacking:
                heads = _fetch(client, waiting, ends, open_ones, lacking)
                continue
            heads = heads or _heads(waiting)
            while heads:
                record = _pop(waiting, heads)
                bar.advance()
                yield record
                place = (record.topic, record.partition)  # equal to the TopicPartition, and quicker
                if place in open_ones and not waiting[place]:
                    break


def find_log_begin(client: Any, settings: Settings, topics: Sequence[Topic]) -> int | None:
    """Return the broker time (ms) from which on the topics hold everything that was told; None where nothing has been forgotten yet.

    What a partition holds begins with its first record; one that holds none has forgotten what is older than its retention.
    """
    kept_ms = {named(settings.topic_prefix, topic): topic.retention_ms or 0 for topic in topics}
    ends = _read_ends(client, list(kept_ms))
    firsts = {place: first for place, first in _read_firsts(client, ends).items() if first > 0}
    now_ms = time.time_ns() // 1_000_000
    stamps = {place: _stamp(client, place, first, ends[place]) for place, first in firsts.items()}
    return max(
        (now_ms - kept_ms[place.topic] if stamp is None else stamp for place, stamp in stamps.items()), default=None
    )


def _stamp(client: Any, place: Any, offset: int, end: int) -> int | None:
    """Return the timestamp of the first record from an offset on; None where there is none up to the end."""
    if offset >= end:
        return None
    client.assign([place])
    client.seek(place, offset)
    before = time.monotonic()
    while not (found := client.poll(timeout_ms=500, max_records=1)):
        if client.position(place) >= end:  # nothing but what transactions took back, and their ends
            return None
        if time.monotonic() - before > _SILENCE_SECONDS:
            fail(f"the broker has given no record for {_SILENCE_SECONDS:.0f} s", "look at it with: handover doctor")
    return int(found[place][0].timestamp)


def _read_ends(client: Any, topics: Sequence[str]) -> dict[Any, int]:
    from kafka import TopicPartition

    from brokers.offsets import read_ends

    partitions = []
    for topic in topics:
        known = _await_brokers(partial(client.partitions_for_topic, topic), [topic])
        if not known:
            fail(f"topic {topic} does not exist", "create the topics: handover topics apply")
        partitions += [TopicPartition(topic, number) for number in sorted(known)]
    return dict(_await_brokers(partial(read_ends, client, partitions), topics))


def _read_firsts(client: Any, places: Collection[Any]) -> Mapping[Any, int]:
    from brokers.offsets import read_firsts

    return _await_brokers(partial(read_firsts, client, places), {place.topic for place in places})


def _await_brokers(ask: Callable[[], T], topics: Iterable[str]) -> T:
    """Ask of topics; end with one line where a partition has no leader for too long."""
    from kafka.errors import KafkaError

    from brokers.offsets import await_answer

    try:
        return await_answer(ask, LEADER_SECONDS)
    except KafkaError as error:
        if not error.retriable:
            raise
        fail(
            f"a partition of {', '.join(sorted(topics))} has had no leader for {LEADER_SECONDS:.0f} s",
            "start the brokers that are down; more with: handover doctor",
        )


def _heads(waiting: dict[Any, deque[Any]]) -> list[tuple[int, str, int, int]]:
    heads = [_head(queue[0]) for queue in waiting.values() if queue]
    heapq.heapify(heads)
    return heads


def _head(record: Any) -> tuple[int, str, int, int]:
    return (record.timestamp, record.topic, record.partition, record.offset)


def _pop(waiting: dict[Any, deque[Any]], heads: list[tuple[int, str, int, int]]) -> Any:
    _, topic, partition, _ = heads[0]
    queue = waiting[topic, partition]
    record = queue.popleft()
    if queue:
        heapq.heapreplace(heads, _head(queue[0]))
    else:
        heapq.heappop(heads)
    return record


def _fetch(
    client: Any, waiting: dict[Any, deque[Any]], ends: dict[Any, int], open_ones: set[Any], lacking: set[Any]
) -> list[tuple[int, str, int, int]]:
    """Fetch until a lacking partition has something or is read to its end; return the new heads."""
    _pace(client, waiting, open_ones)
    before = time.monotonic()
    while True:
        for partition, records in client.poll(timeout_ms=500, max_records=20_000).items():
            waiting[partition].extend(record for record in records if record.offset < ends[partition])
        done = {one for one in open_ones if client.position(one) >= ends[one]}
        open_ones -= done
        if done or any(waiting[one] for one in lacking):
            return _heads(waiting)
        if time.monotonic() - before > _SILENCE_SECONDS:
            fail(f"the broker has given no record for {_SILENCE_SECONDS:.0f} s", "look at it with: handover doctor")


def _pace(client: Any, waiting: dict[Any, deque[Any]], open_ones: set[Any]) -> None:
    ahead = [one for one in waiting if one not in open_ones or len(waiting[one]) > _AHEAD]
    near = [one for one in waiting if one in open_ones and len(waiting[one]) <= _AHEAD]
    if ahead:
        client.pause(*ahead)
    if near:
        client.resume(*near)
