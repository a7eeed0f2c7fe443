"""What a search finds in a scope, whatever its state: persons, disputes, alerts, obligations to come, offices, places."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from console.alerts.query import find_others, find_row
from console.auth.permissions import Scope, as_sql
from console.db.alert_rows import AlertRow
from console.db.reading import read_all
from console.db.rows import HandoverRow
from console.people.query import limit_to_scope
from console.text.case_number import read_case_number
from handover.rules.rulebook import RuleBook
from sinks.readmodel.tables import alert, handover, obligation
from sinks.readmodel.tables import case as cases

MOST = 20  # subjects, alerts or offices that one answer shows
_REFERENCE = re.compile(r"[pd]1_[a-z2-7]{1,26}")
_CUT = re.compile(r"([pd]1_[a-z2-7]*)(?:…|\.{2,})([a-z2-7]*)")  # as it was printed once: its beginning and its end
_ALERT = re.compile(r"[0-9a-f]{6,8}(?:-[0-9a-f]{0,4}){0,3}(?:-[0-9a-f]{0,12})?")
_TAIL = re.compile(r"[a-z2-7]{4,26}")
_WORD_AND_PLACE = re.compile(r"([^\d/]*?)\s*(\d{2,9})?")
_AGENCY = re.compile(r"[A-Z_]+-\d*(?:-\d{0,2})?")


@dataclass(frozen=True, slots=True)
class FoundSubject:
    """A person or a dispute: handovers, and everything that is or was owed for it in scope, by deadline."""

    subject: str
    handovers: Sequence[HandoverRow]
    owed: Sequence[AlertRow]


@dataclass(frozen=True, slots=True)
class FoundOwner:
    """An office or a place with how many of its alerts fire, and how many of its obligations are open."""

    code: str
    late: int
    due: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search has found. `wrong_check`: it was read as a case number whose check character is wrong."""

    subjects: Sequence[FoundSubject] = ()
    alerts: Sequence[AlertRow] = ()
    offices: Sequence[FoundOwner] = ()
    places: Sequence[FoundOwner] = ()
    rules: Sequence[str] = field(default=())
    wrong_check: bool = False
    more: bool = False

    @property
    def count(self) -> int:
        """How many hits there are."""
        return len(self.subjects) + len(self.alerts) + len(self.offices) + len(self.places) + len(self.rules)


def find(
    connection: Connection, scope: Scope, text: str, book: RuleBook, office_types: Callable[[str], Sequence[str]]
) -> Findings:
    """Everything in scope that a text names. `office_types`: the types of agencies that a word names."""
    q = unicodedata.normalize("NFKC", text).strip().replace("...", "…")
    small, number = q.lower().removeprefix("#"), read_case_number(q)
    wrong = number is not None and not number[1]
    if not q:
        return Findings()
    subjects, more = _find_subjects(connection, scope, small, number[0] if number and not wrong else "")
    alerts: list[AlertRow] = []
    if _ALERT.fullmatch(small):
        alerts = _find_alerts(connection, scope, small)
    offices, places = _find_offices(connection, scope, q, office_types)
    rules = [one for one in sorted(book.ids) if one == q.upper()]
    return Findings(subjects, alerts, offices, places, rules, wrong and not subjects, more)


def _find_offices(
    connection: Connection, scope: Scope, q: str, office_types: Callable[[str], Sequence[str]]
) -> tuple[list[FoundOwner], list[FoundOwner]]:
    """Offices and places by id (COUNTY_JUSTICE-990102-01), by word (司法所), by code (990102), by both (司法所 990102004)."""
    word, code = _split(q)
    if _AGENCY.fullmatch(q.upper()):
        return _find_owners(connection, scope, "owner_agency", lambda at: at.startswith(q.upper(), autoescape=True)), []
    types = office_types(word) if word else []
    if types:
        kinds = [f"{one}-{code}" for one in types]
        return _find_owners(
            connection, scope, "owner_agency", lambda at: or_(*(at.startswith(one, autoescape=True) for one in kinds))
        ), []
    if not code:
        return [], []
    return (
        [] if word else _find_owners(connection, scope, "owner_agency", lambda at: at.like(f"%-{code}%")),
        _find_owners(connection, scope, "jurisdiction", lambda at: at.startswith(code, autoescape=True)),
    )


