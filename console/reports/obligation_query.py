"""Which obligations an address asks for, and the rows of them that a visitor may see."""

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

_NAMES = ("rule", "county", "month", "result", "kind", "at")
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

    @property
    def filter(self) -> ObligationFilter:
        """Which obligations."""
        return ObligationFilter(self.rule or None, self.county, KINDS.get(self.kind, ()))

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """From an address: ?rule=ID,ID&county=990102&month=2026-03&result=counted&kind=A&at=."""
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
        )

    def query(self, **changes: str) -> str:
        """As it stands in an address."""
        values = {
            "rule": ",".join(self.rule), "county": self.county, "month": str(self.month or ""), "result": self.result, "kind": self.kind,
            "at": self.at.isoformat() if self.at else "",
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
    return read_drill_down(connection, visitor.scope, ground, asked.filter, asked.result, after, most)
