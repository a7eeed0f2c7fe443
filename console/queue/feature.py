"""/today: the queue, its counts and saved views."""

from console.auth.permissions import OFFICES
from console.queue import routes
from console.queue.service import keep_counts
from console.web.feature import Feature, Page

FEATURE = Feature(
    "queue",
    (routes.router,),
    (Page("today", (*OFFICES, "platform"), menu="/today", covers=("/alerts",)),),
    keep_counts,
)
