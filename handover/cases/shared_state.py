"""What is not of one subject: calendars, the registry, rule versions and the state of the feeds, as known at an instant."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from handover.agencies import Registry
from handover.calendar import Calendar, Year, start_of
from handover.cases.agency_filter import sieve
from handover.cases.case import Case
from handover.facts.fact import Fact, fact_of, parse_date, parse_instant
from handover.facts.fact_log import FactLog, canonical, standing
from handover.feeds.downtime import Downtimes
from handover.feeds.manifest import VERDICT
from handover.obligations.context import EvaluationContext, Version, Versions
from handover.rules.rulebook import InvalidRuleBook, RuleBook
from schemas.envelope import Event

SHARED = frozenset(("system.calendar_published", "system.registry_changed", "system.rules_changed"))
SHARED_TYPES = tuple(f"reentry.{name}.v1" for name in sorted(SHARED))


_arrival = itemgetter(1)


class Change(NamedTuple):
    """What moved between two instants: everything, or the feeds of agencies (`handover.cases.agency_filter.sieve`)."""

    everything: bool
    feeds: int


class SharedState:
    """The shared facts. `take` wants arrivals in order; what has been asked for stays true when later facts come."""

    def __init__(self, book: RuleBook, calendar: Calendar) -> None:
        self.book, self.calendar = book, calendar
        self.refused: list[str] = []  # rule changes that could not be used, one line each
        self.sources: dict[str, list[tuple[Event, datetime]]] = {}  # not yet lived, per source
        self._entries = FactLog()
        self._instants: list[datetime] = []
        self._parts: dict[int, tuple[Calendar, Registry, Versions]] = {}
        self._books: dict[tuple[str, str], tuple[RuleBook, RuleBook | None]] = {}  # before and after a change
        self._feeds: dict[str, Case] = {}
        self.downtimes = Downtimes(book.settle)
        self.set_aside: set[str] = set()  # sources whose feeds have failed, and are not lived any more
        self.feed_failed: Callable[[str, Exception], None] = _fail  # told each once; who must not go on raises
        self.fed_until: datetime | None = None  # the state of all feeds is known up to here

    def take(self, event: Event, arrival: datetime) -> None:
        """Learn a system event, or an action on a system alert."""
        if event.fact in SHARED:
            if self._entries.take(fact_of(event, arrival)):
                self._parts.clear()
                self._instants = sorted({*self._instants, arrival, *_takes_effect(event, arrival)})
            return
        if event.fact == "system.metric_judged":
            return  # says nothing of whether a feed is down, and is weighed in its own case
        source = event.subject if event.fact.startswith("action.") else event.source
        if event.fact == VERDICT:
            source = event.subject
        if source in self.set_aside:
            return
        self.sources.setdefault(source, []).append((event, arrival))
        self.fed_until = None

    def frame(self, now: datetime) -> EvaluationContext:
        """The world as known at `now`."""
        index = bisect_right(self._instants, now)
        parts = self._parts.get(index)
        if parts is None:
            parts = self._parts[index] = self._read(now)
        calendar, registry, versions = parts
        return EvaluationContext(now, calendar, registry, registry.successors(now.date()), versions)

    def _read(self, now: datetime) -> tuple[Calendar, Registry, Versions]:
        told = standing(self._entries.arrived(now), {})
        calendar = self.calendar
        for fact in told:
            if fact.name == "system.calendar_published" and fact.data["status"] == "published":
                year = Year(_days(fact, "holidays"), _days(fact, "workdays"))
                calendar = calendar.with_year(fact.data["year"], year)
        registry = Registry(tuple(fact for fact in told if fact.name == "system.registry_changed"))
        return calendar, registry, Versions(tuple(self._versions(told)))

    def _versions(self, told: Iterable[Fact]) -> Iterable[Version]:
        book = self.book
        yield Version(book, None, False)
        for fact in told:
            if fact.name != "system.rules_changed":
                continue
            changed = self._changed(book, fact)
            if changed is not None:
                book = changed
                yield Version(book, fact.instant("effective_from"), fact.data["apply_to_open"])

    def _changed(self, book: RuleBook, fact: Fact) -> RuleBook | None:
        """A book after a change, None where that cannot be used; read once, however often the world is looked at."""
        key = (book.book, canonical(fact))
        known = self._books.get(key)
        if known is None or known[0] is not book:
            try:
                known = book, book.changed(fact.data["book"], fact.data["changes"])
            except InvalidRuleBook as error:
                self.refused.append(f"{fact.source} {fact.id}: {error}")
                known = book, None
            self._books[key] = known
        return known[1]

    # --- feeds

    def heard(self, source: str, before: datetime) -> Iterator[tuple[datetime, list[Event]]]:
        """Give out what a source was told before an instant and has not lived: by arrivals, in order."""
        told = sorted(self.sources[source], key=_arrival)
        due = bisect_left(told, before, key=_arrival)
        self.sources[source] = told[due:]
        for arrival, found in groupby(told[:due], key=_arrival):
            yield arrival, [event for event, _ in found]

    def feed_case(self, source: str) -> Case:
        """The case by which the state of a feed is told; its alerts are raised elsewhere."""
        if source not in self._feeds:
            self._feeds[source] = Case.empty(source)
        return self._feeds[source]

    # --- what a case must live through

    def next_change(self, after: datetime) -> datetime | None:
        """The next instant after `after` at which any case can change because of the world, feeds apart."""
        index = bisect_right(self._instants, after)
        return self._instants[index] if index < len(self._instants) else None

    def changes(self, after: datetime, before: datetime) -> Change:
        """What moved at instants t with `after` <= t < `before`."""
        everything = bisect_left(self._instants, after) < bisect_left(self._instants, before)
        moved = self.downtimes.moved(after, before)
        if not moved:
            return Change(everything, 0)
        return Change(everything, sieve((*moved, *map(self.frame(before).successors.agency, moved))))


def _fail(source: str, error: Exception) -> None:
    raise error


def _takes_effect(event: Event, arrival: datetime) -> list[datetime]:
    """Later instants at which a shared fact begins to matter."""
    data: Mapping[str, str] = event.data
    if event.fact == "system.rules_changed":
        effective = parse_instant(data["effective_from"])
        return [effective] if effective > arrival else []
    if event.fact == "system.registry_changed":
        begins = start_of(parse_date(data["valid_from"]))
        return [begins] if begins > arrival else []
    return []


def _days(fact: Fact, name: str) -> frozenset[date]:
    return frozenset(parse_date(day) for day in fact.data[name])
