"""/obligations: which cases stand behind a figure?"""

import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlalchemy import ColumnElement, Select, and_, or_, select
from starlette.responses import Response

from console.feeds import silent
from console.queue import NOTHING_YET, Key
from console.rows import shown
from console.scope import under
from console.web import Visitor, page, render
from handover.calendar import months_on, start_of
from sinks.tables import alert, obligation

router = APIRouter()
RESULTS = ("firing", "due", "met_late", "late_delivery", "met", "waived", "cancelled", "paused", "redated", "mistake")
_MONTH, _CODE = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])"), re.compile(r"\d{2,9}")


@router.get("/obligations")
def obligations(request: Request, visitor: Annotated[Visitor, Depends(page("obligations"))]) -> Response:
    """Alerts and duties by rule, place, month of the deadline and result; ?rule=&county=&month=&result=&after=."""
    asked = {name: request.query_params.get(name, "").strip() for name in ("rule", "county", "month", "result")}
    after, most = Key.read(request.query_params.get("after", "")), visitor.site.config.page_rows
    with visitor.site.engine.connect() as connection:
        rows = _rows(connection, visitor, asked, after, most + 1)
        more, rows = len(rows) > most, rows[:most]
        listed = shown(visitor.site, visitor.words, visitor.scope, connection, rows)
        feeds = silent(connection, visitor.site, visitor.scope, visitor.words)
    following = ""
    if more:
        place = Key(1, rows[-1]["due_at"], rows[-1]["alert_id"])
        following = f"/obligations?{urlencode({**asked, 'after': str(place)})}"
    names = sorted({rule.id for rule in visitor.site.book.rules})
    values: dict[str, Any] = {
        "asked": asked,
        "results": RESULTS,
        "rules": names,
        "following": following,
        "feeds": feeds,
    }
    return render(visitor, "obligations.html", rows=listed, **values)


def _rows(
    connection: Any, visitor: Visitor, asked: dict[str, str], after: Key | None, count: int
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for table, late in ((alert, True), (obligation, False)):
        wanted = _wanted(visitor, asked, table)
        if wanted is None:
            continue
        if after is not None:
            later = and_(table.c.due_at == after.due_at, table.c.alert_id > after.row_id)
            wanted = wanted.where(or_(table.c.due_at > after.due_at, later))
        rows = connection.execute(wanted.order_by(table.c.due_at, table.c.alert_id).limit(count)).mappings()
        found += [{**NOTHING_YET, "outcome": None, **row, "late": late} for row in rows]
    return sorted(found, key=lambda row: (row["due_at"], row["alert_id"]))[:count]


def _wanted(visitor: Visitor, asked: dict[str, str], table: Any) -> Select[Any] | None:
    result = asked["result"]
    conditions: list[ColumnElement[bool]] = [visitor.scope.of_duties(table)]
    if table is obligation:
        if result not in ("", "due"):
            return None
        conditions.append(table.c.state == "open")
    elif result == "due":
        return None
    elif result == "firing":
        conditions.append(table.c.state == "firing")
    elif result in RESULTS:
        conditions.append(table.c.outcome == result)
    if asked["rule"]:
        conditions.append(table.c.rule_id == asked["rule"].upper())
    if _CODE.fullmatch(asked["county"]):
        conditions.append(under(table.c.jurisdiction, asked["county"]))
    if _MONTH.fullmatch(asked["month"]):
        first = datetime.fromisoformat(f"{asked['month']}-01").date()
        conditions += [table.c.due_at > start_of(first), table.c.due_at <= start_of(months_on(first, 1))]
    return select(table).where(*conditions)
