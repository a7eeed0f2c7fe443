"""/obligations: which cases stand behind this figure?"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import Response

from console.audit.log import list_persons, record_list
from console.db.alert_rows import DrillDownObligation
from console.feeds.status import find_silent
from console.queue.query import RowKey
from console.queue.row_view import DeadlineText, present_deadline, present_rows
from console.reports.obligation_base import RESULTS, read_base
from console.reports.obligation_query import ObligationQuery, read_rows
from console.web.request import Visitor, page, render

router = APIRouter()


@router.get("/obligations")
def list_obligations(request: Request, visitor: Annotated[Visitor, Depends(page("obligations"))]) -> Response:
    """Obligations behind a figure, those answered in time too; ?rule=&county=&month=&result=&kind=&at=&after=."""
    asked, most = ObligationQuery.read(request.query_params), visitor.site.config.page_rows
    after = RowKey.read(request.query_params.get("after", ""))
    with visitor.site.engine.connect() as connection:
        ground = read_base(connection, asked.month, asked.at)
        found = read_rows(connection, visitor, ground, asked, after, most + 1)
        rows = list(found.rows[:most])
        listed = present_obligations(visitor, connection, rows)
        feeds = find_silent(connection, visitor)
    record_list(visitor, list_persons(rows))
    following = ""
    if len(found.rows) > most:
        place = RowKey(1, rows[-1]["due_at"], rows[-1]["alert_id"])
        following = f"/obligations?{asked.query(after=str(place))}"
    return render(
        visitor,
        "obligations.html",
        rows=listed,
        asked=asked,
        results=RESULTS,
        rules=sorted({rule.id for rule in visitor.site.book.rules if rule.kinds != {"SYSTEM"}}),
        following=following,
        found=found,
        ground=ground,
        feeds=feeds,
        export=f"/obligations/export?{asked.query()}" if "export" in visitor.pages else "",
    )


def present_obligations(
    visitor: Visitor, connection: Connection, rows: Sequence[DrillDownObligation]
) -> list[dict[str, Any]]:
    """Rows as the page shows them: what has no alert leads to its person, what does not fire has no actions."""
    listed = present_rows(visitor.site, visitor.words, visitor.scope, connection, rows)
    for row, one in zip(rows, listed, strict=True):
        one["plain"] = not row["fires"]
        if row["outcome"] is not None:
            one["severity"] = "DONE" if row["outcome"] == "in_time" else row["severity"]
            one["due"], one["taken"] = _present_ended(visitor, row), row["met_at"] is not None
        if not row["has_alert"] and row["outcome"] is not None:
            one["href"] = f"/people/{row['subject']}" if row["subject"].startswith("p1_") else ""
    return listed


def _present_ended(visitor: Visitor, row: DrillDownObligation) -> DeadlineText:
    """The deadline of an obligation that has ended: how late its answer was, or only when it was due."""
    words = visitor.words
    if row["standing"] == "late" and row["met_at"] is not None and row["met_at"] >= row["due_at"]:
        return present_deadline(words, row, row["met_at"], visitor.site)
    met = words.t("duties.met", at=words.at(row["met_at"])) if row["met_at"] is not None else ""
    return DeadlineText(
        words.t("duties.due", at=words.before(row["due_at"])), met, words.limit(row["due_at"]), False, Markup()
    )
