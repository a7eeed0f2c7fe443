"""/events: what changes while a page is open."""

from console.live import routes
from console.web.feature import Feature

FEATURE = Feature("live", (routes.router,))
