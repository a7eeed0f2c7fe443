"""Faust's recovery, fed in lists: what a changelog holds goes to the store, and it ends when the end has been read."""

import time
from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service


class Incomplete(RuntimeError):
    """A recovery ended before the end of a changelog: going on would write over cases that were never read. Die and recover."""


class BatchRecovery(Recovery):  # type: ignore[misc]
    """Which changelog partitions are read, and how far."""

    def _set_recovery_started(self) -> None:
        super()._set_recovery_started()
        self.signal_recovery_end.clear()  # an earlier recovery, seconds ago, may have left it set

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        """As Faust's, but where brokers take longer than `timeout` the recovery begins anew.

        Faust takes that for its own stop: it ends the task of recoveries without a word, and no partition is ever recovered again.
        """
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            if self.should_stop:
                raise
            self.log.warning("the brokers took longer than %s s; recovery begins anew", timeout)
            self.signal_recovery_start.set()
            raise RebalanceAgain from None

    @Service.task  # type: ignore[untyped-decorator]
    async def _slurp_changelogs(self) -> None:
        """Nothing comes through Faust's queue of changelog events, and nobody else may clear the signal."""

    def take(self, tp: TP, found: list[Any]) -> bool:
        """Take changelog records. False: nothing in them was new."""
        news = bool(self.tp_to_table[tp].data.apply(tp, found))
        self._read_to(tp, found[-1].offset)
        return news

    def close_gap(self, tp: TP, highwater: int) -> None:
        """The end has been read: the last offsets may belong to no record (cleaned tombstones, markers)."""
        self.tp_to_table[tp].data.set_persisted_offset(tp, highwater - 1)
        self._read_to(tp, highwater - 1)

    def _read_to(self, tp: TP, offset: int) -> None:
        offsets = self.active_offsets if tp in self.active_tps else self.standby_offsets
        offsets[tp] = max(offset, offsets.get(tp, -1))
        self._active_events_received_at[tp] = time.monotonic()
        if self.in_recovery and not self.need_recovery():
            self._set_recovery_ended()
            self.signal_recovery_end.set()

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Go on with the tables as they are read. Raise Incomplete."""
        if generation_id == self.app.consumer_generation_id:
            for tp in self.active_tps:
                known, needed = self.tp_to_table[tp].data.persisted_offset(tp), self.active_highwaters.get(tp, -1)
                if known < needed:
                    raise Incomplete(f"{tp.topic}[{tp.partition}]: cases were read up to {known} of {needed} only")
        await super().on_recovery_completed(generation_id)


class Tables(TableManager):  # type: ignore[misc]
    """Faust's tables with our recovery."""

    _recovery: BatchRecovery | None = None

    async def on_start(self) -> None:
        """As Faust's, but the agents say when they have started: Faust waits a second."""
        await self.app.agents.wait_until_agents_started()
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()

    @property
    def recovery(self) -> BatchRecovery:
        """The one recovery of all tables."""
        if self._recovery is None:
            self._recovery = BatchRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
