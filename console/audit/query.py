"""Reading the audit: who read whom and why, within what a visitor may know of; and who reads unusually many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, select, true

from console.auth.permissions import Scope, under
from console.db.reading import read_all
from console.db.rows import AuditRow, AuditRowOfPersons
from console.db.tables import audit_head, audit_person, audit_record

_LONG = 64


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Filters of the page: a person's reference or its beginning, a login name, a kind of action, only below a number."""

    person: str = ""
    by: str = ""
    action: str = ""
    before: int | None = None

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "AuditQuery":
        """From an address; what cannot be is left out."""
        before = values.get("before", "")
        return cls(
            values.get("person", "").strip()[:_LONG],
            values.get("by", "").strip()[:_LONG],
            values.get("action", "").strip()[:_LONG],
            int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
        )


def read_records(connection: Connection, scope: Scope, asked: AuditQuery, count: int) -> list[AuditRowOfPersons]:
    """Records in scope, the newest first, each with its persons in scope as `persons`."""
    wanted = select(audit_record).where(limit_to_scope(scope))
    if asked.person:
        wanted = wanted.where(_is_about(audit_person.c.subject.startswith(asked.person, autoescape=True), scope))
    if asked.by:
        wanted = wanted.where(audit_record.c.login == asked.by)
    if asked.action:
        wanted = wanted.where(audit_record.c.action == asked.action)
    if asked.before is not None:
        wanted = wanted.where(audit_record.c.number < asked.before)
    rows = read_all(connection, wanted.order_by(audit_record.c.number.desc()).limit(count), AuditRow)
    seen = _read_persons(connection, scope, [row["number"] for row in rows])
    return [{**row, "persons": seen.get(row["number"], [])} for row in rows]


def read_unusual(connection: Connection, scope: Scope, count: int) -> list[AuditRow]:
    """Who has read unusually many persons, the newest first: all for the auditor, users of offices below the prefix for the procurator."""
    own = [audit_record.c.agency.contains(f"-{scope.prefix}", autoescape=True)] if scope.role == "procurator" else []
    wanted = select(audit_record).where(audit_record.c.action == "bulk_read", *own)
    return read_all(connection, wanted.order_by(audit_record.c.number.desc()).limit(count), AuditRow)


def read_head(connection: Connection) -> tuple[int, str]:
    """How many records there are, and the hash of the last."""
    row = connection.execute(select(audit_head.c.number, audit_head.c.hash)).first()
    return (row.number, row.hash) if row is not None else (0, "")


def limit_to_scope(scope: Scope) -> ColumnElement[bool]:
    """Records that a visitor may know of: all for the auditor; for the procurator those about persons of the prefix."""
    return true() if scope.role == "auditor" else _is_about(true(), scope)


def _is_about(which: ColumnElement[bool], scope: Scope) -> ColumnElement[bool]:
    return exists().where(audit_person.c.number == audit_record.c.number, which, _limit_places(scope))


def _limit_places(scope: Scope) -> ColumnElement[bool]:
    if scope.role == "auditor":
        return true()
    return under(audit_person.c.jurisdiction, scope.prefix) if scope.prefix else ~true()


def _read_persons(connection: Connection, scope: Scope, numbers: Sequence[int]) -> dict[int, list[str]]:
    wanted = (
        select(audit_person.c.number, audit_person.c.subject)
        .where(audit_person.c.number.in_(numbers), _limit_places(scope))
        .order_by(audit_person.c.subject)
    )
    found: dict[int, list[str]] = {}
    for number, subject in connection.execute(wanted):
        found.setdefault(number, []).append(subject)
    return found
