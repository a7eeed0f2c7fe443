"""What one step does in one partition, and how a case and an alert go out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from handover.cases.agency_filter import sieve_of
from handover.cases.case import Case
from handover.cases.codec import encode_case
from handover.cases.compaction import ends_at
from handover.cases.json_cache import dumped
from schemas import alert as alerts
from schemas.alert import Alert
from schemas.instants import from_millis
from schemas.provenance import mark
from streams.case_cache import next_ms
from streams.engine.store import NEVER, headers, packed
from streams.engine.transport import Output, fitting
from streams.input_buffer import BufferedEvent

ALERT_HEADERS = [("content-type", b"application/cloudevents+json")]
EVER = from_millis(0)


class Write(NamedTuple):
    """A case as it goes to the table's changelog, its next instant (ms), and how it is kept in memory (None: no more)."""

    output: Output
    next_ms: int
    memory: bytes | None


@dataclass(slots=True)
class PartitionWork:
    """What one step does in one partition."""

    before: datetime = EVER  # everything with an arrival before this is known
    is_whole: bool = False  # every case has come as far: none is left for the next step
    repeated: list[BufferedEvent] = field(default_factory=list)
    facts: list[BufferedEvent] = field(default_factory=list)  # lived through
    due: list[bytes] = field(default_factory=list)
    woken: frozenset[bytes] = frozenset()  # whose own instant has come: they are written, which sets the next one
    changed: set[bytes] = field(default_factory=set)
    broken: set[bytes] = field(default_factory=set)  # failed: as it is in the table until news come
    touched: dict[bytes, Case] = field(default_factory=dict)
    writes: dict[bytes, Write] = field(default_factory=dict)  # what changed, encoded
    alerts: list[Alert] = field(default_factory=list)
    told: list[Output] = field(default_factory=list)  # the same, encoded
    refused: list[BufferedEvent] = field(default_factory=list)  # actions without authority, among `facts`: dead letters


def case_out(key: bytes, case: Case, epoch: int, now: datetime, retention: timedelta) -> Write:
    """A case that has lived up to `now`: its snapshot, or a tombstone where nothing of it needs to be kept. Raise TooLarge."""
    ends = ends_at(case, retention)
    if ends is not None and ends <= now:
        return Write(Output(key, None, [mark(epoch)]), NEVER, None)
    (value, kept), at, feeds = encode_case(case), next_ms(case, retention), sieve_of(case)
    output = Output(key, fitting(value), headers(epoch, at, kept, feeds))
    return Write(output, at, packed(epoch, at, feeds, value, kept))


def alert_out(case: Case, one: Alert, epoch: int) -> Output:
    """An alert of a case as it goes to its topic. Raise TooLarge."""
    told = [*ALERT_HEADERS, mark(epoch)]
    return Output(one.alert_id.encode(), fitting(dumped(alerts.event(one, case.written(one)))), told)
