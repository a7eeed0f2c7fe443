"""What nobody should send, through the sinks: each record is written or passed over, and no database refuses a batch."""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Engine, func, select

from schemas.instants import from_millis
from schemas.parse import InvalidEvent, parse
from schemas.topics import DLQ, ROUTED
from sinks.consumer import Record
from sinks.readmodel import dead_letters, events, tables
from streams.dead_letters import dead_letter
from tests.fuzz.loop import Record as Read
from tests.fuzz.records import drafts


def spoilt(count: int) -> Iterator[Record]:
    for number, (at_ms, draft, _) in enumerate(islice(drafts(7, 0), count)):
        if draft.topic != ROUTED:
            arrival = from_millis(at_ms)
            yield Record(draft.topic, draft.place(), number, draft.key, draft.value, draft.headers, at_ms, arrival)


def is_event(record: Record) -> bool:
    try:
        parse(record.value, record.headers, record.arrival, record.topic)
    except InvalidEvent:
        return False
    return True


def test_every_event_among_spoilt_records_is_written(engine: Engine) -> None:
    records = list(spoilt(1_500))
    while records:
        batch, records = records[:250], records[250:]
        with engine.begin() as connection:
            events.write(connection, batch)
    with engine.connect() as connection:
        kept = connection.execute(select(func.count()).select_from(tables.event)).scalar_one()
    assert kept > 100


def test_every_dead_letter_of_spoilt_records_is_written(engine: Engine) -> None:
    refused = [one for one in spoilt(1_500) if not is_event(one)]
    letters = []
    for one in refused:
        read = Read(one.topic, one.partition, one.offset, one.timestamp_ms, one.key, one.value, tuple(one.headers))
        letter = dead_letter(read, "MALFORMED", "spoilt")
        letters.append(one._replace(topic=DLQ, key=letter.key, value=letter.value, headers=letter.headers))
    foreign = [
        ("reentry.redrives", b"9" * 30),
        ("__streams.errors.offset", b"x"),
        ("__streams.errors.topic", b"a\0b"),
        ("none", None),
    ]
    letters.append(refused[0]._replace(topic=DLQ, offset=10**9, headers=foreign))
    with engine.begin() as connection:
        dead_letters.write(connection, letters)
    with engine.connect() as connection:
        kept = connection.execute(select(func.count()).select_from(tables.dead_letter)).scalar_one()
    assert kept == len(letters) > 500
