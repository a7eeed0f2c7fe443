"""The next instants of a partition's cases: a heap with lazy deletion."""

import heapq
from collections.abc import Callable, Iterable, Iterator

Instant = tuple[int, bytes]  # (ms, key)


class TimerQueue:
    """When each case of one partition can change next. O(log n) per change; never a scan."""

    def __init__(self, entries: Iterable[Instant] = ()) -> None:
        self._heap = list(entries)
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, at: int, key: bytes) -> None:
        """A case's next instant is now `at`; an older entry of it becomes stale."""
        heapq.heappush(self._heap, (at, key))

    def due(self, before: int, next_of: Callable[[bytes], int | None], limit: int) -> Iterator[bytes]:
        """Take up to `limit` keys with an instant < `before`; stale entries are dropped on the way."""
        taken = 0
        while taken < limit and self._heap and self._heap[0][0] < before:
            at, key = heapq.heappop(self._heap)
            while self._heap and self._heap[0] == (at, key):  # pushed again with each change of its case
                heapq.heappop(self._heap)
            if next_of(key) == at:
                taken += 1
                yield key

    def first(self) -> int | None:
        """The earliest instant, perhaps stale."""
        return self._heap[0][0] if self._heap else None
