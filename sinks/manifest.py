"""Judging manifests (X04) where all partitions are seen; the workers are told, for only they raise alerts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select

from handover.feeds import Manifest, Verdict, judge
from handover.tally import manifest_of
from schemas.envelope import Event
from schemas.instants import show
from schemas.parse import trusted
from schemas.payload import PIPELINE
from sinks.sink import upsert
from sinks.tables import event, verdict

Told = tuple[Event, datetime]  # an event and its arrival
TYPE = "reentry.system.publisher_manifest.v1"


@dataclass(frozen=True, slots=True)
class Judged:
    """A manifest, what was found, and the events that tell the workers."""

    row: Mapping[str, Any]
    events: tuple[Event, ...]


def due_verdicts(connection: Connection, until: datetime) -> list[Judged]:
    """Judge every manifest that is due before `until`, an instant below which all events are in SQL, and not yet met."""
    known = {(row["source"], row["day"]): row for row in connection.execute(select(verdict)).mappings()}
    found = []
    for told, arrival in _latest(connection):
        manifest = manifest_of(told)
        before = known.get((manifest.source, manifest.day.isoformat()))
        if before is not None and before["met_at"] is not None and before["manifest_id"] == told.id:
            continue
        judged = _judged(connection, manifest)
        raised_at = max(judged.due_at, arrival)
        if raised_at < until:
            found += _told(told, manifest, judged, raised_at, before)
    return found


def _latest(connection: Connection) -> Iterable[tuple[Event, datetime]]:
    """The latest manifest of each source and day that was not corrected away, and when it arrived."""
    rows = connection.execute(select(event.c.body, event.c.arrival).where(event.c.type == TYPE))
    told = [(trusted(orjson.dumps(body)), arrival) for body, arrival in rows]
    told.sort(key=lambda one: (one[0].time, one[0].source, one[0].id))
    corrected = {(one.source, one.corrects) for one, _ in told if one.corrects}
    return {
        (one.source, one.data["day"]): (one, arrival) for one, arrival in told if (one.source, one.id) not in corrected
    }.values()


def met_by(connection: Connection, more: Sequence[Told]) -> list[tuple[str, str]]:
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
        if _judged(connection, manifest, more).met_at is not None:
            found.append((row.source, row.day))
    return found


def _judged(connection: Connection, manifest: Manifest, more: Sequence[Told] = ()) -> Verdict:
    counted, sequences = {}, {}
    mine_too = [one for one in more if one[0].source == manifest.source]
    for promise in manifest.topics:
        mine = (event.c.source == manifest.source) & (event.c.topic == promise.topic)
        arrivals = select(event.c.arrival).where(mine, event.c.day == manifest.day.isoformat())
        of_topic = [one for one in mine_too if one[0].topic == promise.topic]
        counted[promise.topic] = [
            *connection.execute(arrivals).scalars(),
            *(at for told, at in of_topic if told.time.date() == manifest.day),
        ]
        if promise.first_sequence is not None and promise.last_sequence is not None:
            numbers = select(event.c.sequence, event.c.arrival).where(
                mine, event.c.sequence.between(promise.first_sequence, promise.last_sequence)
            )
            numbered = [(int(told.sequence), at) for told, at in of_topic if told.sequence is not None]
            sequences[promise.topic] = _first_arrivals([*map(tuple, connection.execute(numbers)), *numbered])
    return judge(manifest, counted, sequences)


def _first_arrivals(rows: Iterable[tuple[Any, ...]]) -> dict[int, datetime]:
    found: dict[int, datetime] = {}
    for number, arrival in rows:
        found[number] = min(arrival, found.get(number, arrival))
    return found


def _told(told: Event, manifest: Manifest, judged: Verdict, raised_at: datetime, before: Any) -> list[Judged]:
    was_missing = judged.met_at is None or judged.met_at > raised_at
    fresh = before is None or before["manifest_id"] != told.id
    events = []
    if was_missing and fresh:
        events.append(_event(told, judged, raised_at, met=False))
    if was_missing and judged.met_at is not None:
        events.append(_event(told, judged, judged.met_at, met=True))
    if not fresh and not events:
        return []
    row = {
        "source": manifest.source,
        "day": manifest.day.isoformat(),
        "manifest_id": told.id,
        "due_at": judged.due_at,
        "met_at": judged.met_at,
        "missing": dict(judged.missing),
        "published": bool(events),
    }
    return [Judged(row, tuple(events))]


def _event(told: Event, judged: Verdict, at: datetime, *, met: bool) -> Event:
    return Event(
        id=f"{told.id}:judged:{'met' if met else 'missing'}",
        source=PIPELINE,
        type="reentry.system.manifest_judged.v1",
        subject=told.source,
        time=at,
        data={
            "day": told.data["day"],
            "manifest_id": told.id,
            "due_at": show(judged.due_at),
            "met_at": show(judged.met_at) if met and judged.met_at else None,
            "missing": dict(judged.missing) if not met else {},
        },
    )


def keep(connection: Connection, found: Iterable[Judged]) -> None:
    """Remember verdicts that the workers have been told."""
    upsert(connection, verdict, [dict(one.row) for one in found], None)
