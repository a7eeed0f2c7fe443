"""/dead-letters, /redrive: records that were not understood, and sending them again."""

from console.dead_letters import redrive_routes, routes
from console.web.feature import Feature, Page

FEATURE = Feature(
    "dead_letters",
    (routes.router, redrive_routes.router),
    (Page("dead_letters", ("platform",), menu="/dead-letters"),),
)
