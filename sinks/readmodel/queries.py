"""Reads of the read model for the terminal: what is late, and what is due next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, func, select

from sinks.readmodel.tables import alert, event, obligation


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """A firing alert."""

    alert_id: str
    subject: str
    rule_id: str
    severity: str
    owner_agency: str
    jurisdiction: str
    due_at: datetime
    raised_at: datetime
    step: int
    held: bool
    acknowledged_by: str | None
    snoozed_until: datetime | None
    contest: str | None
    provisional: bool
    reason: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DueNext:
    """An obligation that is open and not yet late."""

    obligation_id: str
    subject: str
    rule_id: str
    severity: str
    owner_agency: str
    jurisdiction: str
    due_at: datetime
    warn_at: datetime
    provisional: bool
    reason: Mapping[str, str]


def open_alerts(engine: Engine, limit: int = 100, prefix: str = "") -> list[OpenAlert]:
    """Firing alerts, the longest overdue first."""
    names = [alert.c[name] for name in OpenAlert.__dataclass_fields__]
    query = select(*names).where(alert.c.state == "firing").order_by(alert.c.due_at, alert.c.alert_id).limit(limit)
    with engine.connect() as connection:
        return [OpenAlert(**row) for row in connection.execute(_within(query, alert.c.jurisdiction, prefix)).mappings()]


def due_next(engine: Engine, before: datetime, limit: int = 100, prefix: str = "") -> list[DueNext]:
    """Open obligations that fall due before an instant, the next first."""
    names = [obligation.c[name] for name in DueNext.__dataclass_fields__]
    query = (
        select(*names)
        .where(obligation.c.state == "open", obligation.c.due_at < before)
        .order_by(obligation.c.due_at, obligation.c.obligation_id)
        .limit(limit)
    )
    with engine.connect() as connection:
        return [
            DueNext(**row) for row in connection.execute(_within(query, obligation.c.jurisdiction, prefix)).mappings()
        ]


def firing_by_severity(engine: Engine, prefix: str = "") -> dict[str, int]:
    """How many alerts fire, by severity."""
    query = select(alert.c.severity, func.count()).where(alert.c.state == "firing").group_by(alert.c.severity)
    with engine.connect() as connection:
        return dict(map(tuple, connection.execute(_within(query, alert.c.jurisdiction, prefix))))


def latest_arrival(engine: Engine) -> datetime | None:
    """The arrival of the newest event: how old the picture is."""
    with engine.connect() as connection:
        found: datetime | None = connection.execute(
            select(event.c.arrival).order_by(event.c.arrival.desc()).limit(1)
        ).scalar()
        return found


def _within(query: Select[Any], column: Any, prefix: str) -> Select[Any]:
    return query.where(column.startswith(prefix, autoescape=True)) if prefix else query
