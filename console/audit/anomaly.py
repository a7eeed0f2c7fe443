"""Whether somebody reads unusually many persons: counted with each read, told once a day, and kept in the chain itself."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from console.db.tables import audit_person, audit_record
from handover.calendar import start_of
from schemas.instants import CHINA

MANY = 60  # different persons a day whose own page was opened, for a user whose habits are not known yet
FEW, TIMES = 30, 3  # never told below FEW; else above TIMES the user's own mean of a day
MANY_LISTED, FEW_LISTED = 600, 300  # the same for persons in lists: who works through a queue sees many
HABIT_DAYS, KNOWN_FROM = timedelta(days=30), 5  # days looked back, and days with reads from which habits are known
_LIST = "list"


def find_unusual(connection: Connection, user_id: str, wall: datetime, *, lists: bool = False) -> dict[str, Any] | None:
    """What is unusual about a user's reads today, the first time it is: persons today, and the limit; else None.

    `lists`: of the persons that lists named, else of those that were opened, exported, printed or shown by name.
    """
    today = _start_of_day(wall)
    count = connection.execute(
        _select_persons(func.count(audit_person.c.subject.distinct()), user_id, today, lists)
    ).scalar_one()
    if count <= (FEW_LISTED if lists else FEW):
        return None
    told = select(audit_record.c.details).where(
        audit_record.c.user_id == user_id, audit_record.c.at >= today, audit_record.c.action == "bulk_read"
    )
    if any(details.get("lists", False) == lists for details in connection.execute(told).scalars()):
        return None
    limit = _compute_limit(connection, user_id, today, lists)
    return {"persons": count, "limit": limit} | ({"lists": True} if lists else {}) if count > limit else None


def find_listed(connection: Connection, user_id: str, wall: datetime) -> set[str]:
    """The persons that lists of this user have named today."""
    return set(
        connection.execute(_select_persons(audit_person.c.subject, user_id, _start_of_day(wall), lists=True)).scalars()
    )


def _start_of_day(wall: datetime) -> datetime:
    return start_of(wall.astimezone(CHINA).date())


def _select_persons(what: Any, user_id: str, since: datetime, lists: bool) -> Select[Any]:
    which = audit_record.c.action == _LIST if lists else audit_record.c.action != _LIST
    joined = audit_record.join(audit_person, audit_person.c.number == audit_record.c.number)
    return select(what).select_from(joined).where(audit_record.c.user_id == user_id, audit_record.c.at >= since, which)


def _compute_limit(connection: Connection, user_id: str, today: datetime, lists: bool) -> int:
    reads = _select_persons(audit_person.c.subject, user_id, today - HABIT_DAYS, lists).add_columns(audit_record.c.at)
    by_day: dict[Any, set[str]] = {}
    for subject, at in connection.execute(reads.where(audit_record.c.at < today)):
        by_day.setdefault(at.astimezone(CHINA).date(), set()).add(subject)
    if len(by_day) < KNOWN_FROM:
        return MANY_LISTED if lists else MANY
    mean = sum(map(len, by_day.values())) / len(by_day)
    return max(FEW_LISTED if lists else FEW, round(TIMES * mean))
