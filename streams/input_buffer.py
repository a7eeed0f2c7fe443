"""Records read and not yet lived through: parsed, sent on where they belong elsewhere, waiting for their turn."""

import heapq
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faust.types import TP

from handover.cases.shared_state import SHARED
from handover.facts.forwarding import routes
from schemas.envelope import Event
from schemas.instants import millis
from schemas.parse import InvalidEvent, parse
from schemas.topics import DLQ, ROUTED, WORLD, named
from streams import metrics
from streams.clock import Clock
from streams.dead_letters import dead_letter
from streams.engine.transport import Output, TooLarge
from streams.markers import Markers
from streams.repartition import arrived, home, kept, marker_of, routed
from streams.watermark import Frontier

LONGEST = 5_000  # records of one partition that may wait before it is not fetched for a while
ROOM = 20_000  # records that may wait in all, some 3 kB each; beyond, a partition is fetched while it has FEW: the others wait for it
FEW = 500


class BufferedEvent(NamedTuple):
    """A fact waiting for its turn; sorts by arrival, then as it was read."""

    arrival_ms: int
    number: int
    subject: str
    event: Event
    tp: TP
    record: Any


@dataclass(slots=True)
class WaitingEvents:
    """What waits in one partition: a heap by arrival."""

    facts: list[BufferedEvent] = field(default_factory=list)

    @property
    def first_ms(self) -> int | None:
        """The arrival of the first one."""
        return self.facts[0].arrival_ms if self.facts else None

    def add(self, told: BufferedEvent) -> None:
        """Let a fact wait."""
        heapq.heappush(self.facts, told)

    def until(self, before_ms: int, limit: int) -> Iterator[BufferedEvent]:
        """Take facts with an arrival < `before_ms`, in order: `limit` of them, and what arrived in the same instant as the last."""
        last = -1
        while self.facts and self.facts[0].arrival_ms < before_ms and (limit > 0 or self.facts[0].arrival_ms == last):
            limit -= 1
            last = self.facts[0].arrival_ms
            yield heapq.heappop(self.facts)


@dataclass(slots=True)
class UnprocessedOffsets:
    """The records of one partition of a topic that were read and not yet lived through, by their offsets, in the order read."""

    read: deque[int] = field(default_factory=deque)
    gone: set[int] = field(default_factory=set)  # lived through before one that was read earlier

    def __len__(self) -> int:
        return len(self.read) - len(self.gone)

    def lived(self, offset: int) -> None:
        """One has been lived through."""
        self.gone.add(offset)
        while self.read and self.read[0] in self.gone:
            self.gone.remove(self.read.popleft())


