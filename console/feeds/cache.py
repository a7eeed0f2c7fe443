"""What is learned of feeds and counted of the alerts that wait for them, kept for a while: each is a query."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI

from console.feeds.baseline import BaselineCache
from console.web.count_cache import CountCache
from console.web.request import Visitor


@dataclass(frozen=True, slots=True)
class FeedCache:
    """What is usual for each feed; how many alerts of a scope each agency's silent feed holds back."""

    habits: BaselineCache = field(default_factory=BaselineCache)
    held: CountCache[Mapping[str, int]] = field(default_factory=CountCache)


@contextmanager
def keep_cache(app: FastAPI) -> Iterator[None]:
    """Keep it while the console runs."""
    cache = app.state.feed_cache = FeedCache()
    try:
        yield
    finally:
        cache.held.stop()


def cache_of(visitor: Visitor) -> FeedCache:
    """The one of this console."""
    cache: FeedCache = visitor.request.app.state.feed_cache
    return cache
