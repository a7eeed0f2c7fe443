"""Events that stand at an instant, each with the handover of the person whose it is: what was corrected away or reversed is left out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, and_, case, or_, select, true

from console.auth.permissions import under
from console.reports.indicator import DrillDownRow
from handover.calendar import DAY
from handover.facts.fact import Fact, in_order
from handover.facts.fact_log import WHOLE_PERSON, Merges, by_person
from sinks.readmodel.tables import event, handover, tie

_REVERSED = "release.reversed"
_PERSONS = "p1_"  # how their refs begin


def read_standing(
    connection: Connection,
    facts: Sequence[str],
    at: datetime | None,
    *conditions: ColumnElement[bool],
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> list[Fact]:
    """Events of these facts that happened from `begins` on and before `ends`, known at `at` (None: by now), in order of time.

    The conditions are on the table of events.
    """
    types = [f"reentry.{fact}.v1" for fact in (*facts, _REVERSED)]
    known = and_(event.c.type.in_(types), event.c.arrival <= at if at is not None else true())
    # No event is corrected or reversed before it has happened: what arrived long before can be left unread.
    undone = and_(known, event.c.arrival >= begins - DAY if begins is not None else true())
    corrects = event.c.body["corrects"].as_string()
    removed = set(map(tuple, connection.execute(select(event.c.source, corrects).where(undone, corrects.is_not(None)))))
    times = (
        event.c.time >= begins if begins is not None else true(),
        event.c.time < ends if ends is not None else true(),
    )
    columns = (event.c.subject, event.c.type, event.c.time, event.c.arrival, event.c.source, event.c.id, event.c.body)
    told = [_make_fact(row) for row in connection.execute(select(*columns).where(known, *times, *conditions))]
    reversals = select(event.c.source, event.c.id, event.c.body).where(
        undone, event.c.type == f"reentry.{_REVERSED}.v1"
    )
    for source, id_, body in connection.execute(reversals):
        if (source, id_) not in removed:
            removed.add((source, body["data"]["reverses_event_id"]))
    return in_order(
        one for one in told if (one.source, one.id) not in removed and one.name in facts and _is_counted(one)
    )


def _make_fact(row: Any) -> Fact:
    name = row.type.removeprefix("reentry.").removesuffix(".v1")
    return Fact(name, row.time, row.source, row.id, row.arrival, row.subject, row.body["data"])


def _is_counted(one: Fact) -> bool:
    """semantics.md 3.3: an exit of another kind is no release."""
    return one.name != "release.occurred" or one.data["reason"] == "RELEASED"


def select_refs(prefix: str) -> CTE:
    """Persons whose handover is in a place as `subject`, each with every ref it is tied to by merges and splits, its own too, as `other`."""
    mine = select(handover.c.subject, handover.c.subject.label("other"))
    refs = mine.where(under(handover.c.jurisdiction, prefix)).cte("refs", recursive=True)
    following = case((tie.c.subject == refs.c.other, tie.c.other), else_=tie.c.subject)
    of_persons = tie.c.subject.startswith(_PERSONS)
    touches = or_(tie.c.subject == refs.c.other, tie.c.other == refs.c.other)
    return refs.union(select(refs.c.subject, following).select_from(tie.join(refs, touches)).where(of_persons))


def is_of_people(prefix: str) -> ColumnElement[bool]:
    """Events of persons whose handover is in a place, whichever of their refs they name."""
    return event.c.subject.in_(select(select_refs(prefix).c.other))


class Persons:
    """Whose the events of the people of a place are (semantics.md 3.4), by the merges and splits known now: handovers, too, stand as they are now."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._told = read_standing(connection, sorted(WHOLE_PERSON), None, is_of_people(prefix))
        self._merges = Merges.of(self._told)

    def survivor(self, ref: str, at: datetime) -> str:
        """The ref under which a person goes on: whose a fact of `at` is."""
        return self._merges.survivor(ref, at)

    def assign_owners(self, told: Iterable[Fact]) -> list[Fact]:
        """The same events, each with the person whose it is as its subject; in order of time."""
        owners, _ = by_person([*self._told, *told])
        found = (one._replace(subject=person) for person, facts in owners.items() for one in facts)
        return in_order(one for one in found if one.name not in WHOLE_PERSON)


@dataclass(frozen=True, slots=True)
class Home:
    """The handover that an event belongs to."""

    subject: str
    handover_id: str
    kind: str
    jurisdiction: str
    county: str
    sending: str
    release_date: str | None
    key_person: bool
    opened_at: datetime
    closed_at: datetime | None

    def row(self, one: Fact, *, holds: bool) -> DrillDownRow:
        """A fact of this handover as a row behind a figure: of the office that told it."""
        return DrillDownRow(one.subject, self.jurisdiction, one.agency, one.time, one.name, holds)


class Homes:
    """Handovers in a place, by person."""

    def __init__(self, connection: Connection, prefix: str, persons: Persons) -> None:
        names = list(Home.__dataclass_fields__)
        wanted = select(*(handover.c[name] for name in names)).where(under(handover.c.jurisdiction, prefix))
        self.all = [
            Home(**{**row, "subject": persons.survivor(row["subject"], row["opened_at"])})
            for row in connection.execute(wanted.order_by(handover.c.opened_at, handover.c.handover_id)).mappings()
        ]
        self._by_subject: dict[str, list[Home]] = {}
        for one in self.all:
            self._by_subject.setdefault(one.subject, []).append(one)

    def of(self, subject: str, at: datetime) -> Home | None:
        """The last handover of a person that was open then, else the last before, else the first."""
        known = self._by_subject.get(subject, [])
        before = [one for one in known if one.opened_at <= at]
        is_open = [one for one in before if one.closed_at is None or one.closed_at >= at]
        return (is_open or before or known[:1] or [None])[-1]  # type: ignore[list-item]
