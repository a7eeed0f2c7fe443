"""What is known of the people of a place at an instant: their handovers, and the events that stand."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection

from console.reports.events import Home, Homes, Persons, is_of_people, read_standing
from console.reports.month import Month
from handover.calendar import DAY
from handover.facts.fact import Fact
from handover.rules.rulebook import RuleBook


class PersonBase:
    """The people of a place whose handovers are of some kinds (none named: all); what figures of events are counted from."""

    def __init__(
        self,
        connection: Connection,
        book: RuleBook,
        prefix: str,
        kinds: tuple[str, ...],
        month: Month,
        at: datetime,
    ) -> None:
        self.connection, self.book, self.prefix, self.kinds = connection, book, prefix, kinds
        self.month, self.at = month, at
        self._persons = Persons(connection, prefix)
        self._homes = Homes(connection, prefix, self._persons)

    def read_events(
        self, facts: Sequence[str], begins: datetime, ends: datetime, *conditions: ColumnElement[bool]
    ) -> list[tuple[Fact, Home]]:
        """Events between two instants with their handovers, in order of time; conditions as `standing` takes them."""
        return list(self._with_homes(facts, *conditions, begins=begins, ends=min(ends, self.at + DAY)))

    def read_all(self, facts: Sequence[str]) -> list[tuple[Fact, Home]]:
        """All events of these facts with their handovers, in order of time."""
        return list(self._with_homes(facts))

    def read_by_person(
        self, facts: Sequence[str], *conditions: ColumnElement[bool], begins: datetime | None = None
    ) -> dict[str, list[Fact]]:
        """All events of these facts, or those from `begins` on, by person, whatever handover they belong to."""
        found: dict[str, list[Fact]] = {}
        for one in self._of_people(facts, *conditions, begins=begins):
            found.setdefault(one.subject, []).append(one)
        return found

    def list_handovers(self) -> list[Home]:
        """Their handovers, those that have ended too."""
        return [home for home in self._homes.all if self._is_of_kind(home)]

    def list_open(self) -> list[Home]:
        """Their handovers that had not ended."""
        return [home for home in self.list_handovers() if home.closed_at is None or home.closed_at > self.at]

    def _of_people(
        self,
        facts: Sequence[str],
        *conditions: ColumnElement[bool],
        begins: datetime | None = None,
        ends: datetime | None = None,
    ) -> list[Fact]:
        theirs = is_of_people(self.prefix)
        told = read_standing(self.connection, facts, self.at, theirs, *conditions, begins=begins, ends=ends)
        return self._persons.assign_owners(told)

    def _with_homes(
        self,
        facts: Sequence[str],
        *conditions: ColumnElement[bool],
        begins: datetime | None = None,
        ends: datetime | None = None,
    ) -> Iterator[tuple[Fact, Home]]:
        for one in self._of_people(facts, *conditions, begins=begins, ends=ends):
            home = self._homes.of(one.subject, one.time)
            if home is not None and self._is_of_kind(home):
                yield one, home

    def _is_of_kind(self, home: Home) -> bool:
        return not self.kinds or home.kind in self.kinds
