"""People in handover: who is in scope, and what should have happened to one of them beside what did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from console.alerts.query import find_others
from console.auth.permissions import Scope
from console.db.alert_rows import AlertRow
from console.db.reading import read_all
from console.db.rows import EventRow, HandoverRow, ListedHandover
from sinks.readmodel.sealing import is_sealed
from sinks.readmodel.tables import alert, case, event, handover

_UNSHOWN = "reentry.system.v1"


@dataclass(frozen=True, slots=True)
class Person:
    """One person: their handovers in scope, the milestones of these as events, all obligations in scope by deadline."""

    subject: str
    handovers: Sequence[HandoverRow]
    events: Sequence[EventRow]
    obligations: Sequence[AlertRow]


def limit_to_scope(scope: Scope) -> Any:
    """Handovers in scope; the province has those of persons with an alert that has reached it."""
    if scope.role == "province":
        escalated = select(alert.c.subject).where(alert.c.state == "firing", scope.filter_obligations(alert))
        return and_(handover.c.subject.in_(escalated), ~is_sealed(handover.c.subject))
    return scope.filter_handovers(handover)


def list_people(
    connection: Connection, scope: Scope, q: str, after: tuple[datetime, str] | None, count: int
) -> list[ListedHandover]:
    """Open handovers in scope, the newest first; each with how many of its alerts fire."""
    late = (
        select(func.count())
        .select_from(alert)
        .where(alert.c.subject == handover.c.subject, alert.c.state == "firing", scope.filter_obligations(alert))
        .scalar_subquery()
    )
    wanted: Select[Any] = select(handover, late.label("late")).where(limit_to_scope(scope))
    wanted = (
        wanted.where(handover.c.subject.startswith(q, autoescape=True))
        if q
        else wanted.where(handover.c.closed_at.is_(None))
    )
    if after is not None:
        at, subject = after
        wanted = wanted.where(
            or_(handover.c.opened_at < at, and_(handover.c.opened_at == at, handover.c.subject > subject))
        )
    order = (handover.c.opened_at.desc(), handover.c.subject)
    return read_all(connection, wanted.order_by(*order).limit(count), ListedHandover)


def count_people(connection: Connection, scope: Scope) -> int:
    """How many people have an open handover in scope."""
    wanted = select(func.count(handover.c.subject.distinct())).where(
        limit_to_scope(scope), handover.c.closed_at.is_(None)
    )
    return int(connection.execute(wanted).scalar_one())


def find_person(connection: Connection, scope: Scope, subject: str) -> Person | None:
    """A person with a handover in scope; None otherwise, also where there is none."""
    of_person = select(handover).where(handover.c.subject == subject, limit_to_scope(scope))
    handovers = read_all(connection, of_person.order_by(handover.c.opened_at), HandoverRow)
    if not handovers:
        return None
    document: Mapping[str, Any] = connection.execute(
        select(case.c.document).where(case.c.subject == subject)
    ).scalar_one()
    seen = {row["handover_id"] for row in handovers}
    ids = {
        (one["source"], one["event_id"])
        for view in document.get("handovers", ())
        if view["handover_id"] in seen
        for one in view["milestones"]
    }
    shown = (event.c.topic.in_(scope.topics), event.c.topic != _UNSHOWN)
    told = select(event).where(event.c.subject == subject, *shown).order_by(event.c.time)
    events = [one for one in read_all(connection, told, EventRow) if (one["source"], one["id"]) in ids]
    return Person(subject, handovers, events, find_others(connection, scope, subject))
