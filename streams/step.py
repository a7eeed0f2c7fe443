"""One step of the worker: what is known is applied in the order of its arrival, what is due is raised, and all is acknowledged."""

import asyncio
import logging
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from aiokafka.errors import KafkaError
from faust.types import TP

from handover.case import Case
from handover.life import advance, live_feeds
from handover.links import outbox
from handover.world import World
from schemas import alert as alerts
from schemas.alert import Alert
from schemas.instants import from_millis, millis
from schemas.parse import InvalidEvent
from schemas.topics import ALERT, ROUTED, named
from streams import metrics
from streams.cases import Cases, next_ms
from streams.clock import Clock
from streams.engine.heap import Deadlines
from streams.engine.store import NEVER, headers, packed
from streams.engine.transport import App, Output
from streams.inbox import Inbox, Told
from streams.routing import home, marker, routed
from streams.system import SystemReader
from streams.watermark import Stride, least

log = logging.getLogger(__name__)

FACTS_A_STEP = 2_000  # so that heartbeats, the web and the lease live
DUE_A_STEP = 500
SWEPT_A_STEP = 200  # a change of the world must not hold up deadlines
ALERT_HEADERS = [("content-type", b"application/cloudevents+json")]
EVER = from_millis(0)
_JUDGED = 200  # the last outcomes, for the limit on dead letters


class ForeignWriter(RuntimeError):
    """Somebody else wrote to our changelog partition: we are, or were, a zombie. Die and recover."""


class TooManyBugs(RuntimeError):
    """Most of what arrives fails: stop instead of emptying the topics into the dead letters."""


@dataclass(slots=True)
class _Work:
    """What one step does in one partition."""

    before: datetime  # everything with an arrival before this is known
    facts: list[Told] = field(default_factory=list)
    due: list[bytes] = field(default_factory=list)
    changed: set[bytes] = field(default_factory=set)
    touched: dict[bytes, Case] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)


