"""Records that belong to another partition: clients disagree about partitioners, and some facts concern other subjects."""

from collections.abc import Mapping

import orjson

from schemas.envelope import Event
from schemas.parse import trusted
from schemas.topics import partition_of
from streams.engine.transport import Headers, Output
from streams.watermark import Marks

SUBJECT, ARRIVAL, MARKER = "reentry.subject", "reentry.arrival", "reentry.marker"


def home(subject: str, partitions: int) -> int:
    """The partition in which a subject's case lives."""
    return partition_of(subject.encode(), partitions)


def routed(subject: str, event: Event, arrival_ms: int) -> Output:
    """An event on its way to a subject's case. `arrival_ms`: when it arrived, in ms of the judged time."""
    headers = [(SUBJECT, subject.encode()), (ARRIVAL, b"%d" % arrival_ms)]
    return Output(subject.encode(), orjson.dumps(event.wire()), headers)


def marker(told: Mapping[int, Marks]) -> Output:
    """How far these partitions have sent on what others wait for."""
    return Output(None, b"{}", [(MARKER, orjson.dumps({str(origin): marks for origin, marks in told.items()}))])


def marker_of(headers: Headers) -> dict[int, Marks] | None:
    """The marker in a record's headers, if it is one."""
    for name, text in headers:
        if name == MARKER:
            return {int(origin): tuple(marks) for origin, marks in orjson.loads(text).items()}
    return None


def arrived(value: bytes, headers: Headers) -> tuple[str, Event, int]:
    """The subject, event and arrival (ms) of a routed record. Raise InvalidEvent, KeyError, ValueError."""
    told = dict(headers)
    return told[SUBJECT].decode(), trusted(value), int(told[ARRIVAL])
