"""Which five works a reader gets: place and month of an address, and what of them they may see."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from console.auth.permissions import Scope
from console.reports.five_works import FiveWorks, compute_five_works, limit_to_reader, sort_columns
from console.reports.month import Month
from console.reports.obligation_base import read_base
from console.reports.scoreboard_access import ScoreboardQuery, ScoreboardReader, choose_month, find_reader
from handover.rules.works import Works


@dataclass(frozen=True, slots=True)
class FiveWorksView:
    """The five works as one reader sees them."""

    reader: ScoreboardReader
    asked: ScoreboardQuery
    month: Month
    now: Month
    found: FiveWorks


def read_five_works(
    connection: Connection, scope: Scope, works: Works, asked: ScoreboardQuery, now: datetime
) -> FiveWorksView | None:
    """None where no ledger has been reckoned yet."""
    reader, today = find_reader(scope, asked.prefix), Month.of(now)
    month = min(asked.month or choose_month(connection, today), today)
    ground = read_base(connection, month, asked.at)
    if ground is None:
        return None
    found = compute_five_works(connection, ground, works, reader.prefix, reader.own)
    shown = limit_to_reader(found, reader.own, alone=reader.alone)
    return FiveWorksView(reader, asked, month, today, replace(shown, places=sort_columns(shown.places, asked.order)))
