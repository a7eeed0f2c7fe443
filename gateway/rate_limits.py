"""How often a key may ask: moving windows, in the memory of this process."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.problems import Error, Problem

EVENTS, PERSON_REFS, LOOKUPS, UNKNOWN = "6000/minute", "60/minute", "120/minute", "30/minute"


class RateLimits:
    """The windows of all keys. `events`: how many events a key may send where its entry says nothing."""

    def __init__(self, events: str = EVENTS) -> None:
        """Raise ValueError for what is no rate like 600/minute."""
        self._events = parse(events)
        self._others = {"person_refs": parse(PERSON_REFS), "lookups": parse(LOOKUPS), "unknown": parse(UNKNOWN)}
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take_events(self, key_id: str, count: int, rate: str | None) -> None:
        """Count events of a key. Raise Problem (429) where they are too many; then none is counted."""
        self._take(self._events if rate is None else parse(rate), "events", key_id, count)

    def take(self, what: str, key_id: str) -> None:
        """Count one request of another kind: person_refs, lookups, unknown (a key that is none). Raise Problem (429)."""
        self._take(self._others[what], what, key_id, 1)

    def _take(self, item: RateLimitItem, what: str, key_id: str, count: int) -> None:
        if count > item.amount:
            text = f"one request holds more than {item.amount}, which is the limit of a whole window"
            raise Problem(413, "http-413", "More events than the rate allows at once", (Error(text),))
        if self._limiter.hit(item, what, key_id, cost=count):
            return
        stats = self._limiter.get_window_stats(item, what, key_id)
        wait = max(1, math.ceil(stats.reset_time - time.time()))
        raise Problem(429, "http-429", "Too many requests", (Error(f"the limit is {item}"),), retry_after=wait)
