"""The product's own domain code for the peers: a record goes to the case of its subject, which lives on to the record's arrival.

What the peers are spared, in their favour: records in wrong partitions, facts told on to other cases (disputes, merges), dead letters,
offsets in the state, fencing.
"""

import heapq
from collections import OrderedDict
from datetime import timedelta
from typing import Any

import orjson

from benchmarks.peers.jobs.place import RUN
from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas import alert as alerts
from schemas.instants import from_millis, millis
from schemas.parse import InvalidEvent, parse
from schemas.topics import SOURCES, named

DECODED = 100_000  # cases kept decoded, as in `streams/case_cache.py`
MILLISECOND = timedelta(milliseconds=1)
CITY_SOURCES = [named(f"{RUN}.", topic) for topic in SOURCES]
Sent = list[tuple[bytes, bytes]]


class City:
    """The rules, the world, and a bounded number of decoded cases."""

    def __init__(self) -> None:
        self.world = SharedState(load("cn-default"), load_calendar())
        self._decoded: OrderedDict[bytes, Case] = OrderedDict()

    def case(self, key: bytes, value: bytes | None) -> Case:
        """The case of a key: decoded before, or read from what was stored, or empty."""
        found = self._decoded.get(key)
        if found is None:
            found = self._decoded[key] = decode_case(value) if value else Case.empty(key.decode())
            if len(self._decoded) > DECODED:
                self._decoded.popitem(last=False)
        else:
            self._decoded.move_to_end(key)
        return found

    def take(self, case: Case, topic: str, value: bytes | None, headers: Any, arrival_ms: int) -> Sent | None:
        """The alerts that a record gives; None where the case stays as it was (no event, or told before)."""
        arrival = from_millis(arrival_ms)
        try:
            event = parse(value, headers or (), arrival, topic.removeprefix(f"{RUN}."))
        except InvalidEvent:
            return None
        if event.fact.startswith("system.") or event.subject.startswith("/"):
            self.world.take(event, arrival)
        if event.subject != case.subject or not case.take(event, arrival):
            return None
        return self.live(case, arrival_ms)

    def live(self, case: Case, until_ms: int) -> Sent:
        """The alerts that come until an instant, included."""
        found = advance(case, self.world, from_millis(until_ms) + MILLISECOND)
        return [(one.alert_id.encode(), orjson.dumps(alerts.event(one, case.written(one)))) for one in found]


class TimerQueue:
    """The next instants of cases, for peers that have none of their own."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, bytes]] = []

    def push(self, case: Case, partition: int, key: bytes) -> None:
        """Remember when a case can change by itself."""
        if case.next_at is not None:
            heapq.heappush(self._heap, (millis(case.next_at), partition, key))

    def due(self, until_ms: int) -> tuple[int, int, bytes] | None:
        """The next one that has come, taken out."""
        return heapq.heappop(self._heap) if self._heap and self._heap[0][0] <= until_ms else None
