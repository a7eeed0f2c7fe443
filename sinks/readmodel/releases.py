"""Weeks ahead: who is released within a period, and what the handover still lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from handover.calendar import start_of
from sinks.readmodel.tables import handover, obligation

_LOOKS_AHEAD = timedelta(days=31)  # of what is owed after the last release
WEEKS_AHEAD_DAYS = 28


@dataclass(frozen=True, slots=True)
class Missing:
    """An obligation of the handover that nobody has answered yet."""

    rule_id: str
    occurrence: str
    owner_agency: str
    due_at: datetime
    severity: str
    state: Literal["open", "overdue"]


@dataclass(frozen=True, slots=True)
class Release:
    """One handover of a person who will be released; `missing` by deadline."""

    handover_id: str
    subject: str
    kind: str
    state: str
    released_on: date
    sending: str
    county: str
    jurisdiction: str
    key_person: bool
    missing: Sequence[Missing]


def read_releases(
    connection: Connection, where: ColumnElement[bool], first: date, last: date, most: int
) -> Sequence[Release]:
    """Open handovers with a release date from `first` to `last`, the next first, at most so many. `where`: on the table of handovers."""
    chosen = (
        select(handover)
        .where(
            where,
            handover.c.closed_at.is_(None),
            handover.c.release_date >= first.isoformat(),
            handover.c.release_date <= last.isoformat(),
        )
        .order_by(handover.c.release_date, handover.c.handover_id, handover.c.subject)
        .limit(most)
    )
    handovers = connection.execute(chosen).all()
    until = start_of(last + _LOOKS_AHEAD)
    missing = _read_missing(connection, sorted({row.handover_id for row in handovers}), until)
    return [
        Release(
            row.handover_id,
            row.subject,
            row.kind,
            row.state,
            date.fromisoformat(row.release_date),
            row.sending,
            row.county,
            row.jurisdiction,
            row.key_person,
            missing.get((row.subject, row.handover_id), ()),
        )
        for row in handovers
    ]


def _read_missing(
    connection: Connection, handovers: Sequence[str], until: datetime
) -> dict[tuple[str, str], Sequence[Missing]]:
    found: list[Any] = []
    for start in range(0, len(handovers), 1_000):
        mine = obligation.c.handover_id.in_(handovers[start : start + 1_000])
        unanswered = or_(obligation.c.state == "open", obligation.c.state == "overdue")
        soon = obligation.c.due_at <= until  # a review of the help in five years is nothing that is missing
        found += connection.execute(select(obligation).where(and_(mine, unanswered, soon))).all()
    found.sort(key=lambda row: (row.subject, row.handover_id, row.due_at, row.rule_id, row.occurrence))
    return {
        key: [
            Missing(row.rule_id, row.occurrence, row.owner_agency, row.due_at, row.severity, row.state) for row in rows
        ]
        for key, rows in groupby(found, key=lambda row: (row.subject, row.handover_id))
    }
