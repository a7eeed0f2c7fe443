"""How work grows with its input, in processor time."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

RUNS = 3
LEAST_SECONDS = 0.01  # shorter work says nothing: it is done with twice as much
LARGEST = 300_000  # letters or entries


def growth(work: Callable[[T], Any], of_size: Callable[[int], T], size: int) -> float:
    """How many times as long `work` takes for twice as much, at most of two doublings: about 2 is linear, about 4 is quadratic."""
    with _without_collector():
        while (first := _seconds(work, of_size(size))) < LEAST_SECONDS and size < LARGEST:
            size *= 2
        if first < LEAST_SECONDS:
            return 1.0  # as good as nothing, however much there is
        second = _seconds(work, of_size(2 * size))
        return max(second / first, _seconds(work, of_size(4 * size)) / second)


def _seconds(work: Callable[[T], Any], given: T) -> float:
    return min(_once(work, given) for _ in range(RUNS))


def _once(work: Callable[[T], Any], given: T) -> float:
    started = time.process_time()
    work(given)
    seconds = time.process_time() - started
    gc.collect()  # of this run alone: all that was there before is frozen
    return seconds


@contextmanager
def _without_collector() -> Iterator[None]:
    """Without the collector of cycles, whose work grows with all that the process holds. What it holds now stays frozen."""
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.enable()
