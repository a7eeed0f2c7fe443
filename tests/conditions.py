"""Waiting for a condition: tests never sleep for a fixed time."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float = 20, every: float = 0.05) -> None:
    """Return as soon as the condition holds; fail when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {condition}")
        time.sleep(every)
