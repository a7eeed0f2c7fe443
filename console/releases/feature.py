"""/releases: who comes in the next weeks, and is everything ready?"""

from console.releases import routes
from console.web.feature import Feature, Page

FEATURE = Feature(
    "releases",
    (routes.router,),
    (Page("releases", ("township", "county", "city", "prison", "procurator"), menu="/releases"),),
)
