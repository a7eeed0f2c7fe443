"""/audit: who saw whom, and why."""

from console.audit import routes
from console.web.feature import Feature, Page

FEATURE = Feature("audit", (routes.router,), (Page("audit", ("procurator", "auditor"), menu="/audit"),))
