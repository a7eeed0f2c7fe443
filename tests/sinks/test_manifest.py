"""Manifests judged in SQL: missing counts from when it could be known, and what came before that is no gap."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import orjson
import pytest
from sqlalchemy import Engine

from schemas.envelope import Event
from schemas.instants import millis, show
from sinks.consumer import Record
from sinks.monitors.manifests import Judged, find_met, judge_due, keep_verdicts
from sinks.readmodel import events as event_table
from tests.handover.histories import at

SOURCE = "/agencies/PRISON-990100-01"
UNTIL = at("2026-02-07 00:00")


def manifest(told_at: str) -> Event:
    return Event(
        id="m1",
        source=SOURCE,
        type="reentry.system.publisher_manifest.v1",
        subject=SOURCE,
        time=at(told_at),
        data={"day": "2026-02-05", "topics": [{"topic": "reentry.release.v1", "count": 1}]},
    )


def release() -> Event:
    happened = at("2026-02-05 09:00")
    data = {"released_at": show(happened), "reason": "RELEASED"}
    return Event(
        id="r1",
        source=SOURCE,
        type="reentry.release.occurred.v1",
        subject="p1_" + "a" * 26,
        time=happened,
        data=data,
    )


def judged(engine: Engine, told: Iterable[tuple[Event, datetime]], until: datetime = UNTIL) -> list[Judged]:
    with engine.begin() as connection:
        event_table.write(
            connection,
            [
                Record(event.topic, 0, offset, None, orjson.dumps(event.wire()), (), millis(arrival), arrival)
                for offset, (event, arrival) in enumerate(told)
            ],
        )
    with engine.begin() as connection:
        found = judge_due(connection, until)
        keep_verdicts(connection, found)
    return found


def told(found: list[Judged]) -> list[tuple[str, datetime]]:
    return [(event.id, event.time) for one in found for event in one.events]


def test_what_is_missing_at_two_o_clock_is_told_then(engine: Engine) -> None:
    found = judged(engine, [(manifest("2026-02-06 00:20"), at("2026-02-06 00:21"))])
    assert told(found) == [("m1:judged:missing", at("2026-02-06 02:00"))]


def test_a_manifest_that_comes_after_two_is_judged_when_it_comes(engine: Engine) -> None:
    found = judged(engine, [(manifest("2026-02-06 00:20"), at("2026-02-06 08:00"))])
    assert told(found) == [("m1:judged:missing", at("2026-02-06 08:00"))]


def test_what_came_before_a_late_manifest_was_never_missing(engine: Engine) -> None:
    late = [(release(), at("2026-02-06 07:00")), (manifest("2026-02-06 00:20"), at("2026-02-06 08:00"))]
    found = judged(engine, late)
    assert told(found) == []
    assert judged(engine, late) == []


def test_what_comes_later_ends_the_gap(engine: Engine) -> None:
    assert len(told(judged(engine, [(manifest("2026-02-06 00:20"), at("2026-02-06 00:21"))]))) == 1
    found = judged(engine, [(release(), at("2026-02-06 10:00"))])
    assert told(found) == [("m1:judged:met", at("2026-02-06 10:00"))]


def numbered(*numbers: int) -> list[tuple[Event, datetime]]:
    events = [replace(release(), id=f"r{number}", sequence=str(number)) for number in numbers]
    return [(event, at(f"2026-02-05 1{minute}:00")) for minute, event in enumerate(events)]


def promised(first: int, last: int) -> tuple[Event, datetime]:
    topic = {"topic": "reentry.release.v1", "count": 2, "first_sequence": str(first), "last_sequence": str(last)}
    told_at = at("2026-02-06 00:20")
    return replace(manifest("2026-02-06 00:20"), data={"day": "2026-02-05", "topics": [topic]}), told_at


@pytest.mark.parametrize(("first", "last"), [(1_770_220_800_000, 1_770_307_199_999), (1, 80_000_000)])
def test_numbers_that_jump_are_counted_and_not_walked(engine: Engine, first: int, last: int) -> None:
    tracemalloc.start()
    (found,) = judged(engine, [*numbered(first, last, first - 1 if first else 1), promised(first, last)])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.row["missing"] == {"reentry.release.v1": last - first - (1 if first else 2)}
    assert most < 32 << 20
    with engine.begin() as connection:
        assert find_met(connection, numbered(first + 1)) == []


def test_the_last_number_that_is_missing_ends_the_gap(engine: Engine) -> None:
    assert len(told(judged(engine, [*numbered(5, 7), promised(5, 7)]))) == 1
    six = replace(release(), id="r6", sequence="6")
    with engine.begin() as connection:
        assert find_met(connection, [(six, at("2026-02-06 10:00"))]) == [(SOURCE, "2026-02-05")]
        assert find_met(connection, [(replace(six, sequence="7"), at("2026-02-06 10:00"))]) == []
    assert told(judged(engine, [(six, at("2026-02-06 10:00"))])) == [("m1:judged:met", at("2026-02-06 10:00"))]
