"""What a figure is: a numerator, a denominator where it has one, parts by rule or office, and the rows behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import TypeVar

from console.reports.scoreboard import FEW

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DrillDownRow:
    """One row behind a figure: whom and where, which office, when, and the fact or rule that puts it there. `holds`: it is in the numerator."""

    subject: str
    place: str
    office: str
    at: datetime
    fact: str
    holds: bool


PartValue = (
    int | float | timedelta | None
)  # lengths are exact; None: not known, or not reached as too many are still open


@dataclass(frozen=True, slots=True)
class IndicatorPart:
    """A figure of one rule, office, place or publisher: its values by column. `people`: the fewest that one of them tells of."""

    name: str
    values: Mapping[str, PartValue]
    people: int = 0


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure. `obligations`: its rows are obligations with this result and rules; else `rows` has them all.

    `oldest`: the first deadline or day that it counts. `withheld`: it is about fewer than so many, and so told to nobody.
    """

    name: str
    top: int | None = None
    bottom: int | None = None
    oldest: datetime | None = None
    parts: Sequence[IndicatorPart] = ()
    rows: Sequence[DrillDownRow] = ()
    obligations: tuple[str, tuple[str, ...], bool] | None = None  # result, rules, of the month only
    work: str = ""  # where its obligations are those of a work, not of rules
    more: dict[str, int] = field(default_factory=dict)
    withheld: int = 0

    @property
    def percent(self) -> float | None:
        """None where it is no share, or of too few."""
        if self.top is None or self.bottom is None or self.bottom < FEW:
            return None
        return 100 * self.top / self.bottom


def make_share(name: str, rows: Sequence[DrillDownRow], parts: Sequence[IndicatorPart] = ()) -> Indicator:
    """A share counted from its rows: the number and what is behind it cannot differ."""
    return Indicator(name, sum(row.holds for row in rows), len(rows), parts=parts, rows=rows)


def make_count(name: str, rows: Sequence[DrillDownRow]) -> Indicator:
    """A number of rows."""
    return Indicator(name, len(rows), rows=rows)


def compute_quantile(answered: Sequence[timedelta], still_open: Sequence[timedelta], share: float) -> timedelta | None:
    """Within how long a share of all was answered, those still open counted as open that long (Kaplan and Meier); None: not reached."""
    left = len(answered) + len(still_open)
    standing = 1.0
    open_since = sorted(still_open)
    passed = 0
    for length in sorted(answered):
        while passed < len(open_since) and open_since[passed] < length:
            passed += 1
            left -= 1
        standing *= (left - 1) / left
        left -= 1
        if standing <= 1 - share + 1e-9:
            return length
    return None


def compute_quantiles(answered: Sequence[timedelta], still_open: Sequence[timedelta]) -> Mapping[str, PartValue]:
    """The two quantiles that every figure of lengths shows, by column."""
    return {name: compute_quantile(answered, still_open, share) for name, share in (("median", 0.5), ("p90", 0.9))}


def group_by_name(rows: Sequence[T], name_of: Callable[[T], str]) -> Mapping[str, Sequence[T]]:
    """All rows, under no name, then those of each name in order; nothing of nothing."""
    names = sorted({name_of(row) for row in rows})
    return {"": rows, **{name: [row for row in rows if name_of(row) == name] for name in names}} if rows else {}


def find_nearest_rank(values: Sequence[timedelta], share: float) -> timedelta | None:
    """The value at a share of the way up (nearest rank); None of nothing."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None
