"""The table's store: one dictionary per partition, and the changelog offset it knows."""

import logging
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from zlib import crc32

from faust import stores
from faust.stores.memory import Store as MemoryStore
from faust.types import TP

from handover.cases.agency_filter import ANY
from schemas.provenance import epoch_of, mark
from streams import metrics

log = logging.getLogger(__name__)

# Writer epoch, next instant in ms (NEVER: none), whose feeds may hold its alerts (handover.cases.agency_filter), digest of what is shown.
HEAD = struct.Struct(">IqQI")
NEVER = -(2**63)
NEXT, FEEDS = "next", "feeds"  # the same, as headers of the changelog record, beside the writer's mark
FIRING = "firing"  # in its place, in records of an earlier version
_SHOWN = b'"handovers":'  # the first field of a case's JSON that shows what is derived (handover.cases.public_view)
KEPT = "kept"  # how many bytes of the record's JSON object are needed to go on; the rest is for others to read


def packed(epoch: int, next_ms: int, feeds: int, value: bytes, kept: int | None = None) -> bytes:
    """A case as it is kept in memory: the first `kept` bytes of its JSON, closed; all of it where that is not known."""
    head = HEAD.pack(epoch, next_ms, feeds, digest(value, kept or 0))
    return head + value if kept is None else b"".join((head, value[:kept], b"}"))


def digest(value: bytes, kept: int = 0) -> int:
    """A checksum of what a case shows of its handovers and duties. It leaves out when that was looked at.

    `kept`: the bytes before, which others do not read.
    """
    return crc32(memoryview(value)[max(value.find(_SHOWN, kept), 0) :])


def headers(epoch: int, next_ms: int, kept: int, feeds: int) -> list[tuple[str, bytes]]:
    """The headers of its changelog record."""
    return [
        mark(epoch),
        (NEXT, b"" if next_ms == NEVER else b"%d" % next_ms),
        (FEEDS, b"%x" % feeds),
        (FIRING, b"1" if feeds else b""),
        (KEPT, b"%d" % kept),
    ]


def _told(head: Mapping[str, bytes | None]) -> tuple[int, int]:
    """The next instant and the feeds that a record's headers tell."""
    feeds = head.get(FEEDS)
    known = int(feeds, 16) if feeds else ANY if head.get(FIRING) else 0
    return int(told) if (told := head.get(NEXT)) else NEVER, known


class _Written(NamedTuple):
    """A changelog record as a worker wrote it; `memory`: None for a tombstone."""

    epoch: int
    memory: bytes | None


def _read(record: Any) -> _Written | None:
    """What a changelog record says; None where no worker wrote it."""
    epoch = epoch_of(record.headers)
    if epoch is None or record.key is None:
        return None
    if record.value is None:
        return _Written(epoch, None)
    head = dict(record.headers)
    try:
        kept = int(head[KEPT]) if head.get(KEPT) else None
        if kept is not None and not 0 <= kept <= len(record.value):
            return None
        return _Written(epoch, packed(epoch, *_told(head), record.value, kept))
    except (ValueError, struct.error):
        return None


def foreign(tp: TP, offset: int) -> None:
    """Tell that somebody who is no worker wrote to the topic of cases: what the workers wrote counts."""
    log.error("%s, partition %s, offset %s: passed over, no worker wrote this", tp.topic, tp.partition, offset)
    metrics.RECORDS.labels(tp.topic, "invalid").inc()


class PartitionStore(MemoryStore):  # type: ignore[misc]
    """`{partition: {key: packed}}`. What it has read it does not read again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.epoch: dict[int, int] = defaultdict(int)  # of the newest writer in each changelog partition
        self.own: dict[int, int] = {}  # ours, of the partitions that we own
        self.offsets: dict[TP, int] = {}

    def persisted_offset(self, tp: TP) -> int:
        """The last changelog offset known; -1: none, and not what Faust remembers of an earlier ownership."""
        return self.offsets.get(tp, -1)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Know everything up to an offset."""
        self.offsets[tp] = max(offset, self.persisted_offset(tp))

    def claim(self, partition: int, generation: int) -> None:
        """Become the writer of a partition, in a generation of the group of workers.

        Above every writer that its changelog has seen, and above those who owned it in earlier generations and wrote nothing.
        What nobody has written says nothing: else whoever owned a partition often and wrote nothing would as a standby take the
        records of the next owner for a zombie's.
        """
        self.own[partition] = max(self.epoch[partition] + 1, generation)

    def wrote(self, tp: TP, offset: int) -> None:
        """Our own records stand in the changelog up to an offset."""
        self.epoch[tp.partition] = self.own[tp.partition]
        self.set_persisted_offset(tp, offset)

    def apply(self, tp: TP, records: list[Any]) -> bool:
        """Take changelog records. False: an old prefix read again, which must not overwrite newer state."""
        known = self.persisted_offset(tp)
        if records[-1].offset <= known:
            return False
        part, epoch = self.parts[tp.partition], self.epoch[tp.partition]
        for record in records:
            if record.offset <= known:
                continue
            written = _read(record)
            if written is None:
                foreign(tp, record.offset)
            elif written.epoch >= epoch:  # a zombie's late write carries an older epoch
                epoch = written.epoch
                if written.memory is None:
                    part.pop(record.key, None)
                else:
                    part[record.key] = written.memory
        self.epoch[tp.partition] = epoch
        self.set_persisted_offset(tp, records[-1].offset)
        return True

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """Recovery goes through `apply`."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop what is no longer ours."""
        for tp in revoked:
            if tp.topic == self.table.changelog_topic_name:
                self.parts.pop(tp.partition, None)
                self.epoch.pop(tp.partition, None)
                self.own.pop(tp.partition, None)
                self.offsets.pop(tp, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """The stock store would delete the standbys here."""


stores.STORES.aliases["part"] = "streams.engine.store:PartitionStore"
URL = "part://local"  # "part://" alone is a falsy address and would be ignored
