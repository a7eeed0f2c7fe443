"""One known fact, and which of the facts a rule asks for: the patterns of the rule book."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

from schemas.catalogue import fields_of
from schemas.envelope import Event
from schemas.instants import instant

parse_instant = lru_cache(maxsize=65_536)(instant)
parse_date = lru_cache(maxsize=16_384)(date.fromisoformat)


class Fact(NamedTuple):
    """What one event says, and since when it is known. `time` and `arrival` are aware instants, +08:00, whole milliseconds."""

    name: str  # "release.notice_sent"
    time: datetime
    source: str
    id: str
    arrival: datetime
    subject: str
    data: Mapping[str, Any]
    recorded: datetime | None = None
    handoverid: str | None = None
    corrects: str | None = None

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Earliest, latest and first mean by this (semantics.md 3.7)."""
        return (self.time, self.source, self.id)

    @property
    def agency(self) -> str:
        """The agency that speaks: the second segment of the source."""
        return agency_of(self.source)

    def day(self, field: str) -> date:
        """A date field of the payload."""
        return parse_date(self.data[field])

    def instant(self, field: str) -> datetime:
        """An instant field of the payload."""
        return parse_instant(self.data[field])


def agency_of(source: str) -> str:
    """The agency of a CloudEvents source (contract.md 1)."""
    segments = source.split("/")
    return segments[2] if len(segments) > 2 else source


def fact_of(event: Event, arrival: datetime) -> Fact:
    """The fact that an event tells, known since `arrival`: fields that no rule knows stay on the topic."""
    known, data = fields_of(event.fact), event.data
    if not data.keys() <= known:
        data = {name: value for name, value in data.items() if name in known}
    return Fact(
        event.fact,
        event.time,
        event.source,
        event.id,
        arrival,
        event.subject,
        data,
        event.recordedtime,
        event.handoverid,
        event.corrects,
    )


def first(facts: Iterable[Fact]) -> Fact | None:
    """The earliest by (`time`, source, id)."""
    return min(facts, key=_ORDER, default=None)


def last(facts: Iterable[Fact]) -> Fact | None:
    """The latest by (`time`, source, id)."""
    return max(facts, key=_ORDER, default=None)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """By (`time`, source, id)."""
    return sorted(facts, key=_ORDER)


def _ORDER(fact: Fact) -> tuple[datetime, str, str]:  # noqa: N802  # reads as the constant it is
    return (fact.time, fact.source, fact.id)


When = Literal["any", "later", "earlier"]
PATTERNS = 4_096  # texts remembered; a rule book has some hundred, and people send many to be judged
_PATTERN = re.compile(r"(?:(later|earlier) )?([a-z]+\.[a-z_]+)(?:\[([^\[\]]+)\])?")
_CONDITION = re.compile(r"([a-z_]+)(?:(!?=)([A-Za-z0-9_|]+))?|!([a-z_]+)")
_TARGET = frozenset(("target",))


class InvalidPattern(ValueError):
    """A fact pattern that is not of the form "later intake.help_answered[kind=A|B, written]"."""


class Condition(NamedTuple):
    """What one field must be: present and not empty (`values` empty), one of the values; with `other` the opposite.

    A field that is absent is no other value. `values` of "target" alone ask for the target day of the obligation.
    """

    field: str
    values: frozenset[str]
    other: bool

    @property
    def asks_target(self) -> bool:
        """Whether only an obligation with a target day can tell if it holds."""
        return self.values == _TARGET

    def holds(self, data: Mapping[str, Any]) -> bool:
        """Whether a payload satisfies it, as far as the payload alone can tell."""
        value = data.get(self.field)
        if not self.values:
            return bool(value) is not self.other
        if self.asks_target:
            return value is not None
        if value is None:
            return False
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return (text in self.values) is not self.other


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Facts of one name whose payload satisfies all conditions. It is a key of what it finds, so equal texts share an object."""

    name: str
    when: When = "any"
    conditions: tuple[Condition, ...] = ()

    def matches(self, fact: Fact) -> bool:
        """Whether name and payload fit; `when` needs an anchor and is judged by the form."""
        return fact.name == self.name and self.fits(fact)

    def fits(self, fact: Fact) -> bool:
        """Whether the payload of a fact of this name fits, whatever the target day is."""
        return not self.conditions or all(condition.holds(fact.data) for condition in self.conditions)

    def is_on(self, fact: Fact, target: date | None) -> bool:
        """Whether the fields that ask for the target day name it: a date, or an instant by its local date."""
        return all(
            (target is not None and _local_date(fact, one.field) == target) is not one.other
            for one in self.conditions
            if one.asks_target
        )

    @property
    def asks_target(self) -> bool:
        """Whether it depends on the target day of an obligation."""
        return any(one.asks_target for one in self.conditions)


def _local_date(fact: Fact, field: str) -> date:
    value = fact.data[field]
    return fact.instant(field).date() if "T" in str(value) else fact.day(field)


@lru_cache(maxsize=PATTERNS)
def pattern(text: str) -> Pattern:
    """Read one pattern. Raise InvalidPattern."""
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        raise InvalidPattern(
            f"{text!r} is no fact pattern; write for example 'later intake.help_answered[kind=LEGAL_AID]'"
        )
    when, name, inside = found.groups()
    return Pattern(
        name, cast("When", when or "any"), tuple(_condition(part) for part in inside.split(",")) if inside else ()
    )


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise InvalidPattern(
            f"{text!r} is no condition; write 'field', '!field', 'field=A|B', 'field!=A' or 'field=target'"
        )
    field, sign, values, absent = found.groups()
    return Condition(
        field or absent, frozenset(values.split("|")) if values else frozenset(), bool(absent) or sign == "!="
    )


Grouped = Mapping[str, list[Fact]]


def matching(facts: Grouped, patterns: Iterable[Pattern]) -> list[Fact]:
    """All facts of a handover (grouped by name) that fit one of the patterns, in order."""
    found = [fact for one in patterns for fact in facts.get(one.name, ()) if one.fits(fact)]
    return in_order(found) if len(found) > 1 else found


def sign_instant(fact: Fact) -> datetime:
    """The instant at which a check-in fact happened: `at`, `checked_at`, else its time."""
    if fact.name == "checkin.completed":
        return fact.instant("at")
    if fact.name == "checkin.location_checked":
        return fact.instant("checked_at")
    return fact.time
