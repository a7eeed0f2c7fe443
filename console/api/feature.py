"""/api/v1: what pages show and do, as JSON."""

from console.api import alerts, audit, operations, reports, rules
from console.web.feature import Feature

FEATURE = Feature("api", (reports.router, alerts.router, audit.router, rules.router, operations.router))
