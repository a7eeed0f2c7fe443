"""/people: persons in handover, their timelines, and names shown for a purpose."""

from console.auth.permissions import OFFICES
from console.people import name_reveal_routes, routes
from console.web.feature import Feature, Page

FEATURE = Feature("people", (routes.router, name_reveal_routes.router), (Page("people", OFFICES, menu="/people"),))
