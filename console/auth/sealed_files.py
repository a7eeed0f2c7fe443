"""Sealed files that a user may not see: how many there are in their place, and whether somebody's is one."""

from sqlalchemy import Connection, func, select

from console.auth.permissions import Scope
from sinks.readmodel.tables import handover


def count_sealed(connection: Connection, scope: Scope) -> int:
    """How many people with an open handover in the place have a file that is sealed from the user."""
    wanted = select(func.count(handover.c.subject.distinct())).where(
        scope.filter_sealed(handover), handover.c.closed_at.is_(None)
    )
    return int(connection.execute(wanted).scalar_one())


def find_sealed_place(connection: Connection, scope: Scope, subject: str) -> str | None:
    """The place of a person in the user's place whose file is sealed from the user; None for all others."""
    wanted = select(handover.c.jurisdiction).where(handover.c.subject == subject, scope.filter_sealed(handover))
    return connection.execute(wanted.limit(1)).scalar()
