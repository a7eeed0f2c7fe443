"""What is counted of a scope, kept for a moment: the same numbers for every page that asks at once."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from console.auth.permissions import Scope

log = logging.getLogger(__name__)
T = TypeVar("T")

_KEPT_SECONDS, _KEPT_SCOPES = 2.0, 256
_QUICK_SECONDS = 0.02  # what is counted quicker is counted anew while the page waits
# A slow count is not begun again before so long, and so many times its own length: pages ask meanwhile.
_REST_SECONDS, _REST = 5.0, 10
_STOP_SECONDS = 10.0
_WARM_SECONDS = 900.0  # a slow scope is counted on so long after somebody has asked: the next page need not wait


@dataclass(slots=True)
class _CachedCount(Generic[T]):
    numbers: T
    at: float
    took: float
    asked: float

    @property
    def is_slow(self) -> bool:
        return self.took > _QUICK_SECONDS

    def rests(self, now: float) -> float:
        """Seconds until it is worth counting again."""
        return self.at + max(_REST_SECONDS, _REST * self.took) - now


class CountCache(Generic[T]):
    """The newest numbers of each scope. Where counting is slow (a whole province) it goes on by itself while somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Scope, _CachedCount[T]] = OrderedDict()
        self._warm: dict[Scope, threading.Thread] = {}
        self._ended = threading.Event()

    def of(self, scope: Scope, count: Callable[[], T]) -> T:
        """The kept numbers, or new ones. `count` is called again later: it must count as of then."""
        now = time.monotonic()
        with self._lock:
            found = self._kept.get(scope)
            if found is not None:
                found.asked = now
            if found is not None and (scope in self._warm or now - found.at < _KEPT_SECONDS):
                return found.numbers
        return self._count(scope, count, now).numbers

    def stop(self) -> None:
        """Count no more; return once a count that is under way has ended."""
        self._ended.set()
        with self._lock:
            counting = list(self._warm.values())
        for one in counting:
            one.join(timeout=_STOP_SECONDS)

    def _count(self, scope: Scope, count: Callable[[], T], asked: float) -> _CachedCount[T]:
        began = time.monotonic()
        numbers = count()
        done = time.monotonic()
        with self._lock:
            before = self._kept.get(scope)
            kept = self._kept[scope] = _CachedCount(
                numbers, done, done - began, max(asked, before.asked if before else asked)
            )
            self._kept.move_to_end(scope)
            while len(self._kept) > _KEPT_SCOPES:
                self._kept.popitem(last=False)
            if kept.is_slow and scope not in self._warm:
                self._warm[scope] = threading.Thread(
                    target=self._go_on, args=(scope, count), name="counts", daemon=True
                )
                self._warm[scope].start()
        return kept

    def _go_on(self, scope: Scope, count: Callable[[], T]) -> None:
        """Count a slow scope again and again, until nobody has asked for a while, or it is quick."""
        try:
            while True:
                with self._lock:
                    kept, now = self._kept.get(scope), time.monotonic()
                if kept is None or not kept.is_slow or now - kept.asked > _WARM_SECONDS:
                    return
                if self._ended.wait(max(0.0, kept.rests(now))):
                    return
                self._count(scope, count, kept.asked)
        except SQLAlchemyError as error:
            log.warning("counting waits: %s", type(error).__name__)
        finally:
            with self._lock:
                self._warm.pop(scope, None)
                if scope in self._kept:
                    self._kept[scope].at = 0.0  # what nobody counts on with is old