def _split(q: str) -> tuple[str, str]:
    """A word and the code of a place behind it, either of which may be empty."""
    found = _WORD_AND_PLACE.fullmatch(q)
    return (found[1].strip(), found[2] or "") if found else ("", "")


def _find_subjects(connection: Connection, scope: Scope, q: str, of_number: str) -> tuple[list[FoundSubject], bool]:
    condition = _name_subject(q, of_number)
    if condition is None:
        return [], False
    wanted = (
        select(handover.c.subject).where(limit_to_scope(scope), condition(handover.c.subject)),
        select(alert.c.subject).where(scope.filter_obligations(alert), condition(alert.c.subject)),
        select(obligation.c.subject).where(scope.filter_obligations(obligation), condition(obligation.c.subject)),
        select(cases.c.subject).where(as_sql(scope.disputes, cases), condition(cases.c.subject)),
    )
    found = sorted({
        subject for one in wanted for subject in connection.execute(one.distinct().limit(MOST + 1)).scalars()
    })  # fmt: skip
    return [_read_subject(connection, scope, one) for one in found[:MOST]], len(found) > MOST


def _name_subject(q: str, of_number: str) -> Callable[[ColumnElement[str]], ColumnElement[bool]] | None:
    """The condition on a subject; None where the text is no part of one."""
    if of_number:
        return _between(of_number, "")
    if _REFERENCE.fullmatch(q):
        return _between(q, "")
    if cut := _CUT.fullmatch(q):
        return _between(cut[1], cut[2])
    if q.startswith("/"):
        return lambda column: column.startswith(q, autoescape=True)
    if _TAIL.fullmatch(q) and not q.isdecimal():
        return lambda column: and_(or_(column.like("p1_%"), column.like("d1_%")), column.like(f"%{q}"))
    return None


def _between(head: str, tail: str) -> Callable[[ColumnElement[str]], ColumnElement[bool]]:
    """References with a beginning and an end; the range is for the index, whatever the collation."""
    above = head + "z" * (29 - len(head))
    return lambda column: and_(
        column >= head, column <= above, func.substr(column, 1, len(head)) == head, column.like(f"%{tail}")
    )


def _read_subject(connection: Connection, scope: Scope, subject: str) -> FoundSubject:
    of_person = select(handover).where(handover.c.subject == subject, limit_to_scope(scope))
    rows = read_all(connection, of_person.order_by(handover.c.opened_at), HandoverRow)
    return FoundSubject(subject, rows, find_others(connection, scope, subject))


def _find_alerts(connection: Connection, scope: Scope, q: str) -> list[AlertRow]:
    above, ids = q + "g", set()
    for table in (alert, obligation):
        at = table.c.alert_id
        wanted = select(at).where(
            scope.filter_obligations(table), at >= q, at < above, at.startswith(q, autoescape=True)
        )
        ids |= set(connection.execute(wanted.limit(MOST)).scalars())
    found = (find_row(connection, scope, one) for one in sorted(ids)[:MOST])
    return [one for one in found if one is not None]


def _find_owners(
    connection: Connection,
    scope: Scope,
    name: str,
    condition: Callable[[ColumnElement[str]], ColumnElement[bool]],
) -> list[FoundOwner]:
    """Offices or places that owe something in scope, or did; those with the most late ones first."""
    counts: dict[str, list[int]] = {}
    for table, open_state, place in ((alert, "firing", 0), (obligation, "open", 1)):
        column = table.c[name]
        n = func.sum(case((table.c.state == open_state, 1), else_=0))
        wanted = select(column, n).where(scope.filter_obligations(table), condition(column)).group_by(column)
        for code, count in connection.execute(wanted):
            counts.setdefault(code, [0, 0])[place] = int(count or 0)
    ranked = sorted(counts.items(), key=lambda one: (-one[1][0], -one[1][1], one[0]))
    return [FoundOwner(code, late, due) for code, (late, due) in ranked[:MOST]]
