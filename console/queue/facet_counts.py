"""The counts of the queue: one grouped query for each table, from which every counter and facet is read. SQL and numbers only."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, func, literal, select

from console.auth.permissions import Scope
from console.db.reading import read_all
from console.queue.filters import FACETS, KINDS, QueueFilters
from console.queue.query import Moment, are_unraised, is_of_staff, is_snoozed, town_column, wait_column
from console.queue.snoozes import find_snoozed_by
from handover.calendar import DAY, due_day_of
from sinks.readmodel.dialect import sort_in_memory
from sinks.readmodel.tables import alert, obligation

OUTLOOK_DAYS = 14
_COUNTING_MEMORY = "64MB"


@dataclass(frozen=True, slots=True)
class CubeCell:
    """How many rows share everything that can be filtered by. `states`: its values of the facet `state`."""

    bucket: str
    sev: str
    kind: str
    town: str
    wait: str
    rule: str
    states: frozenset[str]
    snoozed: bool
    late: bool
    n: int
    oldest: datetime

    def fits(self, facet: str, wanted: frozenset[str]) -> bool:
        """Whether one of the values that a facet asks for is its own."""
        return not wanted.isdisjoint(self.states) if facet == "state" else getattr(self, facet) in wanted

    def values(self, facet: str) -> Iterable[str]:
        """Its values of a facet."""
        return self.states if facet == "state" else (getattr(self, facet),)


class CubeCells:
    """Cells in the lists that pages ask for."""

    def __init__(self, cells: Iterable[CubeCell] = ()) -> None:
        """Each cell stands in its bucket's list and in those that have its bucket too."""
        self.all = tuple(cells)
        self._listed: dict[tuple[bool, str], list[CubeCell]] = defaultdict(list)
        for one in self.all:
            for bucket in _SHOWN_IN[one.bucket]:
                self._listed[one.snoozed, bucket].append(one)

    def of(self, bucket: str, *, snoozed: bool) -> Sequence[CubeCell]:
        """Those of a bucket; "": what a page without a bucket shows."""
        return self._listed.get((snoozed, bucket), ())


_SHOWN_IN: Mapping[str, Sequence[str]] = {
    "first": ("first", "over", ""),
    "over": ("over", ""),
    "due": ("due", ""),
    "today": ("today", ""),
    "soon": ("soon", ""),
    "later": ("later",),
}


@dataclass(frozen=True)
class Cube:
    """All counts of a scope from one grouped query for each table, and what falls due on each of the next days.

    `mine`: the part that somebody has taken or was given; empty until `of_staff`.
    """

    cells: CubeCells
    by_day: Mapping[date, int] = field(default_factory=dict)
    mine: CubeCells = field(default_factory=CubeCells)

    def count(self, filters: QueueFilters, *, view: str | None = None, bucket: str | None = None) -> int:
        """How many rows a set of filters leaves."""
        return sum(one.n for one in self.chosen(filters, view=view, bucket=bucket))

    def chosen(
        self, filters: QueueFilters, *, view: str | None = None, bucket: str | None = None
    ) -> Sequence[CubeCell]:
        """The cells that filters leave."""
        found = self._list_cells(filters.view if view is None else view, filters.bucket if bucket is None else bucket)
        for facet in FACETS:
            if wanted := filters.of(facet):
                found = [one for one in found if one.fits(facet, wanted)]
        return found

    def facets(self, filters: QueueFilters) -> Mapping[str, Counter[str]]:
        """How many rows each value of each facet would leave under the filters of the others."""
        found: dict[str, Counter[str]] = {facet: Counter() for facet in FACETS}
        asked = [(facet, wanted) for facet in FACETS if (wanted := filters.of(facet))]
        for one in self._list_cells(filters.view, filters.bucket):
            against = [facet for facet, wanted in asked if not one.fits(facet, wanted)]
            if len(against) <= 1:
                for facet in against or FACETS:
                    for value in one.values(facet):
                        found[facet][value] += one.n
        return found

    def _list_cells(self, view: str, bucket: str) -> Sequence[CubeCell]:
        return (self.mine if view == "mine" else self.cells).of(bucket, snoozed=view == "snoozed")


def read_cube(engine: Engine, scope: Scope, moment: Moment) -> Cube:
    """`cube` on a connection of its own: it may go on after the page that asked for it is answered."""
    with engine.connect() as connection:
        return count_cube(connection, scope, moment)


