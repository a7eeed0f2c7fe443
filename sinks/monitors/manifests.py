"""Judging manifests where all partitions are seen; the verdicts are published, for only workers raise alerts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, select

from handover.feeds.manifest import Arrived, Manifest, Promise, Verdict, judge
from handover.feeds.manifest_counts import manifest_of
from schemas.envelope import Event
from schemas.instants import show
from schemas.parse import trusted
from schemas.payload import PIPELINE
from sinks.readmodel.dialect import upsert
from sinks.readmodel.tables import event, verdict

ArrivedEvent = tuple[Event, datetime]  # an event and its arrival
_AT_ONCE = 500  # values in one condition
TYPE = "reentry.system.publisher_manifest.v1"


@dataclass(frozen=True, slots=True)
class Judged:
    """A manifest, what was found, and the events that say so to the workers."""

    row: Mapping[str, Any]
    events: tuple[Event, ...]


def judge_due(connection: Connection, until: datetime) -> list[Judged]:
    """Judge every manifest that is due before `until`, an instant below which all events are in SQL, and not yet met."""
    known = {(row["source"], row["day"]): row for row in connection.execute(select(verdict)).mappings()}
    found = []
    for published, arrival in _read_latest(connection):
        manifest = manifest_of(published)
        before = known.get((manifest.source, manifest.day.isoformat()))
        if before is not None and before["met_at"] is not None and before["manifest_id"] == published.id:
            continue
        judged = _judge_manifest(connection, manifest)
        raised_at = max(judged.due_at, arrival)
        if raised_at < until:
            found += _list_verdicts(published, manifest, judged, raised_at, before)
    return found


def _read_latest(connection: Connection) -> Iterable[tuple[Event, datetime]]:
    """The latest manifest of each source and day that was not corrected away, and when it arrived."""
    rows = connection.execute(select(event.c.body, event.c.arrival).where(event.c.type == TYPE))
    arrived = [(trusted(orjson.dumps(body)), arrival) for body, arrival in rows]
    arrived.sort(key=lambda one: (one[0].time, one[0].source, one[0].id))
    corrected = {(one.source, one.corrects) for one, _ in arrived if one.corrects}
    return {
        (one.source, one.data["day"]): (one, arrival)
        for one, arrival in arrived
        if (one.source, one.id) not in corrected
    }.values()


def find_met(connection: Connection, more: Sequence[ArrivedEvent]) -> list[tuple[str, str]]:
    """Manifests that are not met and would be if these events had arrived, too: their source and day."""
    sources = {one.source for one, _ in more}
    unmet = select(verdict.c.source, verdict.c.day, verdict.c.manifest_id).where(
        verdict.c.met_at.is_(None), verdict.c.source.in_(sources)
    )
    found = []
    for row in connection.execute(unmet.order_by(verdict.c.source, verdict.c.day)):
        body = connection.execute(
            select(event.c.body).where(event.c.source == row.source, event.c.id == row.manifest_id)
        ).scalar()
        if body is None:
            continue
        manifest = manifest_of(trusted(orjson.dumps(body)))
        if _judge_manifest(connection, manifest, more).met_at is not None:
            found.append((row.source, row.day))
    return found


def _judge_manifest(connection: Connection, manifest: Manifest, more: Sequence[ArrivedEvent] = ()) -> Verdict:
    """Judge by counting in SQL: how much is read does not depend on the numbers that a publisher writes."""
    mine = [one for one in more if one[0].source == manifest.source]
    return judge(
        manifest,
        {
            promise: _count_arrived(
                connection, manifest, promise, [one for one in mine if one[0].topic == promise.topic]
            )
            for promise in manifest.topics
        },
    )


def _count_arrived(
    connection: Connection, manifest: Manifest, promise: Promise, more: Sequence[ArrivedEvent]
) -> Arrived:
    of_topic = (event.c.source == manifest.source) & (event.c.topic == promise.topic)
    of_day = of_topic & (event.c.day == manifest.day.isoformat())
    count = connection.execute(select(func.count()).select_from(event).where(of_day)).scalar_one()
    events_at = None
    if 0 < promise.count <= count:
        arrivals = select(event.c.arrival).where(of_day).order_by(event.c.arrival)
        events_at = connection.execute(arrivals.offset(promise.count - 1).limit(1)).scalar_one()
    fresh = sum(one.time.date() == manifest.day for one, _ in more)
    numbers, numbers_at = _count_numbers(connection, of_topic, promise, more)
    return Arrived(count + fresh, events_at, numbers, numbers_at)


def _count_numbers(
    connection: Connection, of_topic: ColumnElement[bool], promise: Promise, more: Sequence[ArrivedEvent]
) -> tuple[int, datetime | None]:
    """How many distinct numbers of those promised have come, and when the last of them did."""
    if not promise.numbers:
        return 0, None
    promised = of_topic & event.c.sequence.between(promise.first_sequence, promise.last_sequence)
    firsts = (
        select(event.c.sequence, func.min(event.c.arrival).label("at"))
        .where(promised)
        .group_by(event.c.sequence)
        .subquery()
    )
    count, last = connection.execute(select(func.count(), func.max(firsts.c.at)).select_from(firsts)).one()
    fresh = {int(one.sequence) for one, _ in more if one.sequence is not None}
    asked = sorted(number for number in fresh if number in promise.numbers)
    known = (
        connection.execute(
            select(event.c.sequence).where(of_topic, event.c.sequence.in_(asked[start : start + _AT_ONCE])).distinct()
        ).scalars()
        for start in range(0, len(asked), _AT_ONCE)
    )
    return count + len(asked) - sum(len(list(part)) for part in known), last


def _list_verdicts(
    published: Event, manifest: Manifest, judged: Verdict, raised_at: datetime, before: Any
) -> list[Judged]:
    was_missing = judged.met_at is None or judged.met_at > raised_at
    fresh = before is None or before["manifest_id"] != published.id
    events = []
    if was_missing and fresh:
        events.append(_event(published, judged, raised_at, met=False))
    if was_missing and judged.met_at is not None:
        events.append(_event(published, judged, judged.met_at, met=True))
    if not fresh and not events:
        return []
    row = {
        "source": manifest.source,
        "day": manifest.day.isoformat(),
        "manifest_id": published.id,
        "due_at": judged.due_at,
        "met_at": judged.met_at,
        "missing": dict(judged.missing),
        "published": bool(events),
    }
    return [Judged(row, tuple(events))]


def _event(published: Event, judged: Verdict, at: datetime, *, met: bool) -> Event:
    return Event(
        id=f"{published.id}:judged:{'met' if met else 'missing'}",
        source=PIPELINE,
        type="reentry.system.manifest_judged.v1",
        subject=published.source,
        time=at,
        data={
            "day": published.data["day"],
            "manifest_id": published.id,
            "due_at": show(judged.due_at),
            "met_at": show(judged.met_at) if met and judged.met_at else None,
            "missing": dict(judged.missing) if not met else {},
        },
    )


def keep_verdicts(connection: Connection, found: Iterable[Judged]) -> None:
    """Remember verdicts that were published."""
    upsert(connection, verdict, [dict(one.row) for one in found], None)
