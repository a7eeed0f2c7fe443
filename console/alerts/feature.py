"""/alerts: one alert, and what is done about it."""

from console.alerts import bulk_routes, routes
from console.auth.permissions import OFFICES
from console.web.feature import Feature, Page

FEATURE = Feature("alerts", (routes.router, bulk_routes.router), (Page("alert", (*OFFICES, "platform")),))
