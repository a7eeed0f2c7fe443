"""Keeping the history of obligations: subjects with news are computed again, and each change is written with the instant it was known.

Everything that indicators are counted from stands here, what was answered in time too.
"""

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, or_, select

from handover.analysis.obligation_history import Reckoned, reckon, world_of
from handover.analysis.replay import Told
from handover.calendar import MILLISECOND, Calendar
from handover.cases.shared_state import SHARED_TYPES, SharedState
from handover.rules.rulebook import RuleBook
from schemas.parse import trusted
from sinks.obligation_ledger.months import freeze_months
from sinks.readmodel.dialect import hold_alone, insert_new, upsert
from sinks.readmodel.tables import duty, event, ledger, reckoned, tie

BATCH = 200  # subjects computed in one transaction
_AT_ONCE = 500  # values in one condition
_LOCK = 7_261_544  # on PostgreSQL: one process computes at a time
_REPORTED = "reentry.dispute.reported.v1"
_MERGES = ("reentry.release.person_merged.v1", "reentry.release.person_split.v1")
_NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class Rules:
    """What obligations are computed by."""

    book: RuleBook
    calendar: Calendar


def catch_up(engine: Engine, rules: Rules, until: datetime, stop: threading.Event = _NEVER) -> int:
    """Bring the ledger up to and including `until`, below which all events must be in SQL: how many subjects were computed again.

    Where the rules or what is shared by all cases changed, everybody does. Stopped before its end, it begins again where it was.
    """
    with hold_alone(engine, _LOCK) as mine:
        if not mine:
            return 0
        with engine.begin() as connection:
            since = _read_since(connection, rules)
            if since is not None and until <= since:
                return 0
            world = world_of(_read_shared(connection, until), rules.book, rules.calendar)
            if since is not None and world.changes(since + MILLISECOND, until + MILLISECOND).everything:
                since = None
            _note_ties(connection, since, until)
            batches = list(_group_tied(connection, _find_changing(connection, since, until)))
        count = 0
        for batch in batches:
            if stop.is_set():
                return count
            with engine.begin() as connection:
                _write(connection, batch, world, until)
            count += len(batch)
        with engine.begin() as connection:
            upsert(connection, ledger, [{"number": 1, "until": until, "rule_book": rules.book.book}], None)
            freeze_months(connection, until, rules.book.book)
        return count


def _read_since(connection: Connection, rules: Rules) -> datetime | None:
    row = connection.execute(select(ledger)).first()
    return row.until if row is not None and row.rule_book == rules.book.book else None


def _read_events(rows: Iterable[Any]) -> list[Told]:
    return [(trusted(orjson.dumps(body)), arrival) for body, arrival in rows]


def _read_shared(connection: Connection, until: datetime) -> list[Told]:
    wanted = select(event.c.body, event.c.arrival).where(event.c.type.in_(SHARED_TYPES), event.c.arrival <= until)
    return _read_events(connection.execute(wanted))


# --- who has news


def _of_somebody() -> ColumnElement[bool]:
    """Events of persons and disputes; the subject of all others is a source."""
    return ~event.c.subject.startswith("/")


def _between(since: datetime | None, until: datetime) -> ColumnElement[bool]:
    new = event.c.arrival <= until
    return and_(new, _of_somebody()) if since is None else and_(event.c.arrival > since, new, _of_somebody())


def _find_changing(connection: Connection, since: datetime | None, until: datetime) -> set[str]:
    """Subjects with news, and those whose obligations change without any."""
    subjects = set(connection.execute(select(event.c.subject).where(_between(since, until)).distinct()).scalars())
    if since is not None:
        subjects |= set(connection.execute(select(reckoned.c.subject).where(reckoned.c.next_at <= until)).scalars())
    return subjects


def _note_ties(connection: Connection, since: datetime | None, until: datetime) -> None:
    """Remember whose events concern whom else."""
    wanted = select(event.c.subject, event.c.type, event.c.body).where(
        _between(since, until), event.c.type.in_((_REPORTED, *_MERGES))
    )
    ties: set[tuple[str, str]] = set()
    for subject, type_, body in connection.execute(wanted):
        data = body["data"]
        others = data["person_refs"] if type_ == _REPORTED else [data["removed_ref"], data.get("survivor_ref", subject)]
        ties |= {(subject, other) for other in others if other != subject}
    corrects = event.c.body["corrects"].as_string()
    corrections = select(event.c.subject, event.c.source, corrects).where(_between(since, until), corrects.is_not(None))
    for subject, source, id_ in connection.execute(corrections).all():
        corrected = select(event.c.subject).where(event.c.source == source, event.c.id == id_)
        other = connection.execute(corrected).scalar()
        if other is not None and other != subject:
            ties.add((subject, other))
    insert_new(connection, tie, [{"subject": subject, "other": other} for subject, other in sorted(ties)])


def _group_tied(connection: Connection, changing: Collection[str]) -> Iterator[list[str]]:
    """Those with news and all who are tied to them, the tied together."""
    seen: set[str] = set()
    batch: list[str] = []
    ties = _ties_of(connection, changing)
    for subject in sorted(changing):
        if subject in seen:
            continue
        group = {subject}
        queue = [subject]
        while queue:
            new = ties.get(queue.pop(), set()) - group
            group |= new
            queue += new
        seen |= group
        batch += sorted(group)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _ties_of(connection: Connection, subjects: Collection[str]) -> dict[str, set[str]]:
    """Ties both ways of these subjects, of those they are tied to, and so on."""
    found: dict[str, set[str]] = {}
    asked: set[str] = set()
    front = set(subjects)
    while front:
        asked |= front
        following: set[str] = set()
        for part in _split(sorted(front)):
            wanted = select(tie.c.subject, tie.c.other).where(or_(tie.c.subject.in_(part), tie.c.other.in_(part)))
            for one, other in connection.execute(wanted):
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
                following |= {one, other}
        front = following - asked
    return found


def _split(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]


# --- what is written


def _write(connection: Connection, subjects: Sequence[str], world: SharedState, until: datetime) -> None:
    events: list[Told] = []
    for part in _split(subjects):
        wanted = select(event.c.body, event.c.arrival).where(event.c.subject.in_(part), event.c.arrival <= until)
        events += _read_events(connection.execute(wanted))
    histories = list(reckon(events, world, until))
    mine = sorted({*subjects, *(one.subject for one in histories)})
    for part in _split(mine):
        connection.execute(delete(duty).where(duty.c.subject.in_(part)))
    rows = [row for one in histories for row in _rows(one)]
    if rows:
        connection.execute(insert(duty), rows)
    upsert(connection, reckoned, [{"subject": one.subject, "next_at": one.next_at} for one in histories], None)


def _rows(one: Reckoned) -> Iterator[dict[str, Any]]:
    for entry in one.entries:
        yield {
            **entry.duty._asdict(),
            "known_from": entry.known_from,
            "known_until": entry.known_until,
            "computation": list(entry.computation),
        }
