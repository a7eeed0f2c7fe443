"""/api/v1: what pages show and do, as JSON."""

from console.api import alerts, audit, five_works, operations, reports, rules
from console.web.feature import Feature

FEATURE = Feature(
    "api", (reports.router, five_works.router, alerts.router, audit.router, rules.router, operations.router)
)
