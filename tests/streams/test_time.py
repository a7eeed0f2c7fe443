"""Clock, bounds, markers and deadlines: pure, against slow and obvious models."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import instant, millis
from streams.clock import Clock, Segment
from streams.engine.heap import TimerQueue
from streams.markers import MARKED_EACH_MS, Markers
from streams.time_slice import TimeSlice
from streams.watermark import Frontier, least

START = millis(instant("2026-11-24T10:00:00+08:00"))


def test_without_segments_time_is_what_it_is() -> None:
    assert Clock().millis_at(START) == START
    assert Clock.load(None) == Clock()


def test_an_hour_a_second_from_the_start_on(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    path.write_text(json.dumps([{"log_start": START, "time_start": "2026-01-01T00:00:00+08:00", "rate": 3600}]))
    clock = Clock.load(path)
    assert clock.arrival(START + 1000) == instant("2026-01-01T01:00:00+08:00")
    assert clock.broker_ms(instant("2026-01-01T01:00:00+08:00")) == START + 1000


def test_a_clock_that_was_stopped_goes_on_from_where_it_stood() -> None:
    clock = Clock((Segment(0, 0, 10.0), Segment(100, 1000, 1e-6), Segment(5000, 1001, 10.0)))
    assert [clock.millis_at(at) for at in (50, 100, 4999, 5000, 5010)] == [500, 1000, 1000, 1001, 1101]
    found = [clock.millis_at(at) for at in range(0, 6000, 7)]
    assert found == sorted(found)


@given(st.lists(st.integers(0, 50)), st.integers(0, 60))
def test_the_heap_gives_what_a_scan_of_everything_gives(instants: list[int], before: int) -> None:
    now = {str(number).encode(): at for number, at in enumerate(instants)}
    heap = TimerQueue([(at + 5, key) for key, at in now.items()])  # all stale
    for key, at in now.items():
        heap.push(at, key)
    assert set(heap.due(before, now.get, limit=1000)) == {key for key, at in now.items() if at < before}


def test_a_partition_is_known_to_the_last_record_or_to_the_fetch_that_found_no_more() -> None:
    assert Frontier().bound(None, 500) is None
    assert Frontier(1000).bound(None, 500) == 1000
    assert Frontier(1000).bound(9000, 500) == 8500
    assert Frontier(9000).bound(9100, 500) == 9000


@pytest.mark.parametrize(("bounds", "found"), [((3, 2, 5), 2), ((3, None), None), ((), None)])
def test_the_least_bound_counts_and_an_unknown_one_stops_all(bounds: tuple[int | None, ...], found: int | None) -> None:
    assert least(bounds) == found


def test_a_partition_waits_until_every_other_has_routed() -> None:
    markers = Markers(2)
    markers.read(0, {0: (100, 90)})
    assert markers.bound(0, 0) is None
    markers.read(0, {1: (70,)})
    assert (markers.bound(0, 0), markers.bound(0, 1), markers.bound(1, 0)) == (70, None, None)
    markers.read(0, {1: (60, 65)})  # an old marker read again
    assert (markers.bound(0, 0), markers.bound(0, 1)) == (70, 65)
    markers.wrote({0: (100, 90)}, now_ms=5000)
    assert markers.due({0: (101,), 1: (150,)}, now_ms=4999 + MARKED_EACH_MS) == {}
    assert markers.due({0: (101, 80), 1: (150,)}, now_ms=5000 + MARKED_EACH_MS) == {0: (101, 80), 1: (150,)}
    assert markers.due({0: (100, 91)}, now_ms=6000) == {0: (100, 91)}
    assert markers.due({0: (100, 80)}, now_ms=6000) == {}


def test_no_time_is_lost_between_a_clock_and_its_inverse() -> None:
    clock = Clock((Segment(START, START, 1.0),))
    at = instant("2026-12-01T00:00:00+08:00") + timedelta(milliseconds=7)
    assert clock.arrival(clock.broker_ms(at)) == at


def test_a_stride_covers_what_is_known_in_steps_and_never_goes_back() -> None:
    stride = TimeSlice(1000)
    assert stride.end(None, 0, 50_000) == 50_000  # nothing happens until there: one step
    assert stride.end(10_000, 0, 50_000) == 11_000
    assert stride.end(10_000, 20_000, 50_000) == 20_000  # a late fact does not turn time back
    assert stride.end(49_900, 0, 50_000) == 50_000


def test_a_stride_grows_while_steps_are_short_and_shrinks_when_they_are_long() -> None:
    stride = TimeSlice(1000)
    stride.took(0.1, cut=True)
    assert stride.span_ms == 2000
    stride.took(0.1, cut=False)  # nothing was cut: no reason to go further
    assert stride.span_ms == 2000
    for _ in range(40):
        stride.took(9.0, cut=True)
    assert stride.span_ms == 1
