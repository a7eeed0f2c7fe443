"""The recorded history in the read model, as what-if reads it: in order once, then a few subjects at a time."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Engine, Select, and_, func, or_, select

from handover.analysis.replay import Told, share
from handover.calendar import Calendar
from handover.cases.shared_state import SHARED_TYPES, SharedState
from handover.rules.rulebook import RuleBook
from schemas.parse import trusted
from sinks.readmodel.tables import event

_FETCHED, _AT_ONCE = 2_000, 400
_JUDGED = "reentry.system.manifest_judged.v1"


class Recorded:
    """Every event that has arrived, each once, at its earliest arrival."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Iterator[Told]:
        """In order of arrival; what the pipeline judged itself is left out."""
        query = select(event.c.body, event.c.arrival).where(event.c.type != _JUDGED)
        yield from self._read(query.order_by(event.c.arrival, event.c.source, event.c.id))

    def of(self, subjects: Sequence[str]) -> Iterator[Told]:
        """The events with these subjects."""
        for some in _split(subjects):
            query = select(event.c.body, event.c.arrival).where(event.c.subject.in_(some), event.c.type != _JUDGED)
            yield from self._read(query)

    def subjects_of(self, events: Collection[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], str]]:
        """The subjects of single events."""
        for some in _split(sorted(events)):
            named: list[ColumnElement[bool]] = [and_(event.c.source == one[0], event.c.id == one[1]) for one in some]
            query = select(event.c.source, event.c.id, event.c.subject).where(or_(*named))
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
            yield from (((row.source, row.id), row.subject) for row in rows)

    def count(self) -> int:
        """How many there are."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(event)).scalar_one())

    def types(self, types: Sequence[str]) -> Iterator[Told]:
        """The events of these types, in order of arrival."""
        query = select(event.c.body, event.c.arrival).where(event.c.type.in_(types))
        yield from self._read(query.order_by(event.c.arrival, event.c.source, event.c.id))

    def world(self, book: RuleBook, calendar: Calendar) -> SharedState:
        """The world with everything that is of no single subject, but for the state of feeds."""
        shared = SharedState(book, calendar)
        for one, arrival in self.types(SHARED_TYPES):
            share(shared, one, arrival)
        return shared

    def _read(self, query: Select[Any]) -> Iterator[Told]:
        with self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=_FETCHED, stream_results=True).execute(query)
            for body, arrival in rows:
                yield trusted(orjson.dumps(body)), arrival


def _split(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
