"""The counts of a scope, as the page and the API of the queue show them."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from console.queue.facet_counts import Cube, read_cube
from console.queue.query import Moment
from console.web.count_cache import CountCache
from console.web.request import Visitor


@contextmanager
def keep_counts(app: FastAPI) -> Iterator[None]:
    """Keep the counts of scopes while the console runs."""
    counts: CountCache[Cube] = CountCache()
    app.state.queue_counts = counts
    try:
        yield
    finally:
        counts.stop()


def count_scope(visitor: Visitor) -> Cube:
    """The counts of a visitor's scope, as of some seconds ago at most."""
    site, scope = visitor.site, visitor.scope
    counts: CountCache[Cube] = visitor.request.app.state.queue_counts
    return counts.of(scope, lambda: read_cube(site.engine, scope, Moment.now_at(site)))
