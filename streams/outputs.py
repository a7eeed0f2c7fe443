"""How a case and an alert go out: one record of the table's changelog, one of the alert topic."""

from datetime import datetime, timedelta
from typing import NamedTuple

from handover.cases.agency_filter import sieve_of
from handover.cases.case import Case
from handover.cases.codec import encode_case
from handover.cases.compaction import ends_at
from handover.cases.json_cache import dumped
from schemas import alert as alerts
from schemas.alert import Alert
from schemas.provenance import mark
from streams.case_cache import next_ms
from streams.engine.store import NEVER, headers, packed
from streams.engine.transport import Output, fitting

ALERT_HEADERS = [("content-type", b"application/cloudevents+json")]


class CaseWrite(NamedTuple):
    """A case as it goes to the table's changelog, its next instant (ms), and how it is kept in memory (None: no more)."""

    output: Output
    next_ms: int
    memory: bytes | None


def encode_case_write(key: bytes, case: Case, epoch: int, now: datetime, retention: timedelta) -> CaseWrite:
    """A case processed up to `now`: its snapshot, or a tombstone where nothing of it needs to be kept. Raise TooLarge."""
    ends = ends_at(case, retention)
    if ends is not None and ends <= now:
        return CaseWrite(Output(key, None, [mark(epoch)]), NEVER, None)
    (value, kept), at, feeds = encode_case(case), next_ms(case, retention), sieve_of(case)
    output = Output(key, fitting(value), headers(epoch, at, kept, feeds))
    return CaseWrite(output, at, packed(epoch, at, feeds, value, kept))


def encode_alert(case: Case, alert: Alert, epoch: int) -> Output:
    """An alert of a case as it goes to its topic. Raise TooLarge."""
    marked = [*ALERT_HEADERS, mark(epoch)]
    return Output(alert.alert_id.encode(), fitting(dumped(alerts.event(alert, case.written(alert)))), marked)
