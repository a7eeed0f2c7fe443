"""The counts of a scope, as the page and the API of the queue show them."""

from console.queue.facet_counts import Cube, cube_of
from console.web.request import Visitor


def count_scope(visitor: Visitor) -> Cube:
    """The counts of a visitor's scope, as of some seconds ago at most."""
    site, scope = visitor.site, visitor.scope
    return site.counts.of(scope, lambda: cube_of(site.engine, scope, site.moment()))
