"""Counts are made anew when they are old; where counting is slow they go on by themselves while somebody looks."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError

from console.auth.permissions import Scope
from console.queue.facet_counts import Cube, CubeCells
from console.web import count_cache
from console.web.count_cache import CountCache

CITY, COUNTY = (Scope("city", "CITY_JUSTICE-990100-01", "9901"), Scope("county", "COUNTY_JUSTICE-990102-01", "990102"))


class Counter:
    """Counts how often it was asked; each cube is another one."""

    def __init__(self, fails_from: int = 1_000) -> None:
        self.times, self.fails_from = 0, fails_from
        self._said = threading.Condition()

    def __call__(self) -> Cube:
        with self._said:
            self.times += 1
            self._said.notify_all()
        if self.times >= self.fails_from:
            raise OperationalError("count", {}, Exception("away"))
        return Cube(CubeCells())

    def reaches(self, times: int) -> bool:
        with self._said:
            return self._said.wait_for(lambda: self.times >= times, 10)


def until(holds: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(200):
        if holds():
            return
        done.wait(0.02)
    raise AssertionError("it does not become so")


def nobody_counts_on() -> bool:
    return all(one.name != "counts" for one in threading.enumerate())


def test_a_quick_scope_is_counted_when_it_is_old_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, count = CountCache[Cube](), Counter()
    first = kept.of(COUNTY, count)
    assert kept.of(COUNTY, count) is first
    monkeypatch.setattr(count_cache, "_KEPT_SECONDS", 0.0)
    assert kept.of(COUNTY, count) is not first
    assert count.times == 2


def test_a_slow_scope_is_counted_on_while_somebody_looks_and_no_page_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_cache, "_QUICK_SECONDS", -1.0)
    monkeypatch.setattr(count_cache, "_REST_SECONDS", 0.02)
    kept, count = CountCache[Cube](), Counter()
    first = kept.of(CITY, count)
    assert count.reaches(4)
    until(lambda: kept.of(CITY, lambda: pytest.fail("a page has waited")) is not first)
    monkeypatch.setattr(count_cache, "_WARM_SECONDS", -1.0)
    until(nobody_counts_on)
    seen = count.times
    kept.of(CITY, count)
    assert count.times > seen
    until(nobody_counts_on)


def test_when_the_database_goes_away_the_next_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_cache, "_QUICK_SECONDS", -1.0)
    monkeypatch.setattr(count_cache, "_REST_SECONDS", 0.02)
    kept, count = CountCache[Cube](), Counter(fails_from=2)
    kept.of(CITY, count)
    assert count.reaches(2)
    until(nobody_counts_on)
    with pytest.raises(OperationalError):
        kept.of(CITY, count)


def test_what_counts_on_has_ended_when_the_console_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_cache, "_QUICK_SECONDS", -1.0)
    monkeypatch.setattr(count_cache, "_REST_SECONDS", 60.0)
    kept, count = CountCache[Cube](), Counter()
    kept.of(CITY, count)
    kept.of(COUNTY, count)
    assert not nobody_counts_on()
    kept.stop()
    assert nobody_counts_on()
    assert count.times == 2
