"""What a worker keeps ready is not walked for cycles again and again, and a cycle that was passed over goes at the next rebalance."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import SYSTEM
from streams import gc_control
from tests.fuzz.loop import Loop
from tests.fuzz.records import Draft, drafts


class Ring:
    """Refers to itself: only a collector frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def taken_over() -> Iterator[None]:
    gc.collect()
    gc_control.take_over()
    yield
    gc.unfreeze()
    gc.enable()


def make_young() -> list[list[int]]:
    return [[] for _ in range(gc_control.YOUNG + 1_000)]


def test_where_pythons_own_collector_is_at_work_nothing_is_set_aside() -> None:
    frozen = gc.get_freeze_count()
    kept = make_young()
    gc_control.collect_young()
    gc_control.collect_all()
    assert gc.get_freeze_count() == frozen
    assert kept


def test_new_cycles_go_at_once_and_what_stays_is_set_aside(taken_over: None) -> None:
    kept = make_young()
    gone, used = weakref.ref(Ring()), Ring()
    ring, frozen = weakref.ref(used), gc.get_freeze_count()
    gc_control.collect_young()
    assert gone() is None
    assert gc.get_freeze_count() >= frozen + len(kept)
    del used
    kept.extend(make_young())
    gc_control.collect_young()
    assert ring() is not None, "set aside while it was in use"
    gc_control.collect_all()
    assert ring() is None


def test_a_few_new_objects_are_not_worth_a_look(taken_over: None) -> None:
    gc.collect()
    gone, frozen = weakref.ref(Ring()), gc.get_freeze_count()
    gc_control.collect_young()
    assert gone() is not None
    assert gc.get_freeze_count() == frozen


def test_a_rebuild_frees_every_cycle(taken_over: None, tmp_path: Path) -> None:
    used = Ring()
    kept = make_young()
    gc_control.collect_young()
    ring = weakref.ref(used)
    del used, kept
    asyncio.run(Loop(tmp_path).engine.rebuild())
    assert ring() is None


def told(era: int, *, spoilt: bool) -> Iterator[tuple[int, Draft]]:
    """Some days of the city; with `spoilt`, records beside them that are refused. No rule books: reading one makes cycles."""
    return ((at, draft) for at, draft, good in drafts(1, era) if (good or spoilt) and draft.topic != SYSTEM)


@pytest.mark.parametrize("spoilt", [False, True])
def test_steps_leave_no_cycle_behind(
    taken_over: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spoilt: bool
) -> None:
    monkeypatch.setattr(gc_control, "YOUNG", 10**9)  # all is left to the count at the end
    loop = Loop(tmp_path)

    async def left() -> int:
        await loop.feed(told(0, spoilt=spoilt))  # what is made once
        gc.collect()
        await loop.feed(told(1, spoilt=spoilt))
        return gc.collect()

    assert asyncio.run(left()) == 0
    assert len(loop.cases) > 150
    assert bool(loop.dead_letters) == spoilt
