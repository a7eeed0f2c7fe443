"""/login, /password, /settings, /users: who somebody is, and who may log in."""

from console.accounts import login_routes, oidc_routes, password_routes, settings_routes, user_routes
from console.web.feature import Feature, Page

FEATURE = Feature(
    "accounts",
    (login_routes.router, oidc_routes.router, settings_routes.router, password_routes.router, user_routes.router),
    (Page("users", ("platform",), menu="/users"),),
)
