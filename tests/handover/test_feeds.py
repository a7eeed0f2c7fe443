"""Manifests: what is judged is what has arrived; what a publisher numbers costs nothing."""

import tracemalloc
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from handover.analysis.replay import replay, verdicts
from handover.calendar import load_calendar
from handover.feeds.manifest import Arrived, Manifest, Promise, judge
from handover.rules.rulebook import load
from schemas.envelope import Event
from tests.growth import growth
from tests.handover.histories import COUNTY, PRISON, Told, at, told

BOOK, CALENDAR = load("cn-default"), load_calendar()
DAY = at("2026-02-05 00:00").date()
TOPIC = "reentry.intake.v1"
MIB = 1 << 20


def manifest(first: int | None, last: int | None, count: int = 0) -> Event:
    promise: dict[str, Any] = {"topic": TOPIC, "count": count}
    promise |= {"first_sequence": str(first), "last_sequence": str(last)} if first is not None else {}
    data = {"day": DAY.isoformat(), "topics": [promise]}
    return told("system.publisher_manifest", "2026-02-06 00:10", data, COUNTY, COUNTY)


def numbered(*numbers: int) -> list[Told]:
    visit = {"visited_on": "2026-02-05", "met_person": True}
    events = [told("intake.visit_done", "2026-02-05 09:00", visit, COUNTY, sequence=str(number)) for number in numbers]
    return [(event, event.time + timedelta(minutes=minute)) for minute, event in enumerate(events)]


def verdict(event: Event, arrived: list[Told]) -> dict[str, Any]:
    ((found, _),) = verdicts([*arrived, (event, event.time)])
    return dict(found.data)


@pytest.mark.parametrize(
    ("first", "last", "missing"),
    [
        (1_770_220_800_000, 1_770_307_199_999, 86_400_000 - 2),  # milliseconds since 1970
        (1, 3 * 10**16, 3 * 10**16 - 2),
        (0, 10**18 - 1, 10**18 - 2),
    ],
)
def test_numbers_that_jump_are_counted_and_not_walked(first: int, last: int, missing: int) -> None:
    arrived = numbered(first, last, first, last + 1)
    tracemalloc.start()
    found = verdict(manifest(first, last), arrived)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found["missing"], found["met_at"]) == ({TOPIC: missing}, None)
    assert most < 32 * MIB  # one word for each of a day of milliseconds would be 690


def test_a_range_is_met_when_the_last_of_its_numbers_came_first() -> None:
    arrived = numbered(7, 6, 5, 7, 5)
    assert verdict(manifest(5, 7), arrived)["met_at"] == "2026-02-06T00:10:00+08:00"
    late = (arrived[2][0], at("2026-02-07 09:00"))
    assert verdict(manifest(5, 7), [*arrived[:2], late])["met_at"] == "2026-02-07T09:00:00+08:00"


def test_a_count_is_met_when_as_many_came() -> None:
    arrived = [(event, at(f"2026-02-0{day} 09:00")) for day, (event, _) in enumerate(numbered(1, 2, 3), start=6)]
    assert verdict(manifest(None, None, 2), arrived)["met_at"] == "2026-02-07T09:00:00+08:00"
    assert verdict(manifest(None, None, 4), arrived)["missing"] == {TOPIC: 1}


@pytest.mark.parametrize(("first", "last"), [(10, 2), (10, 9)])
def test_a_range_that_ends_before_it_begins_is_told(first: int, last: int) -> None:
    raised = list(replay([*numbered(10, 2), (manifest(first, last), at("2026-02-06 00:10"))], BOOK, CALENDAR))
    assert verdict(manifest(first, last), numbered(10, 2))["missing"] == {TOPIC: 1}
    assert raised == []  # due at 02:00
    until = at("2026-02-06 03:00")
    event = manifest(first, last)
    assert [one.rule_id for one in replay([(event, event.time)], BOOK, CALENDAR, until)] == ["X04"]


def test_one_topic_promised_twice_is_missing_once() -> None:
    topics = (Promise(TOPIC, 3), Promise(TOPIC, 1, 1, 9))
    found = judge(Manifest(PRISON, DAY, at("2026-02-06 00:10"), topics), {topics[1]: Arrived(numbers=4)})
    assert found.missing == {TOPIC: 5}


def test_work_grows_with_what_arrived_and_not_with_what_is_numbered() -> None:
    events = numbered(*range(0, 160_000, 10))

    def many(size: int) -> list[Told]:
        manifests = [manifest(0, 10**17, count=size) for _ in range(3)]
        return [*islice(events, size), *((one, one.time) for one in manifests)]

    assert growth(verdicts, many, 4_000) < 3
