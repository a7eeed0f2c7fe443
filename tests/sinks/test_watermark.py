"""The watermark that SQL shows is never further than its alerts and cases."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from schemas.instants import instant, millis
from schemas.progress import Progress, Setup
from schemas.topics import ALERT, CASE, PROGRESS
from sinks.consumer import Record
from sinks.readmodel import position, watermarks
from sinks.readmodel.tables import watermark
from sinks.readmodel.watermarks import Watermark, read_watermark
from sinks.readmodel.writer import Writer
from sinks.takeover import Log, Place

NOON = instant("2026-03-05T12:00:00+08:00")
SETUP = Setup(
    book="cn-default@2",
    book_digest="0",
    calendar_digest="0",
    clock_digest="0",
    partitions=2,
    version="0.1",
    cluster="c",
)
MINUTE = timedelta(minutes=1)


def report(partition: int, until: datetime, alerts_end: int = 0, cases_end: int = 0) -> Record:
    one = Progress(
        partition=partition,
        processed_until=until,
        alerts_end=alerts_end,
        cases_end=cases_end,
        worker="w",
        setup=SETUP,
    )
    return Record(PROGRESS, 0, 0, one.key, one.encode(), (), millis(until), until)


def write(engine: Engine, *records: Record) -> tuple[Sequence[Record], Watermark | None]:
    with engine.begin() as connection:
        return watermarks.write(connection, records), read_watermark(connection)


def put(connection: Connection, topic: str, partition: int, offset: int) -> None:
    writer = Writer("x", (topic,), watermarks.write)
    position.take_over(connection, writer, {Place(topic, partition): Log(offset, offset, "c", "t")})


def test_it_is_known_once_every_partition_has_reported(engine: Engine) -> None:
    assert write(engine, report(0, NOON)) == ([], None)
    assert write(engine, report(1, NOON - MINUTE)) == ([], Watermark(NOON - MINUTE, NOON - MINUTE))


def test_a_report_counts_when_the_rows_have_come_as_far(engine: Engine) -> None:
    write(engine, report(0, NOON), report(1, NOON))
    later = NOON + MINUTE
    _, shown = write(engine, report(0, later, alerts_end=5, cases_end=7), report(1, later))
    assert shown == Watermark(NOON, NOON)
    with engine.begin() as connection:
        put(connection, ALERT, 0, 5)
    _, shown = write(engine, report(0, later + MINUTE, alerts_end=9, cases_end=9), report(1, later + MINUTE))
    assert shown == Watermark(NOON, NOON), "the case is not there yet"
    with engine.begin() as connection:
        put(connection, CASE, 0, 7)
    _, shown = write(engine, report(0, later + MINUTE, alerts_end=9, cases_end=9))
    assert shown == Watermark(later, later), "the report that waited counts though a newer one is not covered"


def test_it_never_goes_back(engine: Engine) -> None:
    write(engine, report(0, NOON), report(1, NOON))
    _, shown = write(engine, report(0, NOON - MINUTE), report(1, NOON - MINUTE))
    assert shown is not None
    assert shown.processed_until == NOON


def test_what_no_worker_can_have_written_is_passed_over(engine: Engine) -> None:
    write(engine, report(0, NOON), report(1, NOON))
    ahead = report(0, NOON + 60 * MINUTE)._replace(arrival=NOON, timestamp_ms=millis(NOON))
    foreign = report(0, NOON)._replace(value=b"{}")
    other_key = report(0, NOON)._replace(key=b"1")
    third = report(2, NOON)
    invalid, shown = write(engine, ahead, foreign, other_key, third)
    assert invalid == [ahead, foreign, other_key, third]
    assert shown == Watermark(NOON, NOON)
    with engine.connect() as connection:
        assert set(connection.execute(select(watermark.c.partition)).scalars()) == {0, 1}
