"""/obligations: which cases stand behind this figure?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import Response

from console.audit.log import persons_in
from console.feeds.status import silent
from console.queue.query import Key
from console.queue.row_view import DueShown, due_shown, shown
from console.reports.drill_down import Behind, behind
from console.reports.month import Month
from console.reports.obligation_base import RESULTS, Ground, Wanted, ground_of
from console.reports.stages import KINDS
from console.web.request import Visitor, page, render
from console.web.values import sensible
from schemas.instants import instant

router = APIRouter()
NAMES = ("rule", "county", "month", "result", "kind", "at")
_LONGEST_CODE, _MOST_RULES = 9, 30


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; values that cannot be meant are left out. `at`: as known then, empty: as kept or known."""

    rule: tuple[str, ...]
    county: str
    month: Month | None
    result: str
    kind: str
    at: datetime | None

    @property
    def wanted(self) -> Wanted:
        """Which duties."""
        return Wanted(self.rule, self.county, KINDS.get(self.kind, ()))

    def query(self, **changes: str) -> str:
        """As it stands in an address."""
        values = {
            "rule": ",".join(self.rule), "county": self.county, "month": str(self.month or ""), "result": self.result, "kind": self.kind,
            "at": self.at.isoformat() if self.at else "",
        } | changes  # fmt: skip
        return urlencode({name: value for name, value in values.items() if value})


def asked_of(request: Request) -> Asked:
    """Read an address: ?rule=A05,A06&county=990102&month=2026-03&result=counted&kind=A&at=."""
    text = {name: request.query_params.get(name, "").strip() for name in NAMES}
    rules = [one.strip().upper() for one in text["rule"].split(",")][:_MOST_RULES]
    county = text["county"]
    return Asked(
        tuple(one for one in rules if one.isascii() and one.isalnum() and len(one) <= 4),
        county if county.isascii() and county.isdigit() and 2 <= len(county) <= _LONGEST_CODE else "",
        Month.read(text["month"]),
        text["result"] if text["result"] in RESULTS else "",
        text["kind"] if text["kind"] in KINDS else "",
        instant_of(text["at"]),
    )


def instant_of(text: str) -> datetime | None:
    """An instant with its offset; None for anything else."""
    try:
        return sensible(instant(text.replace(" ", "+"))) if text else None
    except ValueError:
        return None


@router.get("/obligations")
def obligations(request: Request, visitor: Annotated[Visitor, Depends(page("obligations"))]) -> Response:
    """Duties behind a figure, those answered in time too; ?rule=&county=&month=&result=&kind=&at=&after=."""
    asked, most = asked_of(request), visitor.site.config.page_rows
    after = Key.read(request.query_params.get("after", ""))
    with visitor.site.engine.connect() as connection:
        ground = ground_of(connection, asked.month, asked.at)
        found = read(connection, visitor, ground, asked, after, most + 1)
        rows = list(found.rows[:most])
        listed = listed_of(visitor, connection, rows)
        feeds = silent(connection, visitor.site, visitor.scope, visitor.words)
    visitor.tell_listed(persons_in(rows))
    following = ""
    if len(found.rows) > most:
        place = Key(1, rows[-1]["due_at"], rows[-1]["alert_id"])
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
        export=f"/obligations/export?{asked.query()}" if "export" in visitor.scope.pages else "",
    )


def read(
    connection: Connection, visitor: Visitor, ground: Ground | None, asked: Asked, after: Key | None, most: int
) -> Behind:
    """Rows in the visitor's scope; none where no ledger is there yet."""
    if ground is None:
        return Behind((), 0, 0)
    return behind(connection, visitor.scope, ground, asked.wanted, asked.result, after, most)


def listed_of(visitor: Visitor, connection: Connection, rows: Any) -> list[dict[str, Any]]:
    """Rows as the page shows them: what has no alert leads to its person, what does not fire has no actions."""
    listed = shown(visitor.site, visitor.words, visitor.scope, connection, rows)
    for row, one in zip(rows, listed, strict=True):
        one["plain"] = not row["fires"]
        if row["outcome"] is not None:
            one["severity"] = "DONE" if row["outcome"] == "in_time" else row["severity"]
            one["due"], one["taken"] = _ended(visitor, row), row["met_at"] is not None
        if not row["has_alert"] and row["outcome"] is not None:
            one["href"] = f"/people/{row['subject']}" if row["subject"].startswith("p1_") else ""
    return listed


def _ended(visitor: Visitor, row: Mapping[str, Any]) -> DueShown:
    """The deadline of a duty that has ended: how late its answer was, or only when it was due."""
    words = visitor.words
    if row["standing"] == "late" and row["met_at"] is not None and row["met_at"] >= row["due_at"]:
        return due_shown(words, row, row["met_at"], visitor.site)
    met = words.t("duties.met", at=words.at(row["met_at"])) if row["met_at"] is not None else ""
    return DueShown(
        words.t("duties.due", at=words.before(row["due_at"])), met, words.limit(row["due_at"]), False, Markup()
    )
