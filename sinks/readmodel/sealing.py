"""Sealed files: a person who was a minor by any announcement of a release stays sealed, whatever is said later."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from sinks.readmodel.dialect import insert_new
from sinks.readmodel.tables import event, sealed, tie

_ANNOUNCED = "reentry.release.scheduled.v1"
_PERSONS = "p1_"


def seal_minors(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Seal the files of those that events call minors."""
    minors = {row["subject"] for row in rows if row["type"] == _ANNOUNCED and row["body"]["data"]["minor"]}
    if minors:
        insert_new(connection, sealed, [{"subject": one} for one in sorted(minors)])


def find_minors(connection: Connection) -> set[str]:
    """Who was called a minor by the events that are kept."""
    told = connection.execute(select(event.c.subject, event.c.body).where(event.c.type == _ANNOUNCED))
    return {subject for subject, body in told if body["data"]["minor"]}


def is_sealed(subject: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the person of a row is sealed, under this ref or one that was merged with it."""
    mine = select(sealed.c.subject)
    survivors = select(tie.c.subject).where(tie.c.other.in_(mine), tie.c.subject.startswith(_PERSONS))
    removed = select(tie.c.other).where(tie.c.subject.in_(mine), tie.c.other.startswith(_PERSONS))
    return or_(subject.in_(mine), subject.in_(survivors), subject.in_(removed))
