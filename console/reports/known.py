"""What is known of the people of a place at an instant: their handovers, and the events that stand."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from console.reports.events import Home, Homes, Told, between, of_people, standing
from console.reports.month import Month
from handover.calendar import DAY


class Known:
    """The people of a place whose handovers are of some kinds (none named: all); what figures of events are counted from."""

    def __init__(self, connection: Connection, prefix: str, kinds: tuple[str, ...], month: Month, at: datetime) -> None:
        self.connection, self.prefix, self.kinds = connection, prefix, kinds
        self.month, self.at = month, at
        self._homes = Homes(connection, prefix)

    def told(self, facts: Sequence[str], begins: datetime, ends: datetime) -> list[tuple[Told, Home]]:
        """Events between two instants with their handovers, in order of time."""
        times = between(begins, min(ends, self.at + DAY))
        return list(self._with_homes(standing(self.connection, facts, self.at, of_people(self.prefix), times)))

    def ever(self, facts: Sequence[str]) -> list[tuple[Told, Home]]:
        """All events of these facts with their handovers, in order of time."""
        return list(self._with_homes(standing(self.connection, facts, self.at, of_people(self.prefix))))

    def later(self, facts: Sequence[str]) -> dict[str, list[Told]]:
        """All events of these facts, by person, whatever handover they belong to."""
        found: dict[str, list[Told]] = {}
        for one in standing(self.connection, facts, self.at, of_people(self.prefix)):
            found.setdefault(one.subject, []).append(one)
        return found

    def homes(self) -> list[Home]:
        """Their handovers, those that have ended too."""
        return [home for home in self._homes.all if self._asked(home)]

    def open(self) -> list[Home]:
        """Their handovers that had not ended."""
        return [home for home in self.homes() if home.closed_at is None or home.closed_at > self.at]

    def _with_homes(self, told: Iterable[Told]) -> Iterator[tuple[Told, Home]]:
        for one in told:
            home = self._homes.of(one.subject, one.time)
            if home is not None and self._asked(home):
                yield one, home

    def _asked(self, home: Home) -> bool:
        return not self.kinds or home.kind in self.kinds
