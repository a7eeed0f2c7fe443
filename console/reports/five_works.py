"""The five works of a city side by side: what was answered in time, per work and county, and of each prison by what it owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, case, func, select

from console.reports.obligation_base import ObligationBase, ObligationFilter, find_asking_source, is_any_of
from console.reports.scoreboard import BELOW, Share, compute_spread, count_left_out, hide_share
from handover.facts.fact import agency_of
from handover.rules.works import LINES, PRISON, SURVEYS, Counted, Works

_SENDING = "PRISON"  # the type of offices that are columns of their own


@dataclass(frozen=True, slots=True)
class PlaceColumn:
    """One county, or "" for all together: a share for each work, and its own works together (without the prisons' work)."""

    place: str
    shares: Mapping[str, Share]
    total: Share

    @property
    def imbalance(self) -> "Imbalance | None":
        """How far its best work is ahead of its worst; None where fewer than two have a percentage."""
        own = {work: share.percent for work, share in self.shares.items() if work != PRISON}
        known = {work: percent for work, percent in own.items() if percent is not None}
        if len(known) < 2:
            return None
        worst, best = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        return Imbalance(worst, best, known[best] - known[worst])


@dataclass(frozen=True, slots=True)
class Imbalance:
    """The works that stand furthest apart, in percentage points."""

    worst: str
    best: str
    points: float


@dataclass(frozen=True, slots=True)
class PrisonColumn:
    """One prison: a share for each of its lines."""

    agency: str
    shares: Mapping[str, Share]


@dataclass(frozen=True, slots=True)
class FiveWorks:
    """Works in rows, counties and prisons in columns. `contested`: how many are left out for an open contest."""

    ground: ObligationBase
    prefix: str
    works: Sequence[str]
    places: Sequence[PlaceColumn]
    all: PlaceColumn
    lines: Sequence[str]
    prisons: Sequence[PrisonColumn]
    left_out: Mapping[str, int]

    def spread(self, work: str) -> float | None:
        """P90 - P10 of one work between the counties that are shown."""
        return compute_spread(column.shares[work] for column in self.places)


def compute_five_works(
    connection: Connection, ground: ObligationBase, works: Works, prefix: str, own: str = ""
) -> FiveWorks:
    """The works of the places below a prefix, nothing hidden; prisons and what is left out are of `own` alone where it is named."""
    counts = _count_places(connection, ground, works, prefix)
    names = tuple(works.by_work)
    columns = [_make_column(place, names, counts) for place in sorted({place for place, _ in counts})]
    every = {work: _sum(share for (_, name), share in counts.items() if name == work) for work in names}
    lines = tuple(works.by_line)
    counted = tuple(one for several in works.by_work.values() for one in several)
    left_out, _ = count_left_out(connection, ground, ObligationFilter(county=own or prefix, counted=counted))
    prisons = _count_prisons(connection, ground, works, own or prefix)
    return FiveWorks(ground, prefix, names, columns, _total("", every), lines, prisons, left_out)


Counts = dict[tuple[str, str], Share]


def _count_places(connection: Connection, ground: ObligationBase, works: Works, prefix: str) -> Counts:
    """By place and work."""
    d = ground.rows()
    place = func.substr(d.c.county, 1, BELOW.get(len(prefix), 6))
    return _count(connection, ground, d, place, works.by_work, ObligationFilter(county=prefix))


def _count(
    connection: Connection, ground: ObligationBase, d: Any, column: Any, names: Mapping[str, Sequence[Counted]], wanted: ObligationFilter
) -> Counts:  # fmt: skip
    if not names:
        return {}
    name = case(*((is_any_of(d, counted), name) for name, counted in names.items()))
    told = select(column.label("column"), name.label("name"), d.c.standing).where(
        ground.result(d, "counted"), wanted.of(d), is_any_of(d, [one for several in names.values() for one in several])
    )
    rows = told.subquery("told")
    in_time = func.sum(case((rows.c.standing == "in_time", 1), else_=0))
    grouped = select(rows.c.column, rows.c.name, in_time, func.count()).group_by(rows.c.column, rows.c.name)
    return {(where, what): Share(int(top), n) for where, what, top, n in connection.execute(grouped) if where}


def _count_prisons(connection: Connection, ground: ObligationBase, works: Works, prefix: str) -> list[PrisonColumn]:
    d, wanted = ground.rows(), ObligationFilter(county=prefix)
    owed = {name: counted for name, counted in works.by_line.items() if name != SURVEYS}
    asked = {name: counted for name, counted in works.by_line.items() if name == SURVEYS}
    counts = _count(connection, ground, d, d.c.owner_agency, owed, wanted)
    for (source, line), share in _count(connection, ground, d, find_asking_source(d), asked, wanted).items():
        key = (agency_of(source), line)
        counts[key] = counts.get(key, Share()) + share
    prisons = sorted({agency for agency, _ in counts if agency.startswith(_SENDING)})
    return [
        PrisonColumn(agency, {line: counts.get((agency, line), Share()) for line in LINES if line in works.by_line})
        for agency in prisons
    ]


def _make_column(place: str, names: Sequence[str], counts: Counts) -> PlaceColumn:
    return _total(place, {work: counts.get((place, work), Share()) for work in names})


def _total(place: str, shares: Mapping[str, Share]) -> PlaceColumn:
    return PlaceColumn(place, shares, _sum(share for work, share in shares.items() if work != PRISON))


def _sum(shares: Any) -> Share:
    return sum(shares, Share())


def limit_to_reader(found: FiveWorks, own: str, *, alone: bool) -> FiveWorks:
    """The same for a reader, as on the scoreboard: fewer than five are hidden outside their county, and where a difference tells them."""
    places = [column for column in found.places if not alone or column.place == own]
    mine = next((column for column in places if column.place == own), None) if alone else None
    shown = [column if column.place == own else _hide(column) for column in places]
    prisons = found.prisons if own else [
        replace(one, shares={line: hide_share(share) for line, share in one.shares.items()}) for one in found.prisons
    ]  # fmt: skip
    return replace(found, places=shown, all=_hide(found.all, mine), prisons=prisons)


def _hide(column: PlaceColumn, less: PlaceColumn | None = None) -> PlaceColumn:
    others = less.shares if less is not None else {}
    shares = {work: hide_share(share, others.get(work, Share())) for work, share in column.shares.items()}
    return replace(column, shares=shares, total=hide_share(column.total, less.total if less is not None else Share()))


def sort_columns(columns: Sequence[PlaceColumn], order: str) -> list[PlaceColumn]:
    """Worst first, those with too few after them; or by code."""
    if order == "name":
        return sorted(columns, key=lambda one: one.place)
    return sorted(columns, key=lambda one: (one.total.percent is None, one.total.percent or 0.0, one.place))
