"""/rules, /whatif: rule books, what another one would have raised, and changes of rules."""

from console.rules import change_routes, routes, whatif_routes
from console.web.feature import Feature, Page

FEATURE = Feature(
    "rules",
    (routes.router, change_routes.router, whatif_routes.router),
    (
        Page("rules", ("province", "rules"), menu="/rules", covers=("/whatif",)),
        Page("whatif", ("province", "rules")),
        Page("whatif_alerts", ("province",)),
    ),
)
