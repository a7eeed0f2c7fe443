"""Keeping the ledger of duties: who has news lives again through the rules, and every change is written with the instant it was known.

Everything that figures are counted from stands here, what was answered in time too. A month's figures are frozen at noon of the third
day after it: its rows as known then are copied, and never touched again.
"""

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, literal, or_, select

from handover.analysis.obligation_history import Reckoned, freezes_at, reckon, world_of
from handover.analysis.replay import Told
from handover.calendar import MILLISECOND, Calendar, due_day_of, months_on, start_of
from handover.cases.shared_state import SHARED_TYPES, SharedState
from handover.rules.rulebook import RuleBook
from schemas.parse import trusted
from sinks.readmodel.dialect import hold_alone, insert_new, upsert
from sinks.readmodel.tables import duty, event, frozen_duty, frozen_month, ledger, reckoned, tie

log = logging.getLogger(__name__)

BATCH = 200  # subjects lived through in one transaction
_ASKED = 500  # values in one condition
_LOCK = 7_261_544  # on PostgreSQL: one process reckons at a time
_REPORTED = "reentry.dispute.reported.v1"
_MERGES = ("reentry.release.person_merged.v1", "reentry.release.person_split.v1")
_NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class Rules:
    """What duties are reckoned by."""

    book: RuleBook
    calendar: Calendar


def catch_up(engine: Engine, rules: Rules, until: datetime, stop: threading.Event = _NEVER) -> int:
    """Bring the ledger up to and including `until`, below which all events must be in SQL: how many subjects lived again.

    Where the rules or what is shared by all cases changed, everybody does. Stopped before its end, it begins again where it was.
    """
    with hold_alone(engine, _LOCK) as mine:
        if not mine:
            return 0
        with engine.begin() as connection:
            since = _since(connection, rules)
            if since is not None and until <= since:
                return 0
            world = world_of(_shared(connection, until), rules.book, rules.calendar)
            if since is not None and world.changes(since + MILLISECOND, until + MILLISECOND).everything:
                since = None
            _note_ties(connection, since, until)
            batches = list(_batches(connection, _restless(connection, since, until)))
        count = 0
        for batch in batches:
            if stop.is_set():
                return count
            with engine.begin() as connection:
                _write(connection, batch, world, until)
            count += len(batch)
        with engine.begin() as connection:
            upsert(connection, ledger, [{"number": 1, "until": until, "rule_book": rules.book.book}], None)
            freeze(connection, until, rules.book.book)
        return count


def _since(connection: Connection, rules: Rules) -> datetime | None:
    row = connection.execute(select(ledger)).first()
    return row.until if row is not None and row.rule_book == rules.book.book else None


def _told(rows: Iterable[Any]) -> list[Told]:
    return [(trusted(orjson.dumps(body)), arrival) for body, arrival in rows]


def _shared(connection: Connection, until: datetime) -> list[Told]:
    wanted = select(event.c.body, event.c.arrival).where(event.c.type.in_(SHARED_TYPES), event.c.arrival <= until)
    return _told(connection.execute(wanted))


# --- who has news


def _of_somebody() -> ColumnElement[bool]:
    """Events of persons and disputes; the subject of all others is a source."""
    return ~event.c.subject.startswith("/")


def _between(since: datetime | None, until: datetime) -> ColumnElement[bool]:
    new = event.c.arrival <= until
    return and_(new, _of_somebody()) if since is None else and_(event.c.arrival > since, new, _of_somebody())


def _restless(connection: Connection, since: datetime | None, until: datetime) -> set[str]:
    """Subjects with news, and those whose duties change without any."""
    found = set(connection.execute(select(event.c.subject).where(_between(since, until)).distinct()).scalars())
    if since is not None:
        found |= set(connection.execute(select(reckoned.c.subject).where(reckoned.c.next_at <= until)).scalars())
    return found


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


def _batches(connection: Connection, restless: Collection[str]) -> Iterator[list[str]]:
    """Those with news and all who are tied to them, the tied together."""
    seen: set[str] = set()
    batch: list[str] = []
    ties = _ties_of(connection, restless)
    for subject in sorted(restless):
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
        for part in _parts(sorted(front)):
            wanted = select(tie.c.subject, tie.c.other).where(or_(tie.c.subject.in_(part), tie.c.other.in_(part)))
            for one, other in connection.execute(wanted):
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
                following |= {one, other}
        front = following - asked
    return found


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _ASKED):
        yield values[first : first + _ASKED]


# --- what is written


def _write(connection: Connection, subjects: Sequence[str], world: SharedState, until: datetime) -> None:
    told: list[Told] = []
    for part in _parts(subjects):
        wanted = select(event.c.body, event.c.arrival).where(event.c.subject.in_(part), event.c.arrival <= until)
        told += _told(connection.execute(wanted))
    found = list(reckon(told, world, until))
    mine = sorted({*subjects, *(one.subject for one in found)})
    for part in _parts(mine):
        connection.execute(delete(duty).where(duty.c.subject.in_(part)))
    rows = [row for one in found for row in _rows(one)]
    if rows:
        connection.execute(insert(duty), rows)
    upsert(connection, reckoned, [{"subject": one.subject, "next_at": one.next_at} for one in found], None)


def _rows(one: Reckoned) -> Iterator[dict[str, Any]]:
    for entry in one.entries:
        yield {
            **entry.duty._asdict(),
            "known_from": entry.known_from,
            "known_until": entry.known_until,
            "computation": list(entry.computation),
        }


def freeze(connection: Connection, until: datetime, book: str) -> list[str]:
    """Freeze every month whose instant has come and that is not frozen: their names."""
    first = connection.execute(select(func.min(duty.c.due_at))).scalar()
    if first is None:
        return []
    known = set(connection.execute(select(frozen_month.c.month)).scalars())
    month, done = due_day_of(first).replace(day=1), []
    while (known_at := freezes_at(month)) <= until:
        name = f"{month:%Y-%m}"
        if name not in known:
            _freeze(connection, month, name, known_at)
            connection.execute(insert(frozen_month), {"month": name, "known_at": known_at, "rule_book": book})
            done.append(name)
        month = months_on(month, 1)
    if done:
        log.info("frozen: %s", ", ".join(done))
    return done


def _freeze(connection: Connection, first: date, name: str, known_at: datetime) -> None:
    columns = [column.name for column in frozen_duty.c if column.name != "month"]
    rows = select(literal(name), *(duty.c[column] for column in columns)).where(
        as_known_at(known_at), due_in(duty.c.due_at, first)
    )
    connection.execute(insert(frozen_duty).from_select(["month", *columns], rows))


def as_known_at(at: datetime) -> ColumnElement[bool]:
    """Rows of `duty` as they stood at an instant: each duty once."""
    return and_(duty.c.known_from <= at, or_(duty.c.known_until.is_(None), duty.c.known_until > at))


def due_in(due_at: ColumnElement[Any], first: date) -> ColumnElement[bool]:
    """Due in the month that begins at `first`; the end of its last day is still in it."""
    return and_(due_at > start_of(first), due_at <= start_of(months_on(first, 1)))
