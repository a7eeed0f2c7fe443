"""Which obligations an address asks for, and the rows of them that a visitor may see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from sqlalchemy import Connection

from console.queue.query import RowKey
from console.reports.drill_down import DrillDown, read_drill_down
from console.reports.month import Month
from console.reports.obligation_base import RESULTS, ObligationBase, ObligationFilter
from console.reports.stages import KINDS
from console.web.request import Visitor
from console.web.values import is_rule_id, read_instant
from handover.rules.works import LINES, OWN, SURVEYS, WORKS, Works

_NAMES = ("rule", "county", "month", "result", "kind", "at", "work", "line", "owner")
_AGENCY = re.compile(r"[A-Z_]{2,32}-[0-9]{6,9}-[0-9]{2}", re.ASCII)
_LONGEST_CODE, _MOST_RULES = 9, 100


@dataclass(frozen=True, slots=True)
class ObligationQuery:
    """What an address asks for; values that cannot be meant are left out. `at`: as known then, empty: as kept or known."""

    rule: tuple[str, ...]
    county: str
    month: Month | None
    result: str
    kind: str
    at: datetime | None
    work: str = ""  # one of the five works, or those of the counties
    line: str = ""  # of a prison; `owner` is then the prison
    owner: str = ""

    def make_filter(self, works: Works) -> ObligationFilter:
        """Which obligations, as a rule book divides them into works."""
        counted = None
        if self.line or self.work:
            counted = works.by_line.get(self.line, ()) if self.line else works.list_counted(self.work)
        asked = self.owner if self.line == SURVEYS else ""
        owner = "" if asked else self.owner
        return ObligationFilter(self.rule or None, self.county, KINDS.get(self.kind, ()), counted, owner, asked)

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """From an address: ?rule=ID,ID&county=990102&month=2026-03&result=counted&kind=A&at=&work=&line=&owner=."""
        text = {name: values.get(name, "").strip() for name in _NAMES}
        rules = [one.strip() for one in text["rule"].split(",")][:_MOST_RULES]
        county = text["county"]
        return cls(
            tuple(filter(is_rule_id, rules)),
            county if county.isascii() and county.isdigit() and 2 <= len(county) <= _LONGEST_CODE else "",
            Month.read(text["month"]),
            text["result"] if text["result"] in RESULTS else "",
            text["kind"] if text["kind"] in KINDS else "",
            read_instant(text["at"]),
            text["work"] if text["work"] in (*WORKS, OWN) else "",
            text["line"] if text["line"] in LINES else "",
            text["owner"] if _AGENCY.fullmatch(text["owner"]) else "",
        )

    def query(self, **changes: str) -> str:
        """As it stands in an address."""
        values = {
            "rule": ",".join(self.rule), "county": self.county, "month": str(self.month or ""), "result": self.result, "kind": self.kind,
            "at": self.at.isoformat() if self.at else "", "work": self.work, "line": self.line, "owner": self.owner,
        } | changes  # fmt: skip
        return urlencode({name: value for name, value in values.items() if value})


def read_rows(
    connection: Connection,
    visitor: Visitor,
    ground: ObligationBase | None,
    asked: ObligationQuery,
    after: RowKey | None,
    most: int,
) -> DrillDown:
    """Rows in the visitor's scope; none where no ledger is there yet."""
    if ground is None:
        return DrillDown((), 0, 0)
    wanted = asked.make_filter(visitor.site.book.policies.works)
    return read_drill_down(connection, visitor.scope, ground, wanted, asked.result, after, most)
