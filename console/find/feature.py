"""/find: one search over everything in scope."""

from console.auth.permissions import OFFICES
from console.find import routes
from console.web.feature import Feature, Page

FEATURE = Feature("find", (routes.router,), (Page("find", (*OFFICES, "platform")),))
