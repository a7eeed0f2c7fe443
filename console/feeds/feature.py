"""/feeds: who sends what, and who is silent."""

from console.feeds import routes
from console.feeds.cache import keep_cache
from console.web.feature import Feature, Page

FEATURE = Feature(
    "feeds",
    (routes.router,),
    (Page("feeds", ("county", "city", "province", "platform"), menu="/feeds"),),
    keep_cache,
)
