"""Telling of transactions that stay open: what is behind one waits, and so does every deadline after it."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from brokers.connection import KafkaConnection
from brokers.hanging import remedy
from streams import metrics

log = logging.getLogger(__name__)

LOOKED_EACH_SECONDS = 1.0
LONG_SECONDS = 10.0  # a transaction may be open for a moment


@dataclass(slots=True)
class Undecided:
    """Since when (s, of a clock that never jumps) each partition has been held back at one offset."""

    since: dict[TP, tuple[int, float]] = field(default_factory=dict)
    told: dict[TP, int] = field(default_factory=dict)  # the offset, of those that have been told

    def look(self, held: Mapping[TP, int], now: float) -> tuple[dict[TP, int], list[TP]]:
        """Take what is held back now. Return what is to be told, with its offset, and what goes on."""
        self.since = {
            tp: (offset, self.since[tp][1] if tp in self.since and self.since[tp][0] == offset else now)
            for tp, offset in held.items()
        }
        over = [tp for tp, offset in self.told.items() if held.get(tp) != offset]
        for tp in over:
            del self.told[tp]
        fresh = {
            tp: offset
            for tp, (offset, since) in self.since.items()
            if now - since >= LONG_SECONDS and tp not in self.told
        }
        self.told.update(fresh)
        return fresh, over


async def watch_undecided(app: Any, kafka: KafkaConnection) -> None:
    """Look every second; log what has been open for long, and that it goes on."""
    known, shown = Undecided(), set[TP]()
    while not app.should_stop:
        await app.sleep(LOOKED_EACH_SECONDS)
        now, held = time.monotonic(), app.consumer.undecided()
        fresh, over = known.look(held, now)
        for tp, offset in fresh.items():
            log.error(
                "%s[%d]: a transaction has been open for %g s: nothing from offset %d on is read, and deadlines after it wait; %s",
                *(tp.topic, tp.partition, LONG_SECONDS, offset, remedy(tp.topic, tp.partition, offset, kafka)),
            )
        for tp in over:
            log.warning("%s[%d]: its open transaction has ended", tp.topic, tp.partition)
        for tp, (_, since) in known.since.items():
            metrics.UNDECIDED.labels(tp.topic, tp.partition).set(now - since)
        for tp in shown - known.since.keys():
            metrics.UNDECIDED.remove(tp.topic, str(tp.partition))
        shown = set(known.since)
