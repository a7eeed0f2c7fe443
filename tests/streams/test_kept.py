"""What concerns all cases is kept as it was told: whoever reads the copy reads the same event with the same arrival."""

from dataclasses import replace
from datetime import datetime

import orjson
import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent

from schemas.instants import from_millis, instant
from schemas.parse import InvalidEvent, parse
from schemas.topics import SYSTEM, WORLD
from streams.repartition import ARRIVAL, event_of, kept
from tests.fuzz.loop import Record
from tests.schemas.examples import EVENTS

RULES = EVENTS["reentry.system.rules_changed.v1"]
ARRIVED = 1_790_000_000_000
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


def record(value: bytes, headers: tuple[tuple[str, bytes], ...]) -> Record:
    return Record(SYSTEM, 3, 17, ARRIVED, b"key", value, headers)


def binary() -> Record:
    attributes = {name: value for name, value in RULES.items() if name != "data"}
    event = CloudEvent({**attributes, "time": instant(attributes["time"])}, RULES["data"])
    message = kafka.to_binary_event(event)
    return record(bytes(message.value), tuple(message.headers.items()))


@pytest.mark.parametrize(
    "told",
    [
        record(orjson.dumps(RULES), STRUCTURED),
        record(orjson.dumps(RULES), (*STRUCTURED, (ARRIVAL, b"1"))),
        binary(),
    ],
)
def test_a_copy_is_the_same_event(told: Record) -> None:
    arrival: datetime = from_millis(ARRIVED)
    event = parse(told.value, told.headers, arrival, SYSTEM)
    copy = kept(event, told, ARRIVED)
    read = replace(told, topic=WORLD, key=copy.key, value=copy.value, headers=tuple(copy.headers))
    assert event_of(read) == (event, ARRIVED)


@pytest.mark.parametrize("told", [record(orjson.dumps(RULES), STRUCTURED), binary()])
def test_what_the_event_is_not_read_from_is_not_kept(told: Record) -> None:
    beside = (("x-operator", b"anybody"), *(() if told.headers != STRUCTURED else (("ce_note", b"anything"),)))
    event = parse(told.value, told.headers, from_millis(ARRIVED), SYSTEM)
    copy = kept(event, replace(told, headers=(*told.headers, *beside)), ARRIVED)
    assert list(copy.headers) == [*told.headers, (ARRIVAL, b"%d" % ARRIVED)]
    assert copy.key == event.source.encode()


@pytest.mark.parametrize(
    ("value", "arrival"), [(b"{", b"1790000000000"), (orjson.dumps(RULES), b"soon"), (orjson.dumps(RULES), b"")]
)
def test_what_no_worker_wrote_is_told_apart(value: bytes, arrival: bytes) -> None:
    with pytest.raises((InvalidEvent, ValueError)):
        event_of(record(value, (*STRUCTURED, (ARRIVAL, arrival))))
