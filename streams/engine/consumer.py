"""The drain loop: lists of records per partition instead of one event at a time through four tasks."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.thread import LeaseThread

POLL_SECONDS = 0.05
PAUSE_SECONDS = 0.02
FRESH_SECONDS = 5.0  # since a partition was last fetched
LEASED_SHARE = 0.7  # of the session timeout: what we may still write before another can own the partition


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Polls, hands changelog records to the store and source records to the engine, and commits what the engine has done."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.done: dict[TP, int] = {}  # the next offset to read after a restart
        self.idle = asyncio.Event()
        self.idle.set()

    # --- commits: one number per partition instead of lists of acknowledged events

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return list(self.done)

    def _new_offset(self, tp: TP) -> int | None:
        return self.done.get(tp)

    async def wait_empty(self) -> None:
        """On revoke and on shutdown: let the running step end, then commit. What is not committed is read again."""
        await self.idle.wait()
        if not self._thread.has_ended:
            await self.commit_and_end_transactions()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget offsets of what is not ours any more."""
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.done.pop(tp, None)

    def _passed(self, places: Iterable[TP]) -> dict[TP, int]:
        """Up to which offset partitions were read by the last poll, also where it brought no record: markers and what was taken back."""
        unclaimed, found = self._thread.pending, {}
        for tp in places:
            state = self._assignment().state_value(TopicPartition(*tp))
            if state is not None and state.has_valid_position and TopicPartition(*tp) not in unclaimed:
                found[tp] = state.position
        return found

    def undecided(self) -> dict[TP, int]:
        """Of the partitions that we read now, those in which a transaction is open: the offset at which all that follows is held back."""
        consumer, found = self._thread._consumer, dict[TP, int]()
        subscription = None if consumer is None else consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return found
        for tp in self.assignment():
            state = subscription.assignment.state_value(TopicPartition(*tp))
            if state is None or state.lso is None or not state.has_valid_position:
                continue
            fresh = time.time() - state.timestamp / 1000 < FRESH_SECONDS
            if fresh and state.lso < state.highwater and state.position >= state.lso:
                found[tp] = state.lso
        return found

    def _new_consumer_thread(self) -> LeaseThread:
        return LeaseThread(self, loop=self.loop, beacon=self.beacon)

    # --- the lease

    def lease_ok(self) -> bool:
        """Whether nobody else can own our partitions."""
        return bool(time.monotonic() - self._thread.beat < self.app.conf.broker_session_timeout * LEASED_SHARE)

    async def lease(self) -> bool:
        """Wait for it. False: we are being rebalanced or stopped, give up this step."""
        while not self.lease_ok():
            if not self.flow_active or self.should_stop:
                return False
            await asyncio.sleep(PAUSE_SECONDS)
        return True

    # --- time

    def read_until(self, tp: TP) -> float | None:
        """The second, by the brokers' clocks, before which everything in a partition has been handed to us; None: we are not at its end."""
        stamps = self._thread.stamps
        if stamps is None:
            return None
        asked = stamps.asked.get(
            TopicPartition(*tp)
        )  # before position and high-water mark: they live in another thread
        state = self._assignment().state_value(TopicPartition(*tp))
        if asked is None or state is None or state.highwater is None or not state.has_valid_position:
            return None
        return asked if state.position >= state.highwater else None

    def _assignment(self) -> Any:
        return self._thread._consumer._subscription.subscription.assignment

    # --- the loop

    async def _drain_messages(self, fetcher: Any) -> None:
        while not (self._stopped.is_set() or fetcher._stopped.is_set()):
            try:
                await self._poll()
            except self.consumer_stopped_errors:
                if self.app.should_stop:
                    return
                raise

    async def _poll(self) -> None:
        app, engine, recovery = self.app, self.app.engine, self.app.tables.recovery
        ready = engine.ready and self.flow_active and not app.in_recovery and not app.rebalancing and self.lease_ok()
        # Never fetch what we will not take: fetching moves the position.
        active = self._get_active_partitions()
        sources = {tp for tp in active if tp.topic in engine.sources}
        wanted = active - sources | (engine.wanted(sources) if ready else set())
        if not self.flow_active or not (wanted or ready):
            await asyncio.sleep(PAUSE_SECONDS)
            return
        generation = app.consumer_generation_id
        records = await self._getmany(wanted, 0.0 if engine.busy else POLL_SECONDS) if wanted else {}
        # What was read for an earlier assignment would leave a hole in what is ours now.
        work = self._claim(recovery, records) if generation == app.consumer_generation_id else {}
        if ready and engine.stale and not app.rebalancing:
            await engine.rebuild()
        if not ready or not self.flow_active or generation != app.consumer_generation_id:
            await asyncio.sleep(0)
            return
        await self._step(work, self._passed(wanted & sources))

    def _claim(self, recovery: Any, records: Mapping[Any, list[Any]]) -> dict[TP, list[Any]]:
        """Hand changelog records to the store; return the others, which only a step claims."""
        engine, work = self.app.engine, {}
        for place, found in records.items():
            tp = TP(place.topic, place.partition)
            if tp.topic in engine.sources:
                work[tp] = found
            elif tp in recovery.tp_to_table:
                if recovery.take(tp, found):
                    engine.forget(tp.partition)
                self._thread.pending.pop(place, None)
        if recovery.in_recovery:
            self._close_gaps(recovery)
        return work

    async def _step(self, work: dict[TP, list[Any]], passed: Mapping[TP, int]) -> None:
        engine = self.app.engine
        self.idle.clear()
        try:
            engine.take(work, passed)
            self._thread.pending = {}
            if await engine.step():
                for tp, offset in engine.offsets().items():
                    self.done[tp] = offset
                    self._read_offset[tp] = offset - 1
        finally:
            self.idle.set()
        await asyncio.sleep(0)

    def _close_gaps(self, recovery: Any) -> None:
        stamps, unclaimed = self._thread.stamps, self._thread.pending
        for tp in recovery.active_tps:
            place = TopicPartition(*tp)
            state = self._assignment().state_value(place)
            if place in unclaimed or not (state and state.highwater and state.has_valid_position):
                continue
            if state.position >= state.highwater or (stamps is not None and stamps.empty(place, state) > 1):
                recovery.close_gap(tp, state.highwater)
