"""The topics of cases and alerts written again from the log, as workers would have written them, while no worker runs."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from kafka import KafkaProducer, TopicPartition
from kafka.admin import OffsetSpec, OffsetTimestamp
from kafka.errors import NoError
from kafka.protocol.consumer.offsets import IsolationLevel
from kafka.structs import OffsetAndMetadata

from brokers.clients import open_admin
from brokers.connection import KafkaConnection
from handover.cases.case import Case
from schemas.alert import Alert
from schemas.progress import Progress, Setup, Wrote
from schemas.topics import ALERT, CASE, PROGRESS, ROUTED, SOURCES, named
from streams.engine.transport import Output, TooLarge
from streams.loss_check import written
from streams.outputs import encode_alert, encode_case_write
from streams.repartition import home, marker

_SETTLE_SECONDS = 1.0  # until what the brokers have stamped before can be read
_ACK_SECONDS = 60.0


class WorkersRun(RuntimeError):
    """A worker belongs to the group: it would write beside us."""


@dataclass(frozen=True)
class Cut:
    """An instant of the brokers' clocks (ms), and where each source partition ended after it."""

    at_ms: int
    ends: Mapping[TopicPartition, int]


@dataclass
class Rewriting:
    """What is to be written, by partition."""

    alerts: dict[int, list[Output]] = field(default_factory=lambda: defaultdict(list))
    cases: dict[int, list[Output]] = field(default_factory=lambda: defaultdict(list))
    too_large: set[str] = field(default_factory=set)  # subjects

    def add_alert(self, case: Case, alert: Alert, partition: int, epoch: int) -> None:
        """Tell one snapshot of a case."""
        self.alerts[partition].append(encode_alert(case, alert, epoch))

    def add_case(self, case: Case, partition: int, epoch: int, before: datetime, retention: timedelta) -> None:
        """Write one case that has lived up to `before`."""
        try:
            output = encode_case_write(case.subject.encode(), case, epoch, before, retention).output
        except TooLarge:
            self.too_large.add(case.subject)
            return
        self.cases[partition].append(output)


class Pipeline:
    """The topics and the group of the workers. Every method may raise KafkaError, OSError."""

    def __init__(self, kafka: KafkaConnection, prefix: str, partitions: int) -> None:
        self._kafka, self._prefix, self.partitions = kafka, prefix, partitions
        self._group = f"{prefix}reentry-worker"

    def home(self, subject: str) -> int:
        """The partition of a subject's case."""
        return home(subject, self.partitions)

    def refuse_workers(self) -> None:
        """Raise WorkersRun while the group has a member."""
        with open_admin(self._kafka) as admin:
            found = admin.describe_groups([self._group])[self._group]
        if found["members"]:
            raise WorkersRun(f"{len(found['members'])} workers run, or have not taken leave of the broker yet")

    def cut(self) -> Cut:
        """Ask the brokers what time it is, and where what arrived before ends."""
        stamps = self._send(ROUTED, {number: [marker({})] for number in range(self.partitions)})
        time.sleep(_SETTLE_SECONDS)
        with open_admin(self._kafka) as admin:
            ends = admin.list_partition_offsets(
                dict.fromkeys(self._places(SOURCES), OffsetSpec.LATEST), isolation_level=IsolationLevel.READ_COMMITTED
            )
        return Cut(min(stamps), {place: one.offset for place, one in ends.items()})

    def write(self, news: Rewriting) -> None:
        """Alerts before cases, as workers do: what ends between the two is told again alike."""
        self._send(ALERT, news.alerts)
        self._send(CASE, news.cases)

    def go_on_from(self, cut: Cut) -> None:
        """Let the workers read on behind the cut; what was on its way between them they send again. Raise WorkersRun."""
        after, routed = OffsetTimestamp(cut.at_ms), self._places([ROUTED])
        with open_admin(self._kafka) as admin:
            firsts = admin.list_partition_offsets(dict.fromkeys(cut.ends, after))
            offsets = {place: _earlier(firsts[place].offset, end) for place, end in cut.ends.items()}
            ends = admin.list_partition_offsets(dict.fromkeys(routed, OffsetSpec.LATEST))
            offsets |= {place: one.offset for place, one in ends.items()}
            wanted = {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
            refused = {one for one in admin.alter_group_offsets(self._group, wanted).values() if one is not NoError}
        if refused:
            raise WorkersRun(
                f"the group did not take its offsets: {', '.join(sorted(one.__name__ for one in refused))}"
            )

    def report(self, until: datetime, own: Setup) -> None:
        """Tell, as a worker does, what the topics hold now: the next worker compares."""
        held, worker = written(self._kafka, self._prefix), f"rebuild-{uuid4().hex}"
        told = []
        for number in range(self.partitions):
            alerts, cases = (held[TopicPartition(named(self._prefix, topic), number)] for topic in (ALERT, CASE))
            one = Progress(
                partition=number,
                processed_until=until,
                alerts_end=alerts.end,
                cases_end=cases.end,
                alerts=Wrote(topic_id=alerts.topic_id, first=alerts.first),
                cases=Wrote(topic_id=cases.topic_id, first=cases.first),
                worker=worker,
                setup=own,
            )
            told.append(Output(one.key, one.encode(), [("content-type", b"application/json")]))
        self._send(PROGRESS, {0: told})

    def _places(self, topics: Collection[str]) -> list[TopicPartition]:
        return [
            TopicPartition(named(self._prefix, topic), number) for topic in topics for number in range(self.partitions)
        ]

    def _send(self, topic: str, outputs: Mapping[int, Iterable[Output]]) -> list[int]:
        """Write and wait for the acknowledgements; return the brokers' timestamps (ms)."""
        producer: Any = KafkaProducer(**self._kafka.client(), acks="all", max_request_size=2_000_000, linger_ms=20)
        try:
            sent = [
                producer.send(
                    named(self._prefix, topic), one.value, one.key, headers=list(one.headers), partition=number
                )
                for number, some in outputs.items()
                for one in some
            ]
            return [future.get(timeout=_ACK_SECONDS).timestamp for future in sent]
        finally:
            producer.close(timeout=5)


def _earlier(first: int, end: int) -> int:
    """The first record behind the cut; where none is there yet, the end."""
    return end if first < 0 else min(first, end)
