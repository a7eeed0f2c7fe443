"""What a step writes, and in which order: phases 2, 3 and 5 to 8 of `streams.step`. Each waits for the brokers' acknowledgement.

A phase returns False, or raises KafkaError, where it could not write: the step is given up, and its facts are taken again.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from faust.types import TP

from handover.cases.authority import WITHOUT_AUTHORITY
from schemas.provenance import epoch_of
from schemas.topics import ALERT, DLQ, ROUTED, named
from streams import metrics
from streams.dead_letters import dead_letter
from streams.engine.store import NEVER, foreign
from streams.engine.transport import App, Output, Written
from streams.loss_check import LostRecords
from streams.outputs import CaseWrite
from streams.partition import PartitionWork
from streams.progress import ProgressReporter
from streams.repartition import marker
from streams.watermark import Marks
from streams.worker_state import WorkerState


class ForeignWriter(RuntimeError):
    """Somebody else wrote to our changelog partition: we are, or were, a zombie. Die and recover."""


class Commit:
    """Writes what the partitions' works of one step have come to. `progress` None: nobody is told how far they are processed."""

    def __init__(self, app: App, table: Any, state: WorkerState, progress: ProgressReporter | None) -> None:
        self._app, self._table, self._state, self._progress = app, table, state, progress
        prefix = state.config.topic_prefix
        self._alert_topic, self._routed_topic, self._dlq_topic = (named(prefix, one) for one in (ALERT, ROUTED, DLQ))

    async def ask_time(self) -> bool:
        """Before 1: write markers that say nothing; their acknowledgements tell what time it is by the brokers' clocks."""
        return await self._send_marker({})

    # --- 2, outputs: before 3 and 8, so that no marker and no offset passes a record that is not yet sent on.
    # A crash after it: they are sent twice; the receiving case is a set, a dead letter is repeated.

    async def send_outputs(self) -> bool:
        """Send what waits in the output buffer: routed records, shared facts, dead letters."""
        outputs = self._state.inbox.outputs
        for topic, records in list(outputs.items()):
            if await self._send(topic, records) is None:
                return False
            del outputs[topic]
        return True

    # --- 3, markers: after 2, for a marker says that nothing of ours comes before it any more.
    # A crash after it: markers only grow, and the next owner sends its own.

    async def send_markers(self, known: Mapping[int, Marks]) -> bool:
        """Tell all partitions how far these are known."""
        markers = self._state.inbox.markers
        now_ms = round(time.monotonic() * 1000)  # the wall clock may jump
        due = markers.due(known, now_ms)
        if due:
            if not await self._send_marker(due):
                return False
            markers.wrote(due, now_ms)
        return True

    async def _send_marker(self, marks: Mapping[int, Marks]) -> bool:
        partitions = range(self._state.config.partitions)
        return await self._send(self._routed_topic, {number: [marker(marks)] for number in partitions}) is not None

    # --- 5, alerts: before 6. A crash between the two raises the same alerts again; the reverse order loses them,
    # for a case that is written remembers its alert and its refusal, and never tells them again.

    async def write_alerts(self, works: Collection[PartitionWork]) -> bool:
        """Write the dead letters that came up in 4, those of actions without authority, and the alerts."""
        if not await self.send_outputs():
            return False
        letters = {
            work.partition: [dead_letter(told.record, "NOT_ALLOWED", WITHOUT_AUTHORITY) for told in work.refused]
            for work in works
            if work.refused
        }
        if letters and await self._send(self._dlq_topic, letters) is None:
            return False
        alerts = {work.partition: work.alert_outputs for work in works if work.alert_outputs}
        if alerts:
            written = await self._send(self._alert_topic, alerts)
            if written is None:
                return False
            if self._progress is not None:
                self._progress.take(written)
        return True

    # --- 6, cases: after 5, and before 7 and 8. A crash after it: the facts are in the cases, read again they are duplicates.

    async def write_cases(self, works: Collection[PartitionWork]) -> bool:
        """Write what changed to the table's changelog, then to the table. Raise ForeignWriter, LostRecords."""
        writes = {work.partition: {key: work.writes[key] for key in work.changed} for work in works if work.changed}
        if not writes:
            return True
        outputs = {partition: [one.output for one in of.values()] for partition, of in writes.items()}
        written = await self._send(self._table.changelog_topic_name, outputs)
        if written is None:
            return False
        for batch in written:
            await self._note_written(batch)
        for partition, of in writes.items():
            for key, write in of.items():
                self._keep(partition, key, write)
        return True

    async def _note_written(self, written: Written) -> None:
        store, tp = self._state.store, TP(self._table.changelog_topic_name, written.partition)
        known = store.persisted_offset(tp)
        if written.base <= known:
            raise LostRecords(
                [f"{tp.topic}[{tp.partition}] ends at {written.base}, though workers wrote up to {known + 1}"]
            )
        if written.base != known + 1:
            await self._pass_over(tp, known + 1, written.base)
        store.wrote(tp, written.base + written.number - 1)

    async def _pass_over(self, tp: TP, first: int, after: int) -> None:
        """Somebody else wrote before us to our changelog partition. Raise ForeignWriter where it was a worker.

        What no worker wrote counts for nothing; where it hides a case, that is written once more by the next step.
        """
        for record in await self._app.read(self._state.config.kafka, tp, first, after):
            if epoch_of(record.headers) is not None:
                raise ForeignWriter(f"partition {tp.partition}: a worker's record at offset {record.offset}")
            foreign(tp, record.offset)
            self._state.hidden[tp.partition].add(record.key or b"")

    def _keep(self, partition: int, key: bytes, write: CaseWrite) -> None:
        part = self._state.store.parts[partition]
        if write.memory is None:
            part.pop(key, None)
            self._state.cases.drop(partition, key)
            return
        part[key] = write.memory
        if write.next_ms != NEVER:
            self._state.timers[partition].push(write.next_ms, key)

    # --- 7, progress: after 5 and 6, so that what is reported as processed is on its topics.
    # A crash before it: the reported watermark stays behind until the next step.

    async def report_progress(self, works: Collection[PartitionWork]) -> None:
        """Report how far the partitions are processed."""
        if self._progress is None:
            return
        store, topic = self._state.store, self._table.changelog_topic_name
        processed = {work.partition: work.before for work in works if work.is_whole}
        cases = {TP(topic, partition): store.persisted_offset(TP(topic, partition)) for partition in processed}
        await self._progress.report(processed, cases)

    # --- 8, offsets: last. A crash before Faust commits them: the records are read again and are duplicates.

    def mark_done(self, works: Collection[PartitionWork]) -> None:
        """Let the offsets of what was processed be committed, and count it."""
        for work in works:
            self._state.quarantine.lived(work.changed)
            self._state.inbox.applied([*work.facts, *work.repeated])
            self._put_back_timers(work)
            self._state.hidden[work.partition] -= work.changed
            self._state.drop_stale_timers(work.partition)
            _count_facts(work)
            self._count_alerts(work)
            metrics.OPEN_CASES.labels(work.partition).set(len(self._state.store.parts[work.partition]))
            metrics.OPEN_DEADLINES.labels(work.partition).set(len(self._state.timers[work.partition]))

    def _put_back_timers(self, work: PartitionWork) -> None:
        """A case that was looked at and has not changed: its timer must stay in the heap."""
        for key in work.due:
            if key not in work.changed and key not in work.broken:
                at = self._state.cases.next_of(work.partition, key)
                if at is not None and at != NEVER:
                    self._state.timers[work.partition].push(at, key)

    def _count_alerts(self, work: PartitionWork) -> None:
        now = time.time()
        for alert in work.alerts:
            metrics.ALERT_CHANGES.labels(alert.rule_id, alert.state, alert.outcome or "").inc()
            if alert.state == "firing" and alert.raised_at == alert.changed_at:
                metrics.DEADLINE_DELAY.observe(max(0.0, now - self._state.clock.broker_ms(alert.raised_at) / 1000))

    async def _send(self, topic: str, records: Mapping[int, Sequence[Output]]) -> list[Written] | None:
        """Write to partitions of a topic; None: the lease is lost, nothing is written. Raise KafkaError."""
        if not await self._app.consumer.lease():
            return None
        return await self._app.send_batches(topic, records)


def _count_facts(work: PartitionWork) -> None:
    """Each record ends in one counted outcome."""
    refused = {told.number for told in work.refused}
    for told in work.facts:
        metrics.RECORDS.labels(told.tp.topic, "invalid" if told.number in refused else "applied").inc()
    for told in work.refused:
        metrics.DEAD_LETTERS.labels(told.tp.topic, "NOT_ALLOWED").inc()
    for told in work.repeated:
        metrics.RECORDS.labels(told.tp.topic, "duplicate").inc()
