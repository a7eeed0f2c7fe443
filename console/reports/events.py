"""Events that stand at an instant: what was corrected away or reversed is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, true

from console.scope import under
from sinks.tables import event, handover

_REVERSED = "release.reversed"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as figures read it."""

    subject: str
    fact: str
    time: datetime
    arrival: datetime
    source: str
    id: str
    data: Mapping[str, Any]

    @property
    def agency(self) -> str:
        """The office that speaks."""
        return self.source.split("/")[2]


def standing(
    connection: Connection, facts: Sequence[str], at: datetime, *conditions: ColumnElement[bool]
) -> list[Told]:
    """Events of these facts known at `at`, in order of time; the conditions are on the table of events."""
    types = [f"reentry.{fact}.v1" for fact in (*facts, _REVERSED)]
    known = and_(event.c.type.in_(types), event.c.arrival <= at)
    corrects = event.c.body["corrects"].as_string()
    removed = set(map(tuple, connection.execute(select(event.c.source, corrects).where(known, corrects.is_not(None)))))
    columns = (event.c.subject, event.c.type, event.c.time, event.c.arrival, event.c.source, event.c.id, event.c.body)
    rows = connection.execute(select(*columns).where(known, *(conditions or (true(),))))
    told = [_told(row) for row in rows]
    reversals = select(event.c.source, event.c.id, event.c.body).where(known, event.c.type == f"reentry.{_REVERSED}.v1")
    for source, id_, body in connection.execute(reversals):
        if (source, id_) not in removed:
            removed.add((source, body["data"]["reverses_event_id"]))
    found = [one for one in told if (one.source, one.id) not in removed and one.fact in facts and _counts(one)]
    return sorted(found, key=lambda one: (one.time, one.source, one.id))


def _told(row: Any) -> Told:
    fact = row.type.removeprefix("reentry.").removesuffix(".v1")
    return Told(row.subject, fact, row.time, row.arrival, row.source, row.id, row.body["data"])


def _counts(one: Told) -> bool:
    """semantics.md 3.3: an exit of another kind is no release."""
    return one.fact != "release.occurred" or one.data["reason"] == "RELEASED"


def of_people(prefix: str) -> ColumnElement[bool]:
    """Events of persons whose handover is in a place."""
    return event.c.subject.in_(select(handover.c.subject).where(under(handover.c.jurisdiction, prefix)))


def between(begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """Events that happened at or after one instant and before another."""
    return and_(event.c.time >= begins, event.c.time < ends)


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


class Homes:
    """Handovers in a place, by person."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        names = list(Home.__dataclass_fields__)
        wanted = select(*(handover.c[name] for name in names)).where(under(handover.c.jurisdiction, prefix))
        self.all = [
            Home(**row)
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
