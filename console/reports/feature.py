"""/scoreboard, /five-works, /obligations and their files."""

from console.auth.permissions import OFFICES
from console.reports import drill_down_routes, export_routes, five_works_routes, indicator_routes, scoreboard_routes
from console.web.feature import Feature, Page

FEATURE = Feature(
    "reports",
    (
        drill_down_routes.router,
        scoreboard_routes.router,
        five_works_routes.router,
        export_routes.router,  # before indicators: /scoreboard/figures/export is no indicator
        indicator_routes.router,
    ),
    (
        Page("scoreboard", ("county", "city", "province"), menu="/scoreboard"),
        Page("five_works", ("county", "city", "province"), menu="/five-works"),
        Page("obligations", OFFICES),
        Page("export", ("county", "city", "province", "procurator")),
    ),
)
