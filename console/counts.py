"""Counts of a scope, kept for a moment: the same numbers for every page that asks at once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from console.queue import Cube
from console.scope import Scope

_KEPT_SECONDS, _KEPT_SCOPES = 2.0, 256


class Counts:
    """The newest cube of each scope and person, at most two seconds old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Scope, str], tuple[float, Cube]] = OrderedDict()

    def of(self, scope: Scope, staff: str, count: Callable[[], Cube]) -> Cube:
        """The kept cube, or a new one."""
        key, now = (scope, staff), time.monotonic()
        with self._lock:
            found = self._kept.get(key)
        if found is not None and now - found[0] < _KEPT_SECONDS:
            return found[1]
        cube = count()
        with self._lock:
            self._kept[key] = (now, cube)
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT_SCOPES:
                self._kept.popitem(last=False)
        return cube

    def forget(self) -> None:
        """Count anew next time."""
        with self._lock:
            self._kept.clear()
