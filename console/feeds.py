"""Which feeds are silent or have gaps: what makes an empty list doubtful."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select

from console.scope import Scope
from console.words import Words
from sinks.tables import alert

_FEED_RULES = ("X03", "X04")
_SHOWN = 3


def silent(connection: Connection, scope: Scope, words: Words, now: datetime) -> list[Mapping[str, Any]]:
    """Feeds with a firing alert, the longest first: who, since when, how many alerts in scope are held back."""
    if "today" not in scope.pages:
        return []
    wanted = (
        select(alert.c.subject, alert.c.rule_id, alert.c.raised_at)
        .where(alert.c.state == "firing", alert.c.rule_id.in_(_FEED_RULES))
        .order_by(alert.c.raised_at)
    )
    rows = list(islice((row for row in connection.execute(wanted) if scope.depends_on(row.subject)), _SHOWN))
    if not rows:
        return []
    held = connection.execute(
        select(func.count())
        .select_from(alert)
        .where(alert.c.state == "firing", alert.c.held.is_(True), scope.of_duties(alert))
    ).scalar_one()
    return [
        {
            "subject": row.subject,
            "rule_id": row.rule_id,
            "since": words.length(max(now - row.raised_at, now - now)),
            "at": words.log_at(row.raised_at),
            "held": held,
        }
        for row in rows
    ]
