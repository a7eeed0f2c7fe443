"""Counts of a scope, kept for a moment: the same numbers for every page that asks at once."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from console.queue import Cube
from console.scope import Scope

log = logging.getLogger(__name__)

_KEPT_SECONDS, _KEPT_SCOPES = 2.0, 256
_QUICK_SECONDS = 0.08  # what is counted quicker is counted anew while the page waits
_OLDEST_SECONDS = 30.0  # what is slow is shown so old at most, and counted anew meanwhile
_REST = 10  # a slow count is not begun again before so many times its own length have passed


@dataclass(slots=True)
class _Kept:
    cube: Cube
    at: float
    took: float
    running: bool = False


class Counts:
    """The newest cube of each scope and person: two seconds old at most, or thirty where counting is slow (a whole province)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Scope, str], _Kept] = OrderedDict()

    def of(self, scope: Scope, staff: str, count: Callable[[], Cube]) -> Cube:
        """The kept cube, or a new one."""
        key, now = (scope, staff), time.monotonic()
        with self._lock:
            found = self._kept.get(key)
            age = now - found.at if found is not None else 0.0
            behind = (
                found is not None
                and found.took > _QUICK_SECONDS
                and age < _OLDEST_SECONDS
                and age > max(_KEPT_SECONDS, _REST * found.took)
                and not found.running
            )
            if behind and found is not None:
                found.running = True
        if found is not None:
            if behind:
                threading.Thread(target=self._count_behind, args=(key, count), daemon=True).start()
                return found.cube
            if age < (_OLDEST_SECONDS if found.took > _QUICK_SECONDS else _KEPT_SECONDS):
                return found.cube
        return self._count(key, count)

    def _count(self, key: tuple[Scope, str], count: Callable[[], Cube]) -> Cube:
        began = time.monotonic()
        cube = count()
        with self._lock:
            self._kept[key] = _Kept(cube, time.monotonic(), time.monotonic() - began)
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT_SCOPES:
                self._kept.popitem(last=False)
        return cube

    def _count_behind(self, key: tuple[Scope, str], count: Callable[[], Cube]) -> None:
        try:
            self._count(key, count)
        except SQLAlchemyError as error:
            log.warning("counting waits: %s", type(error).__name__)
            with self._lock:
                if key in self._kept:
                    self._kept[key].running = False
