"""Simulated time goes on from where it stopped, and what was recorded keeps its instants."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.stack.clockfile import begin, go_on, pause
from schemas.instants import instant, millis
from streams.clock import Clock

FIRST = instant("2026-03-02T00:00:00+08:00")
HOUR = 3_600_000
START = 1_795_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def test_an_hour_passes_in_a_second(path: Path) -> None:
    begin(path, FIRST, 3600, START)
    clock = Clock.load(path)
    assert clock.arrival(START) == FIRST
    assert clock.millis_at(START + 1000) == millis(FIRST) + HOUR


def test_time_goes_on_from_where_it_stopped(path: Path) -> None:
    begin(path, FIRST, 3600, START)
    stopped, again = START + 10_000, START + 10_000 + 72 * HOUR
    before = Clock.load(path).millis_at(stopped)
    pause(path, stopped)
    go_on(path, 7200, again)
    clock = Clock.load(path)
    assert clock.millis_at(again) - before <= 300, "three days of rest are a quarter of a second"
    assert clock.millis_at(again + 1000) - clock.millis_at(again) == 2 * HOUR


def test_what_was_recorded_keeps_its_instant(path: Path) -> None:
    old = begin(path, FIRST, 3600, START)
    pause(path, START + 5000)
    new = go_on(path, 60, START + 99_000)
    for moment in range(START, START + 5001, 500):
        assert new.millis_at(moment) == old.millis_at(moment)


def test_a_stop_before_the_start_does_not_turn_time_back(path: Path) -> None:
    begin(path, FIRST, 3600, START)
    pause(path, START - 50_000)
    clock = go_on(path, 3600, START + 1000)
    assert clock.arrival(START) == FIRST
    assert clock.millis_at(START + 1000) >= millis(FIRST)


def test_paused_twice_is_paused_once(path: Path) -> None:
    begin(path, FIRST, 3600, START)
    assert pause(path, START + 5000) == pause(path, START + 9000)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**9), st.sampled_from([1.0, 60.0, 3600.0, 86400.0])),
        max_size=5,
    )
)
def test_time_never_runs_backwards(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, int, float]]
) -> None:
    path = tmp_path_factory.mktemp("clock") / "clock.json"
    clock, now, moments = begin(path, FIRST, 3600, START), START, [START]
    for ran, rested, rate in runs:
        stopped, now = now + ran, now + ran + rested
        pause(path, stopped)
        clock = go_on(path, rate, now)
        moments += [stopped - 1, stopped, stopped + 1, now - 1, now, now + 1]
    times = [clock.millis_at(moment) for moment in sorted(moments)]
    assert times == sorted(times)
    assert Clock.load(path) == clock