class Engine:
    """The partitions this worker owns: their inbox, cases and deadlines."""

    def __init__(
        self, app: App, table: Any, sources: list[str], config: Any, clock: Clock, system: SystemReader
    ) -> None:
        self.app, self.table, self.sources, self.config = app, table, sources, config
        self.clock, self.system = clock, system
        self.world: World = system.world
        self.inbox = Inbox(config.topic_prefix, config.partitions, clock)
        self.cases = Cases(table.data)
        self.deadlines: dict[int, Deadlines] = {}
        self.ready = self.stale = self.busy = self.cut = False
        self.last_step = time.monotonic()
        self._lived: dict[
            int, datetime
        ] = {}  # per partition: the world's changes before this have been told to its cases
        self._sweep: dict[int, deque[bytes]] = defaultdict(deque)
        self._judged: deque[bool] = deque(maxlen=_JUDGED)
        self._alert_topic, self._routed_topic = named(config.topic_prefix, ALERT), named(config.topic_prefix, ROUTED)
        self._stride = Stride()
        table.on_recover(self.rebuild)
        app.on_partitions_revoked.connect(self.stop)

    # --- ownership

    def owned(self) -> set[int]:
        """The partitions that are ours: of the assignor's actives, never of the consumer's assignment, which has standbys."""
        return {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == self.sources[0]}

    async def stop(self, app: Any, revoked: Any, **_: Any) -> None:
        """Partitions are being taken away: nothing is ours until `rebuild`."""
        self.ready = False
        self.inbox.clear()
        self.cases.clear()
        self._sweep.clear()
        self._lived.clear()

    def forget(self, partition: int) -> None:
        """Somebody wrote news to a partition's changelog: its heap is stale."""
        self.deadlines.pop(partition, None)
        self.cases.clear()
        self.stale = True

    async def rebuild(self) -> None:
        """After recovery: the heap of each owned partition, from what the table keeps beside the cases; a new writer's epoch."""
        self.stale = False
        owned = self.owned()
        for partition in list(self.deadlines):
            if partition not in owned:
                del self.deadlines[partition]
        for partition in owned - self.deadlines.keys():
            part = self.table.data.parts[partition]
            entries = [
                (at, key) for key in part if (at := self.cases.next_of(partition, key)) is not None and at != NEVER
            ]
            self.deadlines[partition] = Deadlines(entries)
            self.table.data.epoch[partition] += 1
            await asyncio.sleep(0)
        self.ready = True

    # --- reading

    def wants(self, tp: TP) -> bool:
        """Whether more of a source partition may be read."""
        return self.inbox.wants(tp)

    def take(self, work: dict[TP, list[Any]]) -> None:
        """Take a poll into the inbox."""
        for tp, records in work.items():
            self.inbox.take(tp, records)

    def offsets(self) -> dict[TP, int]:
        """Where to go on after a restart."""
        return self.inbox.offsets()

    # --- time

    def _source_bounds(self) -> dict[int, int]:
        """Per owned partition: below this broker timestamp everything has been read, and parsed, and routed."""
        grace = round(self.config.grace_seconds * 1000)
        found = {}
        for partition in self.deadlines:
            bound = least(
                self._bound(TP(topic, partition), grace) for topic in self.sources if topic != self._routed_topic
            )
            if bound is not None:
                found[partition] = bound
        return found

    def _bound(self, tp: TP, grace: int) -> int | None:
        until = self.app.consumer.read_until(tp)
        return self.inbox.frontiers[tp].bound(None if until is None else int(until * 1000), grace)

    def _watermark(self, partition: int, bounds: dict[int, int]) -> int | None:
        return least((bounds.get(partition), self.inbox.markers.bound(partition), self.system.told_until))

    # --- the step

    async def step(self) -> bool:
        """Everything that can be done now. False: given up, nothing is lost, the caller goes on."""
        started = time.perf_counter()
        self.last_step = time.monotonic()
        works: dict[int, _Work] = {}
        try:
            bounds = self._source_bounds()
            if not await self._send_outputs() or not await self._send_markers(bounds):
                return False
            self.system.advance()
            self.busy = self.cut = False
            applying = time.perf_counter()
            for partition in self.deadlines:
                watermark = self._watermark(partition, bounds)
                if watermark is not None:
                    works[partition] = self._apply(partition, watermark)
            self._stride.took(time.perf_counter() - applying, cut=self.cut)
            self.busy = self.busy or self.cut
            if not await self._write(works):
                return self._give_up(works)
        except KafkaError as error:
            self._unavailable(error)
            await asyncio.sleep(1)
            return self._give_up(works)
        metrics.UNAVAILABLE.set(0)
        self._done(works)
        metrics.STEP.observe(time.perf_counter() - started)
        return True

    def _unavailable(self, error: KafkaError) -> None:
        if not metrics.UNAVAILABLE._value.get():  # noqa: SLF001  # the gauge is the state: said once
            log.error("the broker does not answer (%s); waiting", type(error).__name__)
        metrics.UNAVAILABLE.set(1)

    def _give_up(self, works: dict[int, _Work]) -> bool:
        """What is in the table counts: forget what this step decoded and changed, and take its facts again."""
        for work in works.values():
            self.inbox.put_back(work.facts)
        self.cases.clear()
        self.deadlines.clear()
        self._lived.clear()
        self.stale = True
        return False

    async def _send_outputs(self) -> bool:
        """Routed records and dead letters, before any offset or marker passes them."""
        for topic, outputs in list(self.inbox.outputs.items()):
            if not await self.app.consumer.lease():
                return False
            await self.app.send_batches(topic, outputs)
            del self.inbox.outputs[topic]
        return True

    async def _send_markers(self, bounds: dict[int, int]) -> bool:
        now_ms = round(time.time() * 1000)
        told = self.inbox.markers.due(bounds, now_ms)
        if not told:
            return True
        if not await self.app.consumer.lease():
            return False
        await self.app.send_batches(self._routed_topic, {p: [marker(told)] for p in range(self.config.partitions)})
        self.inbox.markers.wrote(told, now_ms)
        return True

    def _apply(self, partition: int, watermark_ms: int) -> _Work:
        """Take facts below the watermark in order of arrival, then let the touched and the due cases live up to there."""
        known_ms = self.clock.millis_at(watermark_ms)
        before_ms = self._stride_end(partition, known_ms)
        waiting = self.inbox.waiting[partition]
        facts = list(waiting.until(before_ms, FACTS_A_STEP))
        if len(facts) >= FACTS_A_STEP and waiting.facts:
            before_ms = min(before_ms, waiting.facts[0].arrival_ms)  # no case may run ahead of its facts
        self.cut = self.cut or before_ms < known_ms
        work = _Work(from_millis(before_ms), facts)
        for told in facts:
            self._take(partition, told, work)
        self._wake(partition, before_ms, work)
        for key, case in list(work.touched.items()):
            self._live(partition, key, case, work)
        lived_ms = min(watermark_ms, self.clock.broker_ms(work.before))
        metrics.WATERMARK.labels(partition).set(lived_ms / 1000)
        return work

    def _stride_end(self, partition: int, known_ms: int) -> int:
        waiting, lived = self.inbox.waiting[partition].facts, self._lived.get(partition, EVER)
        firsts = [one for one in (self.deadlines[partition].first(), waiting[0].arrival_ms if waiting else None) if one]
        return self._stride.end(min(firsts, default=None), millis(lived), known_ms)

    def _take(self, partition: int, told: Told, work: _Work) -> None:
        key = told.subject.encode()
        try:
            case = self.cases.load(partition, key)
            changed = case.take(told.event, from_millis(told.arrival_ms))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told loudly and the others go on
            self._bug(partition, key, [told], error)
            return
        self._count(told.tp.topic, "applied" if changed else "duplicate")
        if changed:
            work.touched[key] = case
            work.changed.add(key)

    def _wake(self, partition: int, before_ms: int, work: _Work) -> None:
        """Cases whose own instant has come, and those that a change of the world may touch."""
        due = list(self.deadlines[partition].due(before_ms, lambda key: self.cases.next_of(partition, key), DUE_A_STEP))
        work.due = due
        self.busy = self.busy or len(due) == DUE_A_STEP
        metrics.UNFIRED.labels(partition).set(len(due))
        sweep, after = self._sweep[partition], self._lived.get(partition)
        live_feeds(self.world, work.before)  # before asking: what a feed does in this step moves others in it
        change = self.world.changes(after or EVER, work.before)  # after a restart it may have changed unseen
        if change.everything:
            sweep.extend(self.table.data.parts[partition])
        elif change.firing:
            sweep.extend(self.cases.firing(partition))
        self._lived[partition] = work.before
        due.extend(sweep.popleft() for _ in range(min(len(sweep), SWEPT_A_STEP)))
        self.busy = self.busy or bool(sweep)
        for key in due:
            if key not in work.touched and key in self.table.data.parts[partition]:
                work.touched[key] = self.cases.load(partition, key)

    def _live(self, partition: int, key: bytes, case: Case, work: _Work) -> None:
        try:
            found = advance(case, self.world, work.before)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told loudly and the others go on
            facts = [told for told in work.facts if told.subject.encode() == key]
            self._bug(partition, key, facts, error)
            del work.touched[key]
            work.changed.discard(key)
            return
        if found:
            work.alerts.extend(found)
            work.changed.add(key)
        elif next_ms(case) != self.cases.next_of(partition, key):
            work.changed.add(key)
        for subject, event, arrival in outbox(case):
            self.inbox.outputs[self._routed_topic][home(subject, self.config.partitions)].append(
                routed(subject, event, millis(arrival))
            )

    def _bug(self, partition: int, key: bytes, facts: list[Told], error: Exception) -> None:
        """Loud: the facts of this case go to the dead letters, the case stays as the table has it."""
        log.error("bug in a case of partition %s: %s", partition, type(error).__name__, exc_info=error)
        self.cases.drop(partition, key)
        for told in facts:
            self.inbox.bury(told.record, InvalidEvent("FAILED", type(error).__name__), type(error).__name__)
            self._judged.append(False)
        if len(self._judged) == _JUDGED and self._judged.count(False) > self.config.dead_letter_limit * _JUDGED:
            raise TooManyBugs("most of what arrives fails; the worker stops") from error

    def _count(self, topic: str, outcome: str) -> None:
        self._judged.append(True)
        metrics.RECORDS.labels(topic, outcome).inc()

    # --- writing

    async def _write(self, works: dict[int, _Work]) -> bool:
        """Alerts before cases: a crash between the two raises the same alert again, the reverse order loses it."""
        if not await self._send_outputs():
            return False
        changed = {p: [_alert(one) for one in work.alerts] for p, work in works.items() if work.alerts}
        if changed:
            if not await self.app.consumer.lease():
                return False
            await self.app.send_batches(self._alert_topic, changed)
        return await self._write_cases(works)

    async def _write_cases(self, works: dict[int, _Work]) -> bool:
        store, topic = self.table.data, self.table.changelog_topic_name
        outputs: dict[int, list[Output]] = {}
        kept: dict[int, list[tuple[bytes, int, bytes]]] = {}
        for partition, work in works.items():
            for key in work.changed:
                case = work.touched[key]
                value, at, epoch = case.encode(), next_ms(case), store.epoch[partition]
                outputs.setdefault(partition, []).append(Output(key, value, headers(epoch, at, firing=case.has_firing)))
                kept.setdefault(partition, []).append((key, at, packed(epoch, at, firing=case.has_firing, value=value)))
        if not outputs:
            return True
        if not await self.app.consumer.lease():
            return False
        for written in await self.app.send_batches(topic, outputs):
            tp = TP(topic, written.partition)
            if written.base != store.offsets.get(tp, written.base - 1) + 1:
                raise ForeignWriter(
                    f"partition {written.partition}: offset {written.base} after {store.offsets.get(tp)}"
                )
            store.set_persisted_offset(tp, written.base + written.number - 1)
        for partition, entries in kept.items():
            for key, at, value in entries:
                store.parts[partition][key] = value
                if at != NEVER:
                    self.deadlines[partition].push(at, key)
        return True

    def _done(self, works: dict[int, _Work]) -> None:
        now = time.time() * 1000
        for partition, work in works.items():
            self.inbox.applied(work.facts)
            for key in work.due:  # looked at and not changed: its instant must stay in the heap
                if key not in work.changed and (at := self.cases.next_of(partition, key)) not in (None, NEVER):
                    self.deadlines[partition].push(int(at or 0), key)
            for one in work.alerts:
                metrics.ALERT_CHANGES.labels(one.rule_id, one.state, one.outcome or "").inc()
                if one.state == "firing" and one.raised_at == one.changed_at:
                    metrics.DEADLINE_DELAY.observe(max(0.0, (now - self.clock.broker_ms(one.raised_at)) / 1000))
            metrics.OPEN_CASES.labels(partition).set(len(self.table.data.parts[partition]))
            metrics.OPEN_DEADLINES.labels(partition).set(len(self.deadlines[partition]))


def _alert(one: Alert) -> Output:
    return Output(one.alert_id.encode(), orjson.dumps(alerts.event(one)), ALERT_HEADERS)
