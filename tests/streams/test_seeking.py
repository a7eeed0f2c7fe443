"""Faust's recovery can ask for a place that it does not know: a rebalance came between building the offsets and seeking."""

import asyncio
from collections.abc import Mapping

from faust.types import TP

from streams.engine.consumer import BatchConsumer

KNOWN, NEW = TP("reentry.case.v1", 0), TP("reentry.case.v1", 1)


class Seeker:
    def __init__(self) -> None:
        self.sought: Mapping[TP, int] = {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.sought = partitions


def test_a_standby_of_which_nothing_was_read_begins_at_its_beginning() -> None:
    consumer = object.__new__(BatchConsumer)
    consumer._thread = seeker = Seeker()
    asyncio.run(consumer.seek_wait({KNOWN: 7, NEW: None}))
    assert seeker.sought == {KNOWN: 7, NEW: 0}
