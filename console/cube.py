"""The counts of the queue: one grouped query for each table, from which every counter and facet is read. SQL and numbers only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, func, literal, select

from console.queue import FACETS, KINDS, Filters, Moment, is_snoozed, mine, town_of, unraised, wait_of
from console.scope import Scope
from handover.calendar import DAY, due_day_of
from sinks.tables import alert, obligation

OUTLOOK_DAYS = 14
_COUNTING_MEMORY = "64MB"


@dataclass(frozen=True, slots=True)
class CellOfCube:
    """How many rows share everything that can be filtered by."""

    bucket: str
    sev: str
    kind: str
    town: str
    wait: str
    rule: str
    acknowledged: bool
    escalated: bool
    held: bool
    contested: bool
    provisional: bool
    snoozed: bool
    late: bool
    n: int
    oldest: datetime

    @property
    def states(self) -> frozenset[str]:
        """Its values of the facet `state`."""
        found = {"ack" if self.acknowledged else "open"}
        named = {"esc": self.escalated, "held": self.held, "contest": self.contested, "prov": self.provisional}
        return frozenset(found | {name for name, holds in named.items() if holds})

    def values(self, facet: str) -> frozenset[str]:
        """Its values of a facet."""
        return self.states if facet == "state" else frozenset((getattr(self, facet),))


@dataclass(frozen=True)
class Cube:
    """All counts of a scope from one grouped query for each table, and what falls due on each of the next days.

    `mine`: the part that somebody has taken or was given; empty until `of_staff`.
    """

    cells: Sequence[CellOfCube]
    by_day: Mapping[date, int] = field(default_factory=dict)
    mine: Sequence[CellOfCube] = ()

    def count(self, filters: Filters, *, view: str | None = None, bucket: str | None = None) -> int:
        """How many rows a set of filters leaves."""
        return sum(one.n for one in self.chosen(filters, view=view, bucket=bucket))

    def chosen(
        self, filters: Filters, *, view: str | None = None, bucket: str | None = None, but: str = ""
    ) -> Iterable[CellOfCube]:
        """The cells that filters leave; those of the facet `but` do not count."""
        view = filters.view if view is None else view
        bucket = filters.bucket if bucket is None else bucket
        wanted = [(facet, found) for facet in FACETS if facet != but and (found := filters.of(facet))]
        for one in self.mine if view == "mine" else self.cells:
            if one.snoozed is not (view == "snoozed") or not _in_bucket(one, bucket):
                continue
            if not wanted or all(found & one.values(facet) for facet, found in wanted):
                yield one

    def facet(self, facet: str, filters: Filters) -> Counter[str]:
        """How many rows each value of a facet would leave under the other filters."""
        found: Counter[str] = Counter()
        for one in self.chosen(filters, but=facet):
            for value in one.states if facet == "state" else (getattr(one, facet),):
                found[value] += one.n
        return found


def _in_bucket(one: CellOfCube, bucket: str) -> bool:
    if bucket == "over":
        return one.bucket in ("first", "over")
    return one.bucket == bucket if bucket else one.bucket != "later"


def cube_of(engine: Engine, scope: Scope, moment: Moment) -> Cube:
    """`cube` on a connection of its own: it may go on after the page that asked for it is answered."""
    with engine.connect() as connection:
        return cube(connection, scope, moment)


def cube(connection: Connection, scope: Scope, moment: Moment) -> Cube:
    """Count everything in scope: two grouped queries, and one for the days ahead."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"SET LOCAL work_mem = '{_COUNTING_MEMORY}'"
        )  # a province is counted without a sort on disk
    cells = [
        *_cells(connection, _cube_of_alerts(scope, moment), late=True),
        *_cells(connection, _cube_of_duties(scope, moment), late=False),
    ]
    return Cube(cells, _days_ahead(connection, scope, moment))


def of_staff(connection: Connection, counted: Cube, scope: Scope, staff: str, moment: Moment) -> Cube:
    """The same counts with those of one person's own alerts, which an index finds."""
    return replace(counted, mine=list(_cells(connection, _cube_of_alerts(scope, moment, mine(staff)), late=True)))


