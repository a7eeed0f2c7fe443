"""Working days of mainland China and the counting of days (semantics.md 2)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from math import ceil
from pathlib import Path
from typing import Literal

from handover.toml import parse_toml
from schemas.instants import CHINA
from schemas.text_files import read_text

DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
Unit = Literal["min", "h", "d", "wd", "month"]
Roll = Literal["none", "next_working", "previous"]
CALENDAR_FILE = Path(__file__).parent / "calendar.toml"
_SATURDAY = 5
_COUNT = re.compile("[0-9]{1,7}")
_HOURS: Mapping[str, float] = {"min": 1 / 60, "h": 1, "d": 24, "wd": 34, "month": 31 * 24}  # about
_MOST_TERMS = 8  # the rest of a longer sum is no summand
_LONGEST_HOURS = 20 * 366 * 24  # no duty is longer, and dates stay those of a calendar


class InvalidDuration(ValueError):
    """A duration that is not of the form "3 wd", "10 d", "1 month + 7 d", "6 h" or "30 min"."""


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a duration: `count` units."""

    count: int
    unit: Unit


@dataclass(frozen=True)
class Span:
    """A duration as the rule book writes it: summands, applied left to right."""

    terms: tuple[Term, ...]

    @cached_property
    def _hash(self) -> int:
        return hash(self.terms)

    def __hash__(self) -> int:
        return self._hash  # counted days are remembered by their span

    @cached_property
    def is_exact(self) -> bool:
        """Whether it is counted in hours or minutes from the anchor's instant, not in days."""
        return self.terms[0].unit in ("h", "min")

    @cached_property
    def length(self) -> timedelta:
        """The exact length of a span in hours or minutes."""
        return sum(
            (timedelta(minutes=term.count * (60 if term.unit == "h" else 1)) for term in self.terms), timedelta()
        )

    def scaled(self, factor: float) -> "Span":
        """Each summand times `factor`: days rounded up to whole ones, hours to whole minutes (semantics.md 6.9)."""
        return Span(tuple(_scaled(term, factor) for term in self.terms))

    def __add__(self, other: "Span") -> "Span":
        return Span(self.terms + other.terms)

    def __str__(self) -> str:
        return " + ".join(f"{term.count} {term.unit}" for term in self.terms)


def _scaled(term: Term, factor: float) -> Term:
    if term.unit in ("h", "min"):
        return Term(ceil(term.count * (60 if term.unit == "h" else 1) * factor), "min")
    return Term(ceil(term.count * factor), term.unit)


@cache
def span(text: str) -> Span:
    """Read "1 month + 7 d". Raise InvalidDuration."""
    terms = []
    for part in text.split("+", _MOST_TERMS):
        match part.split():
            case [count, "min" | "h" | "d" | "wd" | "month" as unit] if _COUNT.fullmatch(count):
                terms.append(Term(int(count), unit))
            case _:
                raise InvalidDuration(
                    f"{text!r} is no duration; write for example '3 wd', '10 d', '1 month + 7 d', '6 h', '30 min'"
                )
    exact = {term.unit in ("h", "min") for term in terms}
    if len(exact) != 1:
        raise InvalidDuration(f"{text!r} mixes hours and days")
    if sum(term.count * _HOURS[term.unit] for term in terms) > _LONGEST_HOURS:
        raise InvalidDuration(f"{text!r} is longer than 20 years")
    return Span(tuple(terms))


def start_of(day: date) -> datetime:
    """00:00 of a local day."""
    return datetime.combine(day, time.min, CHINA)


def end_of(day: date) -> datetime:
    """The first instant after a local day: 00:00 of the next."""
    return datetime.combine(day + DAY, time.min, CHINA)


def due_day_of(due_at: datetime) -> date:
    """The day whose end a due instant is: the local date of `due_at` - 1 ms (semantics.md 2.6)."""
    return (due_at - MILLISECOND).date()


def months_on(day: date, months: int) -> date:
    """The same day number `months` on (or back), cut to the month's last day."""
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - DAY).day


@dataclass(frozen=True)
class Year:
    """One published list: `holidays` are days off, `workdays` are weekend days that are worked. It may reach into neighbouring years."""

    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True, slots=True)
