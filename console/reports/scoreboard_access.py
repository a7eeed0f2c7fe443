"""Which scoreboard a reader gets: its place, month and kind, and what of it they may see."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from console.auth.permissions import Scope
from console.reports.month import Month
from console.reports.obligation_base import Correction, ObligationFilter, find_corrections, read_base
from console.reports.scoreboard import Scoreboard, compute_scoreboard, limit_to_reader, sort_lines
from console.reports.stages import KINDS, list_rules
from console.web.values import read_instant, read_number
from handover.rules.rulebook import RuleBook
from sinks.readmodel.tables import frozen_month

ORDERS = ("rank", "name")
_CITY, _COUNTY = 4, 6  # digits

_LONGEST_CODE = 9


@dataclass(frozen=True, slots=True)
class ScoreboardReader:
    """Who reads: the place whose scoreboard it is, their own county, and whether they see only its line, and rows at all."""

    prefix: str
    own: str
    alone: bool
    sees_rows: bool


def find_reader(scope: Scope, asked: str) -> ScoreboardReader:
    """The place that is asked for where it lies in the scope, else the widest that does. A county sees its line and the city's."""
    if scope.role == "county":
        return ScoreboardReader(scope.prefix[:_CITY], scope.prefix[:_COUNTY], alone=True, sees_rows=True)
    prefix = asked if asked.startswith(scope.prefix) and len(asked) in (2, _CITY) else scope.prefix[:_CITY]
    return ScoreboardReader(prefix, "", alone=False, sees_rows=bool(scope.obligations) and scope.role != "province")


@dataclass(frozen=True, slots=True)
class ScoreboardQuery:
    """What an address asks for; values that cannot be meant are left out."""

    prefix: str
    month: Month | None
    kind: str
    order: str
    at: datetime | None

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "ScoreboardQuery":
        """From the values of an address."""
        prefix, kind, order = (values.get(name, "").strip() for name in ("prefix", "kind", "sort"))
        return cls(
            prefix if read_number(prefix, digits=_LONGEST_CODE) is not None else "",
            Month.read(values.get("month", "").strip()),
            kind if kind in KINDS else "",
            order if order in ORDERS else "rank",
            read_instant(values.get("at", "").strip()),
        )


@dataclass(frozen=True, slots=True)
class ScoreboardView:
    """The scoreboard as one reader sees it, and what became known of its month since it was frozen."""

    reader: ScoreboardReader
    asked: ScoreboardQuery
    month: Month
    now: Month
    board: Scoreboard
    corrected: tuple[Correction, ...]


def read_view(
    connection: Connection, scope: Scope, book: RuleBook, asked: ScoreboardQuery, now: datetime
) -> ScoreboardView | None:
    """The scoreboard; None where no ledger has been reckoned yet."""
    reader, today = find_reader(scope, asked.prefix), Month.of(now)
    month = min(asked.month or choose_month(connection, today), today)
    ground = read_base(connection, month, asked.at)
    if ground is None:
        return None
    board = compute_scoreboard(connection, ground, book, reader.prefix, asked.kind, reader.own)
    shown = limit_to_reader(board, reader.own, alone=reader.alone, sees_rows=reader.sees_rows)
    wanted = ObligationFilter(list_rules(board.stages), reader.own or reader.prefix, KINDS.get(asked.kind, ()))
    since = find_corrections(connection, month, wanted) if ground.frozen and reader.sees_rows else []
    ordered = replace(shown, lines=sort_lines(shown.lines, asked.order))
    return ScoreboardView(reader, asked, month, today, ordered, tuple(since))


def choose_month(connection: Connection, today: Month) -> Month:
    """The month before this one where it is frozen, else this one."""
    before = today.on(-1)
    frozen = connection.execute(select(frozen_month.c.month).where(frozen_month.c.month == str(before))).first()
    return before if frozen is not None else today
