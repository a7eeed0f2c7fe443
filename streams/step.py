"""One step of the worker, over all partitions of one poll. Each phase waits for the brokers' acknowledgement before the next.

1. take: facts before the watermark go to their cases (nothing is written; after a crash the same records are read again)
2. outputs: routed records and dead letters (sent twice after a crash: a case is a set, a dead letter is repeated)
3. markers: nothing of ours comes before them any more, so never before 2
4. advance: told and due cases are processed up to the watermark, in memory
5. alerts: before 6, for a crash between the two raises the same alerts again, and the reverse order loses them
6. cases: the facts are in them, so records that are read again are duplicates
7. progress: after 6, so that what is reported as processed is on its topics
8. offsets: marked here, committed each second by Faust
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from handover.cases.advance import advance, derived_anew, live_feeds
from handover.cases.agency_filter import sieve_of
from handover.cases.authority import WITHOUT_AUTHORITY
from handover.cases.case import Case
from handover.cases.codec import encode_view
from handover.cases.compaction import fold
from handover.cases.shared_state import SharedState
from handover.facts.forwarding import WHOEVER_HOLDS_IT
from schemas.dead_letter import REDRIVES
from schemas.instants import from_millis, millis
from schemas.provenance import epoch_of
from schemas.topics import ALERT, DLQ, ROUTED, named
from streams import gc_control, metrics
from streams.case_cache import Cases, next_ms
from streams.clock import Clock
from streams.dead_letters import dead_letter
from streams.engine.heap import TimerQueue
from streams.engine.store import NEVER, digest, foreign
from streams.engine.transport import App, Output
from streams.input_buffer import BufferedEvent, InputBuffer
from streams.loss_check import LostRecords
from streams.progress import ProgressReporter
from streams.quarantine import Quarantine, Unreadable, feed_failed, refusal
from streams.repartition import home, marker, routed
from streams.shared_topic import SystemReader
from streams.step_batch import EVER, PartitionWork, alert_out, case_out
from streams.time_slice import TimeSlice
from streams.watermark import Marks, least
from streams.watermark_bounds import PartitionWatermarks

log = logging.getLogger(__name__)

FACTS_A_STEP = 2_000  # so that heartbeats, the web and the lease live
DUE_A_STEP = 500
SWEPT_A_STEP = 200  # a change of the world must not hold up deadlines
STALE_ENTRIES = 1_000  # of a heap, beside as many as there are cases


class ForeignWriter(RuntimeError):
    """Somebody else wrote to our changelog partition: we are, or were, a zombie. Die and recover."""


class Engine:
    """The partitions this worker owns: their inbox, cases and deadlines."""

    def __init__(
        self, app: App, table: Any, sources: list[str], config: Any, clock: Clock, system: SystemReader
    ) -> None:
        self.app, self.table, self.sources, self.config = app, table, sources, config
        self.clock, self.system = clock, system
        self.world: SharedState = system.world
        self.world.feed_failed = feed_failed
        self.inbox = InputBuffer(config.topic_prefix, config.partitions, clock, system.publishers)
        self.cases = Cases(table.data, config.decoded_cases)
        self.deadlines: dict[int, TimerQueue] = {}
        self.ready = self.stale = self.busy = self.cut = False
        self.is_unavailable = False  # the broker has not answered the last step
        self.last_step = time.monotonic()
        self._lived: dict[
            int, datetime
        ] = {}  # per partition: the world's changes before this have been told to its cases
        self._sweep: dict[int, dict[bytes, None]] = defaultdict(dict)  # cases still to be looked at, each once
        self.quarantine = Quarantine(config.dead_letter_limit)
        self._hidden: dict[int, set[bytes]] = defaultdict(set)  # keys of foreign records on the topic of cases
        self._alert_topic, self._routed_topic = named(config.topic_prefix, ALERT), named(config.topic_prefix, ROUTED)
        self._dlq_topic = named(config.topic_prefix, DLQ)
        told_on = [topic for topic in sources if topic != self._routed_topic]
        self._bounds = PartitionWatermarks(app, self.inbox, system, clock, told_on, config.grace_seconds)
        self._stride = TimeSlice()
        self.progress: ProgressReporter | None = None  # tells outside how far the partitions are processed
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
        self.quarantine.clear()
        self._sweep.clear()
        self._lived.clear()
        if self.progress is not None:
            self.progress.clear()
        self._hidden.clear()

    def forget(self, partition: int) -> None:
        """Somebody wrote news to a partition's changelog: its heap, if there is one, is stale."""
        if self.deadlines.pop(partition, None) is None:
            return
        self.cases.clear()
        self.inbox.put_back()
        self.stale = True

    async def rebuild(self) -> None:
        """After recovery: the heap of each owned partition, from what the table keeps beside the cases; a new writer's epoch."""
        self.stale = False
        gc_control.collect_all()  # no case is ready
        owned = self.owned()
        for partition in list(self.deadlines):
            if partition not in owned:
                del self.deadlines[partition]
        for gauge in metrics.OF_OWNED:
            gauge.clear()  # what was told of a partition that is another's now would look like its lag
        for partition in owned:
            self.table.data.claim(partition, self.app.consumer_generation_id)
        for partition in owned - self.deadlines.keys():
            self.deadlines[partition] = self._known_deadlines(partition)
            await asyncio.sleep(0)
        self.quarantine.tell(owned)
        self.ready = True

    def _known_deadlines(self, partition: int) -> TimerQueue:
        return TimerQueue(one for one in self.cases.instants(partition) if one[0] != NEVER)

    def behind_seconds(self) -> float | None:
        """How long ago, by the brokers' clocks, the least watermark of the owned partitions was; None: not yet known."""
        lived = [self._lived[partition] for partition in self.deadlines if partition in self._lived]
        now = self.app.broker_time.now()
        if not lived or now is None:
            return None
        return now - self.clock.broker_ms(min(lived)) / 1000

    # --- reading

    def wanted(self, places: Iterable[TP]) -> set[TP]:
        """The source partitions of which more may be read."""
        return self.inbox.wanted(places)

    def take(self, work: dict[TP, list[Any]], passed: Mapping[TP, int] | None = None) -> None:
        """Take a poll into the inbox. `passed`: up to which offset partitions were read, also where no record came of it."""
        for tp, records in work.items():
            self.inbox.take(tp, records)
        self.inbox.passed(passed or {})

    def offsets(self) -> dict[TP, int]:
        """Where to go on after a restart."""
        return self.inbox.offsets()

    # --- the step

    async def step(self) -> bool:
        """Everything that can be done now. False: given up, nothing is lost, the caller goes on."""
        started = time.perf_counter()
        self.last_step = time.monotonic()
        self.busy = self.cut = False
        works = {partition: PartitionWork() for partition in self.deadlines}
        try:
            if self.app.broker_time.now() is None and not await self._ask_time():
                return self._give_up(works)
            known = self._take_known(works)  # 1
            if not await self._send_outputs() or not await self._send_markers(known):  # 2, 3
                return self._give_up(works)
            self._live_on(works, known)  # 4
            if not await self._write(works):  # 5, 6
                return self._give_up(works)
            await self._report_progress(works)  # 7
        except KafkaError as error:
            self._unavailable(error)
            await asyncio.sleep(1)
            return self._give_up(works)
        self.is_unavailable = False
        metrics.UNAVAILABLE.set(0)
        self._done(works)  # 8
        gc_control.collect_young()
        metrics.STEP.observe(time.perf_counter() - started)
        return True

    def _unavailable(self, error: KafkaError) -> None:
        if not self.is_unavailable:
            log.error("the broker does not answer (%s); waiting", type(error).__name__)
        self.is_unavailable = True
        metrics.UNAVAILABLE.set(1)

    def _give_up(self, works: dict[int, PartitionWork]) -> bool:
        """What is in the table counts: forget what this step decoded and changed, and take its facts again."""
        for work in works.values():
            self.inbox.put_back([*work.facts, *work.repeated])
        self.inbox.put_back()
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

    async def _ask_time(self) -> bool:
        """Write markers that say nothing: their acknowledgements tell what time it is by the brokers' clocks."""
        if not await self.app.consumer.lease():
            return False
        await self.app.send_batches(self._routed_topic, {p: [marker({})] for p in range(self.config.partitions)})
        return True

    async def _send_markers(self, known: Mapping[int, tuple[Marks, int | None]]) -> bool:
        now_ms = round(time.monotonic() * 1000)  # the wall clock may jump
        told = self.inbox.markers.due({partition: marks for partition, (marks, _) in known.items()}, now_ms)
        if not told:
            return True
        if not await self.app.consumer.lease():
            return False
        await self.app.send_batches(self._routed_topic, {p: [marker(told)] for p in range(self.config.partitions)})
        self.inbox.markers.wrote(told, now_ms)
        return True

    # --- taking: facts go to their cases, and what these tell other cases goes out, before anything is lived

    def _take_known(self, works: Mapping[int, PartitionWork]) -> dict[int, tuple[Marks, int | None]]:
        """Take what nothing can come before any more. Return per partition the marks it has come to, and how far it may live."""
        found = {}
        for partition, read in self._bounds.read(self.deadlines).items():
            routed_below = self.inbox.markers.bound(partition, 0)
            if routed_below is not None:
                before, waiting = min(read, routed_below), self.inbox.waiting[partition]
                for told in waiting.until(before, FACTS_A_STEP):
                    self._take(partition, told, works[partition])
                self.busy = self.busy or (waiting.first_ms is not None and waiting.first_ms < before)
            found[partition] = self._bounds.marks(partition, read)
        return found

    def _take(self, partition: int, told: BufferedEvent, work: PartitionWork) -> None:
        key = told.subject.encode()
        try:
            if told.subject == WHOEVER_HOLDS_IT:
                holder = self.cases.holding(partition, told.event.source, str(told.event.corrects))
                if holder is None:
                    work.repeated.append(told)
                    return
                told, key = told._replace(subject=holder.decode()), holder
            if (why := self._refused(partition, key, told)) is not None:
                self._bury([told], why, "quarantined")
                return
            case = self.cases.load(partition, key)
            changed = case.take(told.event, from_millis(told.arrival_ms))
            sent = [
                (place, routed(subject, event, millis(arrival)))
                for subject, event, arrival in case.take_outgoing()
                for place in self._places(subject)
            ]
        except Unreadable as error:
            self._set_aside(partition, error.key, [told], error)
            return
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told loudly and the others go on
            self._set_aside(partition, key, [told], error)
            return
        if not changed:
            work.repeated.append(told)
            return
        self.inbox.taken[partition].add(told)
        for place, output in sent:
            self.inbox.outputs[self._routed_topic][place].append(output)

    def _refused(self, partition: int, key: bytes, told: BufferedEvent) -> str | None:
        """Why a fact is not taken: its subject is set aside, and nobody has redriven the fact."""
        why = self.quarantine.why(partition, key)
        if why is not None and REDRIVES in dict(told.record.headers):
            self.quarantine.release(partition, key)
            return self.quarantine.why(partition, key)
        return why

    def _places(self, subject: str) -> Iterable[int]:
        everywhere = subject == WHOEVER_HOLDS_IT
        return range(self.config.partitions) if everywhere else (home(subject, self.config.partitions),)

    # --- living

    def _live_on(self, works: Mapping[int, PartitionWork], known: Mapping[int, tuple[Marks, int | None]]) -> None:
        started = time.perf_counter()
        self.system.advance()
        for partition, (_, all_in) in known.items():
            bound = least((all_in, self._bounds.told()))
            if bound is not None:
                self._live_until(partition, bound, works[partition])
        self._stride.took(time.perf_counter() - started, cut=self.cut)
        self.busy = self.busy or self.cut

    def _live_until(self, partition: int, known_ms: int, work: PartitionWork) -> None:
        """Let the told and the due cases of a partition live up to a bound, or as far as one step may go."""
        taken = self.inbox.taken[partition]
        before_ms = self._stride_end(partition, known_ms)
        work.facts = list(taken.until(before_ms, FACTS_A_STEP))
        if len(work.facts) >= FACTS_A_STEP and taken.first_ms is not None:
            before_ms = min(before_ms, taken.first_ms)  # no case may run ahead of its facts
        self.cut = self.cut or before_ms < known_ms
        work.before = max(from_millis(before_ms), self._lived.get(partition, EVER))
        for key in {told.subject.encode() for told in work.facts}:
            work.changed.add(key)
            self._touch(partition, key, work)
        self._wake(partition, millis(work.before), work)
        self._restore(partition, work)
        for key, case in list(work.touched.items()):
            self._live(partition, key, case, work)
        metrics.WATERMARK.labels(partition).set(self.clock.broker_ms(work.before) / 1000)

    def _stride_end(self, partition: int, known_ms: int) -> int:
        lived = self._lived.get(partition, EVER)
        firsts = [one for one in (self.deadlines[partition].first(), self.inbox.taken[partition].first_ms) if one]
        return self._stride.end(min(firsts, default=None), millis(lived), known_ms)

    def _wake(self, partition: int, before_ms: int, work: PartitionWork) -> None:
        """Cases whose own instant has come, and those that a change of the world may touch."""
        due = list(self.deadlines[partition].due(before_ms, lambda key: self.cases.next_of(partition, key), DUE_A_STEP))
        work.due, work.woken = due, frozenset(due)
        self.busy = self.busy or len(due) == DUE_A_STEP
        metrics.UNFIRED.labels(partition).set(len(due))
        sweep, after = self._sweep[partition], self._lived.get(partition)
        live_feeds(self.world, work.before)  # before asking: what a feed does in this step moves others in it
        change = self.world.changes(after or EVER, work.before)  # after a restart it may have changed unseen
        if change.everything:
            sweep.update(dict.fromkeys(self.table.data.parts[partition]))
        elif change.feeds:
            sweep.update(dict.fromkeys(self.cases.awaiting(partition, change.feeds)))
        self._lived[partition] = work.before
        for key in list(islice(sweep, SWEPT_A_STEP)):
            del sweep[key]
            due.append(key)
        work.is_whole = len(work.woken) < DUE_A_STEP and not sweep
        self.busy = self.busy or bool(sweep)
        for key in due:
            if key not in work.touched and key not in work.broken and key in self.table.data.parts[partition]:
                self._touch(partition, key, work)

    def _touch(self, partition: int, key: bytes, work: PartitionWork) -> None:
        """Load a case that is to live. One that is set aside does not, whatever comes: its instant waits for the next owner."""
        if self.quarantine.why(partition, key) is not None:
            work.changed.discard(key)
            work.broken.add(key)
            return
        try:
            work.touched[key] = self.cases.load(partition, key)
        except Unreadable as error:
            self._break(partition, key, work, error)

    def _live(self, partition: int, key: bytes, case: Case, work: PartitionWork) -> None:
        lived = case.lived
        try:
            found = advance(case, self.world, work.before)
            if found or self._is_written(partition, key, case, work, lived):
                epoch = self.table.data.own[partition]
                work.writes[key] = case_out(key, case, epoch, work.before, self.config.case_retention)
                outputs = [alert_out(case, one, epoch) for one in found]
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told loudly and the others go on
            self._break(partition, key, work, error)
            return
        self._refuse(key, case, work)
        if key in work.writes:
            work.changed.add(key)
            work.alerts.extend(found)
            work.told.extend(outputs)

    def _refuse(self, key: bytes, case: Case, work: PartitionWork) -> None:
        """Actions without authority become dead letters, where their records are in hand."""
        actions = {(action.source, action.id) for action in case.take_refusals()}
        if not actions:
            return
        mine = [
            one for one in work.facts if one.subject.encode() == key and (one.event.source, one.event.id) in actions
        ]
        work.refused.extend(mine)
        for source, _ in actions - {(one.event.source, one.event.id) for one in mine}:
            log.warning(
                "an action of %s has lost its authority by a fact that was told late; nothing is heard of it", source
            )

    def _is_written(self, partition: int, key: bytes, case: Case, work: PartitionWork, lived: datetime | None) -> bool:
        """Whether a case has changed. One that has only been told what is yet to be lived is written when it lives."""
        changed, woken = key in work.changed, key in work.woken
        folded = (changed or woken) and fold(case, self.world, work.before)
        if folded or changed or (woken and case.derived is not None):
            return True
        return case.lived != lived and self._has_moved(partition, key, case)

    def _has_moved(self, partition: int, key: bytes, case: Case) -> bool:
        """Whether the table has another next instant of a case, other feeds, or shows it otherwise."""
        at = next_ms(case, self.config.case_retention)
        if at != self.cases.next_of(partition, key) or sieve_of(case) != self.cases.feeds_of(partition, key):
            return True
        return digest(encode_view(case)) != self.cases.digest_of(partition, key)

    def _break(self, partition: int, key: bytes, work: PartitionWork, error: Exception) -> None:
        """A case of this step fails: the step goes on without it."""
        subject = key.decode()
        facts = [one for one in work.facts if one.subject == subject]
        work.facts = [one for one in work.facts if one.subject != subject]
        self._set_aside(partition, key, facts, error)
        work.touched.pop(key, None)
        work.changed.discard(key)
        work.broken.add(key)

    def _set_aside(self, partition: int, key: bytes, facts: list[BufferedEvent], error: Exception) -> None:
        """The facts of this case go to the dead letters, and those still to come; the case stays as the table has it."""
        why = self.quarantine.add(partition, key, error)
        self.cases.drop(partition, key)
        self._bury([*facts, *self.inbox.withdraw(partition, key.decode())], why, "bug")

    def _bury(self, facts: list[BufferedEvent], why: str, outcome: str) -> None:
        self.inbox.applied(facts)
        for told in facts:
            self.inbox.bury(told.record, refusal(why), why.partition(":")[0], outcome)

    def _count(self, topic: str, outcome: str) -> None:
        metrics.RECORDS.labels(topic, outcome).inc()

    # --- writing

    async def _write(self, works: dict[int, PartitionWork]) -> bool:
        """Alerts before cases: a crash between the two raises the same alert again, the reverse order loses it."""
        if not await self._send_outputs() or not await self._send_refused(works):
            return False
        changed = {p: work.told for p, work in works.items() if work.told}
        if changed:
            if not await self.app.consumer.lease():
                return False
            written = await self.app.send_batches(self._alert_topic, changed)
            if self.progress is not None:
                self.progress.take(written)
        return await self._write_cases(works)

    async def _report_progress(self, works: Mapping[int, PartitionWork]) -> None:
        """After the cases: what is reported as processed has its alerts and cases on their topics."""
        if self.progress is None:
            return
        store, topic = self.table.data, self.table.changelog_topic_name
        processed = {partition: work.before for partition, work in works.items() if work.is_whole}
        cases = {TP(topic, partition): store.persisted_offset(TP(topic, partition)) for partition in processed}
        await self.progress.report(processed, cases)

    async def _send_refused(self, works: dict[int, PartitionWork]) -> bool:
        """Before the cases, which remember the refusal and never tell it again."""
        letters = {
            partition: [dead_letter(told.record, "NOT_ALLOWED", WITHOUT_AUTHORITY) for told in work.refused]
            for partition, work in works.items()
            if work.refused
        }
        if letters:
            if not await self.app.consumer.lease():
                return False
            await self.app.send_batches(self._dlq_topic, letters)
        return True

    async def _write_cases(self, works: dict[int, PartitionWork]) -> bool:
        store, topic = self.table.data, self.table.changelog_topic_name
        outputs: dict[int, list[Output]] = {}
        kept: dict[int, list[tuple[bytes, int, bytes | None]]] = {}
        for partition, work in works.items():
            for key in work.changed:
                output, at, memory = work.writes[key]
                outputs.setdefault(partition, []).append(output)
                kept.setdefault(partition, []).append((key, at, memory))
        if not outputs:
            return True
        if not await self.app.consumer.lease():
            return False
        for written in await self.app.send_batches(topic, outputs):
            tp = TP(topic, written.partition)
            if written.base <= (known := store.persisted_offset(tp)):
                raise LostRecords(
                    [f"{topic}[{tp.partition}] ends at {written.base}, though workers wrote up to {known + 1}"]
                )
            if written.base != known + 1:
                await self._pass_over(tp, known + 1, written.base)
            store.wrote(tp, written.base + written.number - 1)
        for partition, entries in kept.items():
            for key, at, kept_value in entries:
                self._keep(partition, key, at, kept_value)
        return True

    async def _pass_over(self, tp: TP, first: int, after: int) -> None:
        """Somebody else wrote before us to our changelog partition. Raise ForeignWriter where it was a worker.

        What no worker wrote counts for nothing; where it hides a case, that is written once more (`_restore`).
        """
        for record in await self.app.read(self.config.kafka, tp, first, after):
            if epoch_of(record.headers) is not None:
                raise ForeignWriter(f"partition {tp.partition}: a worker's record at offset {record.offset}")
            foreign(tp, record.offset)
            self._hidden[tp.partition].add(record.key or b"")

    def _restore(self, partition: int, work: PartitionWork) -> None:
        """Let cases that a foreign record hides on the topic be written again."""
        for key in self._hidden[partition] & self.table.data.parts[partition].keys():
            work.changed.add(key)
            self._touch(partition, key, work)
            case = work.touched.get(key)
            if case is not None and case.derived is None and case.lived is not None:
                case.derived = derived_anew(case, self.world, self.world.frame(case.lived))

    def _keep(self, partition: int, key: bytes, at: int, value: bytes | None) -> None:
        part = self.table.data.parts[partition]
        if value is None:
            part.pop(key, None)
            self.cases.drop(partition, key)
            return
        part[key] = value
        if at != NEVER:
            self.deadlines[partition].push(at, key)

    def _done(self, works: dict[int, PartitionWork]) -> None:
        now = time.time() * 1000
        for partition, work in works.items():
            self.quarantine.lived(work.changed)
            self.inbox.applied([*work.facts, *work.repeated])
            refused = {told.number for told in work.refused}
            for told in work.facts:
                self._count(told.tp.topic, "invalid" if told.number in refused else "applied")
            for told in work.refused:
                metrics.DEAD_LETTERS.labels(told.tp.topic, "NOT_ALLOWED").inc()
            for told in work.repeated:
                self._count(told.tp.topic, "duplicate")
            for key in work.due:  # looked at and not changed: its instant must stay in the heap
                if key not in (work.changed | work.broken) and (at := self.cases.next_of(partition, key)) not in (
                    None,
                    NEVER,
                ):
                    self.deadlines[partition].push(int(at or 0), key)
            for one in work.alerts:
                metrics.ALERT_CHANGES.labels(one.rule_id, one.state, one.outcome or "").inc()
                if one.state == "firing" and one.raised_at == one.changed_at:
                    metrics.DEADLINE_DELAY.observe(max(0.0, (now - self.clock.broker_ms(one.raised_at)) / 1000))
            self._hidden[partition] -= work.changed
            self._drop_stale(partition)
            metrics.OPEN_CASES.labels(partition).set(len(self.table.data.parts[partition]))
            metrics.OPEN_DEADLINES.labels(partition).set(len(self.deadlines[partition]))

    def _drop_stale(self, partition: int) -> None:
        """Make a heap anew once most of its entries are stale: they go by themselves only when their instants come, perhaps in years."""
        if len(self.deadlines[partition]) > STALE_ENTRIES + 2 * len(self.table.data.parts[partition]):
            self.deadlines[partition] = self._known_deadlines(partition)
