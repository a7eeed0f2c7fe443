"""One step of the worker, over all partitions of one poll. Each phase waits for the brokers' acknowledgement before the next.

1. take: facts before the watermark go to their cases (nothing is written; after a crash the same records are read again)
2. outputs: routed records and dead letters (sent twice after a crash: a case is a set, a dead letter is repeated)
3. markers: nothing of ours comes before them any more, so never before 2
4. advance: cases with facts and due cases are processed up to the watermark, in memory
5. alerts: before 6, for a crash between the two raises the same alerts again, and the reverse order loses them
6. cases: the facts are in them, so records that are read again are duplicates
7. progress: after 6, so that what is reported as processed is on its topics
8. offsets: marked here, committed each second by Faust

Phases 1 and 4 are in `streams.partition`, the others in `streams.commit`.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from schemas.topics import ROUTED, named
from streams import gc_control, metrics
from streams.case_cache import Cases
from streams.clock import Clock
from streams.commit import Commit
from streams.engine.transport import App
from streams.input_buffer import InputBuffer
from streams.partition import PartitionWork
from streams.progress import ProgressReporter
from streams.quarantine import Quarantine, feed_failed
from streams.shared_topic import SystemReader
from streams.watermark import Marks, least
from streams.watermark_bounds import PartitionWatermarks
from streams.worker_state import WorkerState

log = logging.getLogger(__name__)

Works = Mapping[int, PartitionWork]  # by partition
Bounds = Mapping[int, tuple[Marks, int | None]]  # by partition: what others are told, and below which all facts are in


class Engine:
    """The partitions this worker owns, and the order of what is done with them."""

    def __init__(
        self,
        app: App,
        table: Any,
        sources: list[str],
        config: Any,
        clock: Clock,
        system: SystemReader,
        progress: ProgressReporter | None = None,
    ) -> None:
        """`progress` None: nobody is told how far the partitions are processed."""
        self.app, self.table, self.sources, self.config = app, table, sources, config
        self.system, self.progress = system, progress
        system.world.feed_failed = feed_failed
        inbox = InputBuffer(config.topic_prefix, config.partitions, clock, system.publishers)
        cases, quarantine = Cases(table.data, config.decoded_cases), Quarantine(config.dead_letter_limit)
        self.state = WorkerState(table.data, config, clock, system.world, inbox, cases, quarantine)
        self.ready = self.stale = self.busy = False
        self.is_unavailable = False  # the broker has not answered the last step
        self.last_step = time.monotonic()
        self._commit = Commit(app, table, self.state, progress)
        published = [topic for topic in sources if topic != named(config.topic_prefix, ROUTED)]
        self._bounds = PartitionWatermarks(app, inbox, system, clock, published, config.grace_seconds)
        table.on_recover(self.rebuild)
        app.on_partitions_revoked.connect(self.stop)

    # --- ownership

    def owned(self) -> set[int]:
        """The partitions that are ours: of the assignor's actives, never of the consumer's assignment, which has standbys."""
        return {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == self.sources[0]}

    async def stop(self, app: Any, revoked: Any, **_: Any) -> None:
        """Partitions are being taken away: nothing is ours until `rebuild`."""
        self.ready = False
        self.state.clear()
        if self.progress is not None:
            self.progress.clear()

    def forget(self, partition: int) -> None:
        """Somebody wrote news to a partition's changelog: what we have made of it is stale."""
        self.stale = self.state.forget_timers(partition) or self.stale

    async def rebuild(self) -> None:
        """After recovery: the heap of each owned partition, from what the table keeps beside the cases; a new writer's epoch."""
        self.stale = False
        gc_control.collect_all()  # no case is ready
        owned = self.owned()
        self.state.drop_timers_but(owned)
        for gauge in metrics.OF_OWNED:
            gauge.clear()  # what was told of a partition that is another's now would look like its lag
        for partition in owned:
            self.table.data.claim(partition, self.app.consumer_generation_id)
        for partition in owned - self.state.timers.keys():
            self.state.build_timers(partition)
            await asyncio.sleep(0)
        self.state.quarantine.tell(owned)
        self.ready = True

    def behind_seconds(self) -> float | None:
        """How long ago, by the brokers' clocks, the least watermark of the owned partitions was; None: not yet known."""
        processed = [at for partition, at in self.state.processed.items() if partition in self.state.timers]
        now = self.app.broker_time.now()
        if not processed or now is None:
            return None
        return now - self.state.clock.broker_ms(min(processed)) / 1000

    # --- reading

    def wanted(self, places: Iterable[TP]) -> set[TP]:
        """The source partitions of which more may be read."""
        return self.state.inbox.wanted(places)

    def take(self, work: dict[TP, list[Any]], passed: Mapping[TP, int] | None = None) -> None:
        """Take a poll into the inbox. `passed`: up to which offset partitions were read, also where no record came of it."""
        for tp, records in work.items():
            self.state.inbox.take(tp, records)
        self.state.inbox.passed(passed or {})

    def offsets(self) -> dict[TP, int]:
        """Where to go on after a restart."""
        return self.state.inbox.offsets()

    # --- the step

    async def step(self) -> bool:
        """Everything that can be done now. False: given up, nothing is lost, the caller goes on."""
        started = time.perf_counter()
        self.last_step = time.monotonic()
        works = {partition: PartitionWork(partition, self.state) for partition in self.state.timers}
        try:
            done = await self._run_phases(works)
        except KafkaError as error:
            self._note_unavailable(error)
            await asyncio.sleep(1)
            done = False
        self.busy = any(work.is_busy for work in works.values())
        if not done:
            self.state.give_up([told for work in works.values() for told in (*work.facts, *work.repeated)])
            self.stale = True
            return False
        self.is_unavailable = False
        metrics.UNAVAILABLE.set(0)
        gc_control.collect_young()
        metrics.STEP.observe(time.perf_counter() - started)
        return True

    async def _run_phases(self, works: Works) -> bool:
        """All phases, in their order. False: the lease is lost. Raise KafkaError."""
        commit, partitions = self._commit, works.values()
        if self.app.broker_time.now() is None and not await commit.ask_time():
            return False
        bounds = self._take(works)  # 1
        if not await commit.send_outputs():  # 2
            return False
        if not await commit.send_markers({partition: marks for partition, (marks, _) in bounds.items()}):  # 3
            return False
        self._advance(works, bounds)  # 4
        if not await commit.write_alerts(partitions):  # 5
            return False
        if not await commit.write_cases(partitions):  # 6
            return False
        await commit.report_progress(partitions)  # 7
        commit.mark_done(partitions)  # 8
        return True

    def _take(self, works: Works) -> Bounds:
        bounds = {}
        for partition, read_ms in self._bounds.read(works).items():
            works[partition].take(read_ms)
            bounds[partition] = self._bounds.marks(partition, read_ms)
        return bounds

    def _advance(self, works: Works, bounds: Bounds) -> None:
        started = time.perf_counter()
        self.system.advance()
        for partition, (_, all_in) in bounds.items():
            bound = least((all_in, self._bounds.told()))
            if bound is not None:
                works[partition].advance(bound)
        self.state.slice.took(time.perf_counter() - started, cut=any(work.is_cut for work in works.values()))

    def _note_unavailable(self, error: KafkaError) -> None:
        if not self.is_unavailable:
            log.error("the broker does not answer (%s); waiting", type(error).__name__)
        self.is_unavailable = True
        metrics.UNAVAILABLE.set(1)
