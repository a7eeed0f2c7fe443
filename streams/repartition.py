"""Records that belong to another partition: clients disagree about partitioners, and some facts concern other subjects."""

from collections.abc import Mapping
from typing import Any

import orjson

from handover.cases.json_cache import dumped
from schemas.cloudevents import read_headers
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.parse import parse, trusted
from schemas.topics import SYSTEM, partition_of
from streams.engine.transport import Headers, Output, fitting
from streams.watermark import Marks

SUBJECT, ARRIVAL, MARKER = "reentry.subject", "reentry.arrival", "reentry.marker"


def home(subject: str, partitions: int) -> int:
    """The partition in which a subject's case lives."""
    return partition_of(subject.encode(), partitions)


def routed(subject: str, event: Event, arrival_ms: int) -> Output:
    """An event on its way to a subject's case. `arrival_ms`: when it arrived, in ms of the judged time. Raise TooLarge."""
    headers = [(SUBJECT, subject.encode()), (ARRIVAL, b"%d" % arrival_ms)]
    return Output(subject.encode(), fitting(dumped(event.wire())), headers)


def kept(event: Event, record: Any, arrival_ms: int) -> Output:
    """A record as far as its event is read from it, with when it arrived: whoever reads the copy reads the same event."""
    headers = [*read_headers(record.headers), (ARRIVAL, b"%d" % arrival_ms)]
    return Output(event.source.encode(), record.value, headers)


def event_of(copy: Any) -> tuple[Event, int]:
    """The event of such a copy and its arrival (ms). Raise InvalidEvent, or ValueError for one that no worker wrote."""
    arrival = dict(copy.headers).get(ARRIVAL)
    if not arrival:
        raise ValueError("it does not say when it arrived")
    at = from_millis(int(arrival))
    return parse(copy.value, copy.headers, at, SYSTEM), int(arrival)


def marker(told: Mapping[int, Marks]) -> Output:
    """How far these partitions have sent on what others wait for."""
    return Output(None, b"{}", [(MARKER, orjson.dumps({str(origin): marks for origin, marks in told.items()}))])


def marker_of(headers: Headers) -> dict[int, Marks] | None:
    """The marker in a record's headers, if it is one. Raise ValueError for one that no worker wrote."""
    text = dict(headers).get(MARKER)
    if text is None:
        return None
    told = orjson.loads(text)
    if not isinstance(told, dict) or not all(_are_marks(marks) for marks in told.values()):
        raise ValueError("no marker")
    return {int(origin): tuple(marks) for origin, marks in told.items()}


def _are_marks(marks: object) -> bool:
    return isinstance(marks, list) and all(isinstance(mark, int) for mark in marks)


def arrived(value: bytes | None, headers: Headers) -> tuple[str, Event, int]:
    """The subject, event and arrival (ms) of a routed record. Raise InvalidEvent, or ValueError for one that no worker wrote."""
    told = dict(headers)
    subject, arrival = told.get(SUBJECT), told.get(ARRIVAL)
    if not subject or not arrival or value is None:
        raise ValueError("no routed event")
    from_millis(at := int(arrival))
    return subject.decode(), trusted(value), at