def count_cube(connection: Connection, scope: Scope, moment: Moment) -> Cube:
    """Count everything in scope: two grouped queries, and one for the days ahead."""
    sort_in_memory(connection, _COUNTING_MEMORY)  # a province is counted without a sort on disk
    late = _read_cells(connection, _select_alerts(scope, _find_snoozed(connection, scope, moment)), late=True)
    due = _read_cells(connection, _select_obligations(scope, moment), late=False)
    return Cube(CubeCells((*late, *due)), _count_days(connection, scope, moment))


def add_staff(connection: Connection, counted: Cube, scope: Scope, staff: str, moment: Moment) -> Cube:
    """The same counts with those of one person's own alerts, which an index finds."""
    wanted = _select_alerts(scope, _find_snoozed(connection, scope, moment), is_of_staff(staff))
    return replace(counted, mine=CubeCells(_read_cells(connection, wanted, late=True)))


def _find_snoozed(connection: Connection, scope: Scope, moment: Moment) -> ColumnElement[bool]:
    return is_snoozed(moment.now, find_snoozed_by(connection, scope.agency, moment.now))


def _select_alerts(scope: Scope, snoozed: ColumnElement[bool], *more: ColumnElement[bool]) -> Select[Any]:
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
        snoozed.label("snoozed"),
        alert.c.due_at,
    ).where(alert.c.state == "firing", scope.filter_obligations(alert), *more)
    return _group(inner, scope)


def _select_obligations(scope: Scope, moment: Moment) -> Select[Any]:
    at = obligation.c.due_at
    no = literal(value=False)
    bucket = case(
        (at <= moment.judged, "over"),
        (at <= moment.now, "due"),
        (at <= moment.today_ends, "today"),
        (at <= moment.soon_ends, "soon"),
        else_="later",
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
    ).where(scope.filter_obligations(obligation), *are_unraised(moment.now))
    return _group(inner, scope)


class _Dimensions(TypedDict):
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


class _CellRow(_Dimensions):
    n: int
    oldest: datetime


_DIMENSIONS = tuple(_Dimensions.__annotations__)


def _group(inner: Select[Any], scope: Scope) -> Select[Any]:
    """Count rows by the dimensions. What has to be made from a code is made for each group of equal codes, not for each row."""
    rows = inner.subquery()
    raw = [one for one in rows.c if one.name != "due_at"]
    codes = select(*raw, func.count().label("n"), func.min(rows.c.due_at).label("oldest")).group_by(*raw).subquery()
    made = {"town": town_column(scope, codes.c.jurisdiction), "wait": wait_column(codes.c.owner_agency)}
    few = select(
        *((made[name] if name in made else codes.c[name]).label(name) for name in _DIMENSIONS),
        codes.c.n,
        codes.c.oldest,
    ).subquery()
    columns = [few.c[name] for name in _DIMENSIONS]
    return select(*columns, func.sum(few.c.n).label("n"), func.min(few.c.oldest).label("oldest")).group_by(*columns)


_KIND_OF = {code: name for name, codes in KINDS.items() for code in codes}


def _read_cells(connection: Connection, wanted: Select[Any], *, late: bool) -> Iterable[CubeCell]:
    for row in read_all(connection, wanted, _CellRow):
        yield CubeCell(
            bucket=row["bucket"],
            sev=row["sev"],
            kind=_KIND_OF.get(row["kind"], row["kind"]),
            town=row["town"],
            wait=row["wait"],
            rule=row["rule"],
            states=frozenset(_list_states(row)),
            snoozed=bool(row["snoozed"]),
            late=late,
            n=int(row["n"]),
            oldest=row["oldest"],
        )


def _list_states(row: _CellRow) -> Iterable[str]:
    yield "ack" if row["acknowledged"] else "open"
    if row["escalated"]:
        yield "esc"
    if row["held"]:
        yield "held"
    if row["contested"]:
        yield "contest"
    if row["provisional"]:
        yield "prov"


def _count_days(connection: Connection, scope: Scope, moment: Moment) -> dict[date, int]:
    first = moment.today_ends - DAY
    wanted = (
        select(obligation.c.due_at, func.count())
        .where(
            obligation.c.due_at > first,
            obligation.c.due_at <= first + OUTLOOK_DAYS * DAY,
            obligation.c.state == "open",
            scope.filter_obligations(obligation),
        )
        .group_by(obligation.c.due_at)
    )
    found: Counter[date] = Counter()
    for due_at, count in connection.execute(wanted):
        found[due_day_of(due_at)] += count
    return dict(found)


def list_days(moment: Moment) -> list[date]:
    """The days of the outlook, today first."""
    today = moment.now.date()
    return [today + timedelta(days=number) for number in range(OUTLOOK_DAYS)]
