"""JSON of parts that seldom change: a case is written with each fact, most of what it says is as it was."""

from collections.abc import Callable, Hashable
from typing import Any

import orjson

_ROOM = 16  # parts that may be unused before they are dropped


def dumped(value: object) -> bytes:
    """The JSON of a value, to be kept: what orjson returns holds up to sixty kilobytes of room behind its end."""
    return bytes(memoryview(orjson.dumps(value)))


class JsonCache:
    """Parts already written, by a key, each with what it was made from."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[object, orjson.Fragment]] = {}
        self._used: set[Hashable] = set()

    def of(self, key: Hashable, made_from: object, make: Callable[[], Any]) -> orjson.Fragment:
        """The JSON of a part; made anew only if it comes from something else than last time."""
        self._used.add(key)
        known = self._made.get(key)
        if known is not None and (known[0] is made_from or known[0] == made_from):
            return known[1]
        fragment = orjson.Fragment(dumped(make()))
        self._made[key] = (made_from, fragment)
        return fragment

    def drop_unused(self) -> None:
        """After a case has been written: forget parts that it no longer has, once they are many."""
        if len(self._made) > len(self._used) + _ROOM:
            self._made = {key: self._made[key] for key in self._used}
        self._used.clear()