def _cube_of_alerts(scope: Scope, moment: Moment, *more: ColumnElement[bool]) -> Select[Any]:
    inner = select(
        case((alert.c.severity == "CRIT", "first"), else_="over").label("bucket"),
        alert.c.severity.label("sev"),
        alert.c.handover_kind.label("kind"),
        alert.c.jurisdiction,
        alert.c.owner_agency,
        alert.c.rule_id.label("rule"),
        alert.c.acknowledged_by.is_not(None).label("acknowledged"),
        (alert.c.step > 0).label("escalated"),
        alert.c.held.label("held"),
        (func.coalesce(alert.c.contest, "") == "open").label("contested"),
        alert.c.provisional.label("provisional"),
        is_snoozed(moment.now).label("snoozed"),
        alert.c.due_at,
    ).where(alert.c.state == "firing", scope.of_duties(alert), *more)
    return _grouped(inner, scope)


def _cube_of_duties(scope: Scope, moment: Moment) -> Select[Any]:
    at = obligation.c.due_at
    no = literal(value=False)
    bucket = case(
        (at <= moment.now, "over"), (at <= moment.today_ends, "today"), (at <= moment.soon_ends, "soon"), else_="later"
    )
    inner = select(
        bucket.label("bucket"),
        obligation.c.severity.label("sev"),
        obligation.c.handover_kind.label("kind"),
        obligation.c.jurisdiction,
        obligation.c.owner_agency,
        obligation.c.rule_id.label("rule"),
        *(no.label(name) for name in ("acknowledged", "escalated", "held", "contested")),
        obligation.c.provisional.label("provisional"),
        no.label("snoozed"),
        obligation.c.due_at,
    ).where(scope.of_duties(obligation), *unraised(moment.now))
    return _grouped(inner, scope)


_DIMENSIONS = (
    "bucket",
    "sev",
    "kind",
    "town",
    "wait",
    "rule",
    "acknowledged",
    "escalated",
    "held",
    "contested",
    "provisional",
    "snoozed",
)


def _grouped(inner: Select[Any], scope: Scope) -> Select[Any]:
    """Count rows by the dimensions. What has to be made from a code is made for each group of equal codes, not for each row."""
    rows = inner.subquery()
    raw = [one for one in rows.c if one.name != "due_at"]
    codes = select(*raw, func.count().label("n"), func.min(rows.c.due_at).label("oldest")).group_by(*raw).subquery()
    made = {"town": town_of(scope, codes.c.jurisdiction), "wait": wait_of(codes.c.owner_agency)}
    few = select(
        *((made[name] if name in made else codes.c[name]).label(name) for name in _DIMENSIONS),
        codes.c.n,
        codes.c.oldest,
    ).subquery()
    columns = [few.c[name] for name in _DIMENSIONS]
    return select(*columns, func.sum(few.c.n).label("n"), func.min(few.c.oldest).label("oldest")).group_by(*columns)


_KIND_OF = {code: name for name, codes in KINDS.items() for code in codes}


def _cells(connection: Connection, wanted: Select[Any], *, late: bool) -> Iterable[CellOfCube]:
    for row in connection.execute(wanted).mappings():
        values = {name: row[name] for name in _DIMENSIONS}
        flags = {name: bool(value) for name, value in values.items() if name in _DIMENSIONS[6:]}
        kind = _KIND_OF.get(row["kind"], row["kind"])
        yield CellOfCube(**{**values, **flags, "kind": kind}, late=late, n=int(row["n"]), oldest=row["oldest"])


def _days_ahead(connection: Connection, scope: Scope, moment: Moment) -> dict[date, int]:
    first = moment.today_ends - DAY
    wanted = (
        select(obligation.c.due_at, func.count())
        .where(
            obligation.c.due_at > first,
            obligation.c.due_at <= first + OUTLOOK_DAYS * DAY,
            obligation.c.state == "open",
            scope.of_duties(obligation),
        )
        .group_by(obligation.c.due_at)
    )
    found: Counter[date] = Counter()
    for due_at, count in connection.execute(wanted):
        found[due_day_of(due_at)] += count
    return dict(found)


def days_of(moment: Moment) -> list[date]:
    """The days of the outlook, today first."""
    today = moment.now.date()
    return [today + timedelta(days=number) for number in range(OUTLOOK_DAYS)]
