"""Every worker reads the whole system topic: calendars, the registry, rule versions and the state of all feeds.

The topic forgets. What concerns all cases for years is kept on a topic of the workers' own (`streams/input_buffer.py`), and read first.
"""

import asyncio
import contextlib
import heapq
import logging
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from handover.cases.shared_state import SharedState
from schemas import publishers
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.parse import InvalidEvent, parse
from schemas.topics import ACTION, SYSTEM, WORLD, named
from streams import metrics
from streams.clock import Clock
from streams.engine.brokertime import BrokerTime
from streams.engine.thread import FETCH_WAIT_MS, FetchStamps, log_ends
from streams.reader import open_reader
from streams.repartition import event_of
from streams.watermark import Frontier, least

log = logging.getLogger(__name__)

POLL_MS = 100


class SystemReader:
    """Brings the world what concerns all cases, in order of arrival, and says how far it is known."""

    def __init__(self, config: Any, world: SharedState, clock: Clock, brokers: BrokerTime) -> None:
        self.world = world
        self._brokers = brokers
        self._config, self._clock = config, clock
        self.publishers = publishers.load(config.publishers)
        self._told: list[tuple[int, int, Event]] = []  # a heap by arrival (ms)
        self._frontiers: dict[TopicPartition, Frontier] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._stamps: FetchStamps | None = None
        self._number = 0
        self.told_until: int | None = None  # the world knows everything below this broker timestamp (ms)

    async def run(self) -> None:
        """Read for ever; while the broker is away, wait."""
        topics = [named(self._config.topic_prefix, topic) for topic in (SYSTEM, ACTION)]
        options = {"auto_offset_reset": "earliest", "fetch_max_wait_ms": FETCH_WAIT_MS}
        async with open_reader(self._config.kafka, **options) as consumer:
            places = [TopicPartition(topic, number) for topic in topics for number in range(self._config.partitions)]
            await self._recall(consumer)
            consumer.assign(places)
            self._stamps = FetchStamps(consumer, self._brokers)
            await consumer.seek_to_beginning(*places)
            self._frontiers = {place: Frontier() for place in places}
            self._consumer = consumer
            while True:
                with contextlib.suppress(KafkaError):
                    for place, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                        self._take(place, records)
                await asyncio.sleep(0)

    async def _recall(self, consumer: AIOKafkaConsumer) -> None:
        """Read what has been kept so far; of what is kept later the system topic still has the original."""
        topic = named(self._config.topic_prefix, WORLD)
        waited = False
        while topic not in await consumer.topics():
            if not waited:
                log.error("topic %s does not exist, so nothing can be judged: handover topics apply; waiting", topic)
            waited = True
            await asyncio.sleep(1)
        places = [TopicPartition(topic, number) for number in range(self._config.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        for place, end in (await log_ends(consumer, places)).items():
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=POLL_MS)).values():
                    for record in records:
                        self._remember(record)

    def _remember(self, record: Any) -> None:
        try:
            event, at = event_of(record)
        except (InvalidEvent, ValueError, OverflowError) as error:
            place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
            log.warning("%s: passed over, no worker wrote this: %s", place, error)
            metrics.RECORDS.labels(record.topic, "invalid").inc()
            return
        self._hear(at, event)

    def _hear(self, at: int, event: Event) -> None:
        self._number += 1
        heapq.heappush(self._told, (at, self._number, event))

    def _take(self, place: TopicPartition, records: list[Any]) -> None:
        topic = place.topic.removeprefix(self._config.topic_prefix)
        for record in records:
            arrival = self._clock.arrival(record.timestamp)
            try:
                event = parse(record.value, record.headers, arrival, topic, self.publishers)
            except InvalidEvent:
                continue  # the worker that owns its partition buries it
            if event.fact.startswith("system.") or event.subject.startswith("/"):
                self._hear(self._clock.millis_at(record.timestamp), event)
        self._frontiers[place].last_ms = records[-1].timestamp

    def bound(self) -> int | None:
        """Below this broker timestamp (ms) everything has been read; None: not yet known."""
        if self._consumer is None or self._stamps is None:
            return None
        grace = round(self._config.grace_seconds * 1000)
        return least(frontier.bound(self._read_until(place), grace) for place, frontier in self._frontiers.items())

    def _read_until(self, place: TopicPartition) -> int | None:
        assert self._consumer is not None
        assert self._stamps is not None
        asked = self._stamps.asked.get(place)
        state = self._consumer._subscription.subscription.assignment.state_value(place)  # noqa: SLF001  # as the engine does
        if asked is None or state is None or state.highwater is None or not state.has_valid_position:
            return None
        return int(asked * 1000) if state.position >= state.highwater else None

    def advance(self) -> None:
        """Tell the world everything below the bound."""
        bound = self.bound()
        if bound is None:
            return
        self.told_until = bound
        before = self._clock.millis_at(bound)
        while self._told and self._told[0][0] < before:
            at, _, event = heapq.heappop(self._told)
            self.world.take(event, from_millis(at))
