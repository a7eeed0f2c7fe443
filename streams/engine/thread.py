"""What must live in the consumer's own thread: the lease, the instants at which fetches were asked, and rewinding what was not claimed."""

import asyncio
import copy
import time
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from faust.transport.drivers import aiokafka as driver

from streams.engine.brokertime import BrokerTime
from streams.engine.records import read_any_header_name

FETCH_WAIT_MS = 50  # Faust hard-codes 1500: a deadline would wait for it


async def log_ends(consumer: Any, partitions: Any) -> Any:
    """Where partitions end, with what an open transaction holds back."""
    fetcher = copy.copy(consumer._fetcher)  # a fetch of another task must not see this level
    fetcher._isolation_level = READ_UNCOMMITTED
    return await fetcher.end_offsets(partitions, consumer._request_timeout_ms)


class FetchStamps:
    """When the last answered fetch of each partition was asked (brokers' clocks, s): what was appended before is below its high-water mark."""

    def __init__(self, consumer: Any, brokers: BrokerTime) -> None:
        self.asked: dict[TopicPartition, float] = {}
        self._empty: dict[TopicPartition, tuple[Any, int]] = {}  # of the state of one assignment
        read_any_header_name()
        self._brokers = brokers
        fetcher = consumer._fetcher
        fetcher._fetch_max_wait_ms = FETCH_WAIT_MS
        self._fetcher, self._proceed = fetcher, fetcher._proc_fetch_request
        fetcher._proc_fetch_request = self._stamped

    async def _stamped(self, assignment: Any, node: Any, request: Any) -> Any:
        asked = self._brokers.now()
        wanted = [(TopicPartition(topic, one[0]), one[1]) for topic, ones in request.topics for one in ones]
        before = {tp: state.timestamp for tp, _ in wanted if (state := assignment.state_value(tp))}
        result = await self._proceed(assignment, node, request)
        for tp, offset in wanted:
            state = assignment.state_value(tp)
            if state and state.timestamp != before.get(tp):
                if asked is not None:
                    self.asked[tp] = asked
                gap = (
                    state.has_valid_position
                    and state.position == offset < state.highwater
                    and state.lso == state.highwater  # else an open transaction holds back what is there
                    and tp not in self._fetcher._records
                )
                self._empty[tp] = state, self.empty(tp, state) + 1 if gap else 0
        return result

    def empty(self, tp: TopicPartition, state: Any) -> int:
        """How many answered fetches in a row brought nothing below the high-water mark, since the partition was assigned."""
        of, count = self._empty.get(tp, (None, 0))
        return count if of is state else 0


class LeaseThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Until the last *successful* heartbeat + session timeout nobody else can own our partitions."""

    beat = float("-inf")
    stamps: FetchStamps | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pending: dict[TopicPartition, int] = {}
        self._fetching: asyncio.Lock | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its loop is closed: nothing can be asked of the broker any more, nor committed."""
        return bool(self.thread_loop.is_closed())

    def _stopped_set(self) -> None:
        """A thread that crashed has closed its loop before the main thread stops it."""
        if self.has_ended:
            self._stopped.set()
        else:
            super()._stopped_set()

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        """What a transaction has taken back, or not yet decided, is no fact. Faust asks for that only where it writes transactions itself."""
        consumer = super()._create_consumer(loop)
        consumer._isolation_level = "read_committed"
        return consumer

    async def seek_to_committed(self) -> Any:
        """After a rebalance everything begins at the committed offset."""
        self.pending = {}
        return await super().seek_to_committed()

    async def _highwaters(self, partitions: Any) -> Any:
        """Where changelogs end: no recovery ends before what an open transaction holds back is decided and read."""
        return await log_ends(self._consumer, partitions)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: Any = None, max_records: Any = None
    ) -> Any:
        """Fetch; but first seek back to what the last fetch brought and nobody claimed. One at a time: a cancelled fetch runs on."""
        self._fetching = self._fetching or asyncio.Lock()
        async with self._fetching:
            assignment = consumer._subscription.subscription.assignment
            for tp, first in self.pending.items():
                state = assignment.state_value(tp)
                if state and state.has_valid_position and state.position > first:
                    self.log.warning("rewinding %s from %s to %s", tp, state.position, first)
                    consumer.seek(tp, first)
            self.pending = {}
            records = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
            self.pending = {tp: found[0].offset for tp, found in records.items() if found}
            return records

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Nothing comes by Faust's streams, so their standing still says nothing: the engine tells when its last step was."""

    async def on_start(self) -> None:
        """Wrap the fetcher and the heartbeat of the consumer that has just been made."""
        await super().on_start()
        self.stamps = FetchStamps(self._consumer, self.app.broker_time)
        coordinator = self._consumer._coordinator
        heartbeat = coordinator._do_heartbeat

        async def leased() -> Any:
            asked, generation = time.monotonic(), coordinator.generation
            good = await heartbeat()
            if good and not coordinator._rejoin_needed_fut.done() and generation == coordinator.generation:
                self.beat = asked
            return good

        coordinator._do_heartbeat = leased
