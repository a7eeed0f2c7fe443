"""What a worker holds in memory of the partitions it owns. The topics count: a crash loses all of this, and nothing with it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handover.cases.shared_state import SharedState
from schemas.instants import from_millis
from streams.case_cache import Cases
from streams.clock import Clock
from streams.engine.heap import TimerQueue
from streams.engine.store import NEVER, PartitionStore
from streams.input_buffer import BufferedEvent, InputBuffer
from streams.quarantine import Quarantine
from streams.time_slice import TimeSlice

EVER = from_millis(0)
STALE_ENTRIES = 1_000  # of a heap, beside as many as there are cases


@dataclass
class WorkerState:
    """All phases of a step share it. Each part has its own end, which is why they are not one object for each partition.

    | part                              | `clear`: partitions revoked | `give_up`: a step | `forget_timers`: foreign changelog record |
    |-----------------------------------|-----------------------------|-------------------|-------------------------------------------|
    | `inbox`                           | emptied                     | facts wait again  | facts wait again                          |
    | `cases` (decoded)                 | emptied                     | emptied           | emptied                                   |
    | `timers`                          | stay: `drop_timers_but`     | emptied           | those of the partition                    |
    | `processed`                       | emptied                     | emptied           | stays                                     |
    | `to_review`, `hidden`             | emptied                     | stay              | stay                                      |
    | `quarantine`                      | emptied                     | stays             | stays                                     |
    """

    store: PartitionStore
    config: Any
    clock: Clock
    shared: SharedState
    inbox: InputBuffer
    cases: Cases
    quarantine: Quarantine
    slice: TimeSlice = field(default_factory=TimeSlice)
    timers: dict[int, TimerQueue] = field(default_factory=dict)  # without an entry: to be built from the table
    processed: dict[int, datetime] = field(default_factory=dict)  # changes of the shared state before it are applied
    to_review: dict[int, dict[bytes, None]] = field(default_factory=lambda: defaultdict(dict))  # cases, each once
    hidden: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))  # keys of foreign changelog records

    def clear(self) -> None:
        """Forget what is of an assignment that has ended. Timers stay: they are as true as the table, which stays too."""
        self.inbox.clear()
        self.cases.clear()
        self.quarantine.clear()
        self.to_review.clear()
        self.processed.clear()
        self.hidden.clear()

    def give_up(self, facts: Iterable[BufferedEvent]) -> None:
        """What is in the table counts: forget what a step decoded and changed, and take its facts again."""
        self.inbox.put_back(facts)
        self.inbox.put_back()
        self.cases.clear()
        self.timers.clear()
        self.processed.clear()

    def forget_timers(self, partition: int) -> bool:
        """A record of another writer is in a partition's changelog: its heap is stale. Return whether there was one."""
        if self.timers.pop(partition, None) is None:
            return False
        self.cases.clear()
        self.inbox.put_back()
        return True

    def drop_timers_but(self, owned: set[int]) -> None:
        """Forget the heaps of partitions that belong to another worker now."""
        for partition in self.timers.keys() - owned:
            del self.timers[partition]

    def build_timers(self, partition: int) -> None:
        """Make the heap of a partition from what the table keeps beside each case: none is decoded."""
        self.timers[partition] = TimerQueue(one for one in self.cases.instants(partition) if one[0] != NEVER)

    def drop_stale_timers(self, partition: int) -> None:
        """Make a heap anew once most of its entries are stale: they go by themselves only when their instants come, perhaps in years."""
        if len(self.timers[partition]) > STALE_ENTRIES + 2 * len(self.store.parts[partition]):
            self.build_timers(partition)
