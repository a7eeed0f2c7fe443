"""Showing a name: asked for with a purpose, kept in the audit, over after five minutes. Names themselves never come here."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from console.db.tables import audit_person, audit_record

LASTS = timedelta(minutes=5)


def count_seconds_left(connection: Connection, user_id: str, subject: str, wall: datetime) -> int:
    """For how many more seconds a user may see a person's name; 0 where they have not asked, or longer ago."""
    asked = connection.execute(
        select(audit_record.c.at)
        .join(audit_person, audit_person.c.number == audit_record.c.number)
        .where(
            audit_record.c.user_id == user_id,
            audit_record.c.at > wall - LASTS,
            audit_record.c.action == "reveal",
            audit_person.c.subject == subject,
        )
        .order_by(audit_record.c.number.desc())
        .limit(1)
    ).scalar()
    return int((asked + LASTS - wall).total_seconds()) if asked is not None else 0
