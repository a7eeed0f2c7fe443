"""Whether somebody reads unusually many persons: counted with each read, told once a day, and kept in the chain itself."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from console.tables import audit_person, audit_record
from handover.calendar import start_of
from schemas.instants import CHINA

MANY = 60  # different persons a day, for a user whose habits are not known yet
FEW, TIMES = 30, 3  # never told below FEW; else above TIMES the user's own mean of a day
HABIT_DAYS, KNOWN_FROM = timedelta(days=30), 5  # days looked back, and days with reads from which habits are known


def unusual(connection: Connection, user_id: str, wall: datetime) -> dict[str, Any] | None:
    """What is unusual about a user's reads today, the first time it is: persons today, and the limit; else None."""
    today = start_of(wall.astimezone(CHINA).date())
    mine = audit_record.c.user_id == user_id
    persons = func.count(audit_person.c.subject.distinct())
    joined = audit_record.join(audit_person, audit_person.c.number == audit_record.c.number)
    count = connection.execute(select(persons).select_from(joined).where(mine, audit_record.c.at >= today)).scalar_one()
    if count <= FEW:
        return None
    told = select(audit_record.c.number).where(mine, audit_record.c.at >= today, audit_record.c.action == "bulk_read")
    if connection.execute(told.limit(1)).first() is not None:
        return None
    limit = _limit(connection, user_id, today)
    return {"persons": count, "limit": limit} if count > limit else None


def _limit(connection: Connection, user_id: str, today: datetime) -> int:
    reads = (
        select(audit_record.c.at, audit_person.c.subject)
        .select_from(audit_record.join(audit_person, audit_person.c.number == audit_record.c.number))
        .where(audit_record.c.user_id == user_id, audit_record.c.at >= today - HABIT_DAYS, audit_record.c.at < today)
    )
    by_day: dict[Any, set[str]] = {}
    for at, subject in connection.execute(reads):
        by_day.setdefault(at.astimezone(CHINA).date(), set()).add(subject)
    if len(by_day) < KNOWN_FROM:
        return MANY
    mean = sum(map(len, by_day.values())) / len(by_day)
    return max(FEW, round(TIMES * mean))
