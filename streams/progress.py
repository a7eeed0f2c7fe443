"""Every worker writes the watermark of its partitions, so that silence can be told from "nothing is late"."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from brokers.connection import KafkaConnection
from brokers.holdings import Holding
from schemas import progress
from schemas.progress import Progress, Setup, Wrote
from schemas.topics import ALERT, CASE, PROGRESS, named
from streams.admission import DifferentSetup
from streams.engine.transport import App, Output, Written
from streams.reader import open_reader

EACH_SECONDS = 1.0
_POLL_MS = 500


class ProgressReporter:
    """Writes one record per owned partition each second: up to where it is processed, and where its alerts and cases end."""

    def __init__(self, app: App, prefix: str, own: Setup) -> None:
        self.worker = uuid4().hex
        self.own = own
        self.first_offset: int | None = None  # of what this worker wrote: of two that differ the later one ends
        self.topic = named(prefix, PROGRESS)
        self._app = app
        self._alert_topic, self._case_topic = named(prefix, ALERT), named(prefix, CASE)
        self.held: Mapping[Any, Holding] = {}  # what the topics held when the worker started
        self._ends: dict[int, int] = {}  # per partition the offset after its last alert
        self._written_at = float("-inf")

    def take(self, written: Iterable[Written]) -> None:
        """Note where the broker has put alerts."""
        for one in written:
            if one.partition in self._ends:
                self._ends[one.partition] = max(self._ends[one.partition], one.base + one.number)

    def clear(self) -> None:
        """Forget where alerts end: another worker may write the partitions now."""
        self._ends.clear()

    async def report(self, processed: Mapping[int, datetime], cases: Mapping[TP, int | None]) -> None:
        """Write the progress if a second has passed. `cases`: per changelog partition the offset of its last case (None: no case yet).

        Raise KafkaError. A lost lease writes nothing: the next owner tells.
        """
        if time.monotonic() - self._written_at < EACH_SECONDS or not processed:
            return
        if not await self._app.consumer.lease():
            return
        await self._find_ends([partition for partition in processed if partition not in self._ends])
        outputs = [
            self._output(partition, until, cases[TP(self._case_topic, partition)])
            for partition, until in sorted(processed.items())
        ]
        [first, *_] = await self._app.send_batches(self.topic, {0: outputs})
        self.first_offset = first.base if self.first_offset is None else self.first_offset
        self._written_at = time.monotonic()

    async def _find_ends(self, partitions: list[int]) -> None:
        if not partitions:
            return
        places = {number: TP(self._alert_topic, number) for number in partitions}
        ends = await self._app.consumer.highwaters(*places.values())
        self._ends |= {number: int(ends[place]) for number, place in places.items()}

    def _output(self, partition: int, until: datetime, last_case: int | None) -> Output:
        told = Progress(
            partition=partition,
            processed_until=until,
            alerts_end=self._ends[partition],
            cases_end=0 if last_case is None else last_case + 1,
            alerts=self._wrote(self._alert_topic, partition),
            cases=self._wrote(self._case_topic, partition),
            worker=self.worker,
            setup=self.own,
        )
        return Output(told.key, told.encode(), [("content-type", b"application/json")])

    def _wrote(self, topic: str, partition: int) -> Wrote | None:
        held = self.held.get((topic, partition))
        return None if held is None else Wrote(topic_id=held.topic_id, first=held.first)


async def watch_setups(reporter: ProgressReporter, kafka: KafkaConnection) -> None:
    """Follow what other workers run with. Raise DifferentSetup where one that wrote earlier differs from this worker.

    `streams.admission.refuse_different` looks before the start; two workers that start at the same time meet here.
    """
    place = TopicPartition(reporter.topic, 0)
    async with open_reader(kafka) as consumer:
        consumer.assign([place])
        await consumer.seek_to_end(place)
        firsts: dict[str, int] = {}
        while True:
            with contextlib.suppress(KafkaError):
                for record in (await consumer.getmany(timeout_ms=_POLL_MS)).get(place, ()):
                    _compare(reporter, record, firsts)
            await asyncio.sleep(0)


def _compare(reporter: ProgressReporter, record: Any, firsts: dict[str, int]) -> None:
    """Raise DifferentSetup where the worker that wrote this has another setup and wrote first."""
    try:
        other = progress.read(record.value)
    except ValueError:
        return  # no worker wrote it; the sink says so
    first = firsts.setdefault(other.worker, record.offset)
    differences = other.setup.differences(reporter.own)
    if differences and (reporter.first_offset is None or first < reporter.first_offset):
        raise DifferentSetup(differences)