class Day:
    """The end of a count: its last day, and whether an unpublished year was asked (then it is provisional)."""

    day: date
    provisional: bool


@dataclass(frozen=True, eq=False)
class Calendar:
    """Which days are worked. An unlisted year counts Monday to Friday, provisionally (semantics.md 2.3).

    `years`: the list of each year, in the order of publication. Where two name one day, the later one counts.
    """

    years: Mapping[int, Year]
    _counted: dict[tuple[date, Span, Roll, int, bool], Day] = field(default_factory=dict, repr=False, compare=False)

    def is_working(self, day: date) -> bool:
        """Whether a local day is a working day."""
        listed = self._listed.get(day)
        return day.weekday() < _SATURDAY if listed is None else listed

    @cached_property
    def _listed(self) -> Mapping[date, bool]:
        """Every day that a list names, and whether it is worked."""
        found: dict[date, bool] = {}
        for year in self.years.values():
            found |= dict.fromkeys(year.holidays, False)
            found |= dict.fromkeys(year.workdays, True)
        return found

    def with_year(self, number: int, year: Year) -> "Calendar":
        """This calendar with a list published later; it replaces the older list of its year."""
        return Calendar({**{known: one for known, one in self.years.items() if known != number}, number: year})

    def count(self, day0: date, length: Span, roll: Roll = "none", shift: int = 0) -> Day:
        """The last day of `length` after `day0`, moved by `shift` natural days (custody), then rolled."""
        return self._remembered(day0, length, roll, shift, back=False)

    def count_back(self, day: date, length: Span, roll: Roll = "none") -> Day:
        """The day `length` before `day`, then rolled."""
        return self._remembered(day, length, roll, 0, back=True)

    def _remembered(self, day0: date, length: Span, roll: Roll, shift: int, *, back: bool) -> Day:
        key = (day0, length, roll, shift, back)
        known = self._counted.get(key)
        if known is None:
            if len(self._counted) > 100_000:  # a bound on memory over years, not a tuning
                self._counted.clear()
            known = self._counted[key] = self._count(day0, length, roll, shift, -1 if back else 1)
        return known

    def _count(self, day0: date, length: Span, roll: Roll, shift: int, sign: int) -> Day:
        asked: list[date] = []
        day = day0
        for term in length.terms:
            day = self._advance(day, term, sign, asked)
        day += shift * DAY
        if roll != "none":
            step = DAY if roll == "next_working" else -DAY
            while not self._ask(day, asked):
                day += step
        return Day(day, any(one.year not in self.years for one in asked))

    def _advance(self, day: date, term: Term, sign: int, asked: list[date]) -> date:
        if term.unit == "month":
            return months_on(day, sign * term.count)
        if term.unit == "d":
            return day + sign * term.count * DAY
        left = term.count
        while left > 0:
            day += sign * DAY
            left -= self._ask(day, asked)
        return day

    def _ask(self, day: date, asked: list[date]) -> bool:
        asked.append(day)
        return self.is_working(day)

    def listing(self, day0: date, last: date) -> Iterable[tuple[date, str]]:
        """The days after `day0` up to `last`, each with what it is: counted, off or makeup."""
        day = day0
        while day < last:
            day += DAY
            yield day, "makeup" if self._listed.get(day) else "counted" if self.is_working(day) else "off"


def load_calendar(path: Path = CALENDAR_FILE) -> Calendar:
    """Read a calendar file; only years with status "published" count. Raise OSError, KeyError, ValueError."""
    document = parse_toml(read_text(path))
    years = {}
    for entry in sorted(document["year"], key=lambda entry: int(entry["year"])):
        number, days = int(entry["year"]), (*entry["holidays"], *entry["workdays"])
        far = next((day for day in days if not isinstance(day, date) or abs(day.year - number) > 1), None)
        if far is not None:
            raise ValueError(f"year {number}: {far} is no day of it or of a neighbouring year")
        if entry.get("status") == "published":
            years[number] = Year(frozenset(entry["holidays"]), frozenset(entry["workdays"]))
    return Calendar(years)