class InputBuffer:
    """Takes polls. Every record ends in one counted outcome; what must be written for that is in `outputs`."""

    def __init__(self, prefix: str, partitions: int, clock: Clock, publishers: Collection[str] | None = None) -> None:
        """`publishers`: the sources of which heartbeats are heard; None: all."""
        self._publishers = publishers
        self._partitions, self._clock = partitions, clock
        self._routed, self._dlq, self._world = (named(prefix, topic) for topic in (ROUTED, DLQ, WORLD))
        self._prefix = prefix
        self.waiting: dict[int, WaitingEvents] = defaultdict(WaitingEvents)  # not yet in their cases
        self.taken: dict[int, WaitingEvents] = defaultdict(
            WaitingEvents
        )  # in their cases, which have not lived so far yet
        self.frontiers: dict[TP, Frontier] = defaultdict(Frontier)
        self.markers = Markers(partitions)
        self.outputs: dict[str, dict[int, list[Output]]] = defaultdict(lambda: defaultdict(list))
        self.following: dict[TP, int] = {}  # the offset after the last one read
        self._number = self._forgotten = 0
        self._unlived: dict[TP, UnprocessedOffsets] = defaultdict(UnprocessedOffsets)

    def clear(self) -> None:
        """Forget everything: after a rebalance reading goes on from the committed offsets, and what is not yet lived comes again."""
        self._forgotten = self._number
        for one in (self.waiting, self.taken, self.frontiers, self.outputs, self.following, self._unlived):
            one.clear()
        self.markers.forget()

    def take(self, tp: TP, records: list[Any]) -> None:
        """Take the records of one poll of one partition."""
        for record in records:
            if tp.topic == self._routed:
                self._take_routed(tp, record)
            else:
                self._take_told(tp, record)
        self.frontiers[tp].last_ms = max(records[-1].timestamp, self.frontiers[tp].last_ms or 0)
        self.following[tp] = records[-1].offset + 1

    def passed(self, places: Mapping[TP, int]) -> None:
        """The ends of transactions take offsets, and so does what one took back: what was read up to an offset is not read again."""
        for tp, offset in places.items():
            if offset > self.following.get(tp, 0):
                self.following[tp] = offset

    def _take_told(self, tp: TP, record: Any) -> None:
        arrival = self._clock.arrival(record.timestamp)
        try:
            topic = tp.topic.removeprefix(self._prefix)
            event = parse(record.value, record.headers, arrival, topic, self._publishers)
        except InvalidEvent as error:
            self.bury(record, error)
            return
        metrics.EVENT_AGE.labels(tp.topic).observe(max(0.0, (arrival - event.time).total_seconds()))
        at = millis(arrival)
        here = home(event.subject, self._partitions) == tp.partition
        elsewhere = routes(event) if here else (event.subject, *routes(event))
        try:
            sent = [(home(subject, self._partitions), routed(subject, event, at)) for subject in elsewhere]
        except TooLarge as error:  # numbers, for one, may be longer when written again
            self.bury(record, InvalidEvent("MALFORMED", f"value: too long to be sent on, {error}"))
            return
        for partition, output in sent:
            self.send_on(partition, output)
        if event.fact in SHARED:
            self.outputs[self._world][tp.partition].append(kept(event, record, at))
        if here:
            self._wait(BufferedEvent(at, self._next(), event.subject, event, tp, record))
        else:
            metrics.RECORDS.labels(tp.topic, "routed").inc()

    def _take_routed(self, tp: TP, record: Any) -> None:
        try:
            told = marker_of(record.headers)
            if told is not None:
                self.markers.read(tp.partition, told)
                return
            subject, event, at = arrived(record.value, record.headers)
        except (InvalidEvent, ValueError, OverflowError) as error:
            self.bury(record, InvalidEvent("MALFORMED", f"routed record: {type(error).__name__}"))
            return
        self._wait(BufferedEvent(at, self._next(), subject, event, tp, record))

    def _wait(self, told: BufferedEvent) -> None:
        self.waiting[told.tp.partition].add(told)
        self._unlived[told.tp].read.append(told.record.offset)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def send_on(self, partition: int, output: Output) -> None:
        """Let a record go to another partition through the routed topic."""
        self.outputs[self._routed][partition].append(output)

    def bury(self, record: Any, error: InvalidEvent, exception: str = "InvalidEvent", outcome: str = "invalid") -> None:
        """A dead letter instead of a fact."""
        self.outputs[self._dlq][record.partition].append(dead_letter(record, error.reason, str(error), exception))
        metrics.RECORDS.labels(record.topic, outcome).inc()
        metrics.DEAD_LETTERS.labels(record.topic, error.reason).inc()

    def put_back(self, facts: Iterable[BufferedEvent] = ()) -> None:
        """The cases in memory have been given up: these facts and all that were taken wait again."""
        for told in self._read_by_us(facts):
            self.waiting[told.tp.partition].add(told)
        for partition, taken in self.taken.items():
            for told in taken.facts:
                self.waiting[partition].add(told)
        self.taken.clear()

    def withdraw(self, partition: int, subject: str) -> list[BufferedEvent]:
        """The facts of a case that were taken and not yet lived through: they do not come again."""
        taken = self.taken[partition]
        found = [told for told in taken.facts if told.subject == subject]
        if found:
            taken.facts = [told for told in taken.facts if told.subject != subject]
            heapq.heapify(taken.facts)
        return found

    def applied(self, facts: list[BufferedEvent]) -> None:
        """A step went through."""
        for told in self._read_by_us(facts):
            self._unlived[told.tp].lived(told.record.offset)

    def _read_by_us(self, facts: Iterable[BufferedEvent]) -> list[BufferedEvent]:
        """Without those of a step that a rebalance has overtaken: beside their own second coming they would count as repeated."""
        return [told for told in facts if told.number > self._forgotten]

    def wanted(self, places: Iterable[TP]) -> set[TP]:
        """Those of which more may be read: what is far ahead of the others waits in Kafka.

        What is routed is always read: the marks that let its facts be lived stand behind them, and its origins wait themselves.
        """
        longest = LONGEST if sum(map(len, self._unlived.values())) < ROOM else FEW
        return {tp for tp in places if tp.topic == self._routed or self._has_room(tp, longest)}

    def _has_room(self, tp: TP, longest: int) -> bool:
        if len(self._unlived[tp]) < longest:
            return True
        waiting, last_ms = self.waiting[tp.partition].facts, self.frontiers[tp].last_ms
        # A whole batch of one timestamp: only reading on shows where it ends.
        return bool(waiting) and last_ms is not None and waiting[0].arrival_ms >= self._clock.millis_at(last_ms)

    def offsets(self) -> dict[TP, int]:
        """Where to go on after a restart: per partition the first record not yet lived through."""
        unlived = {tp: one.read[0] for tp, one in self._unlived.items() if one.read}
        return self.following | unlived
