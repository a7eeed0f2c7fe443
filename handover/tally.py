"""Counting what was told, so that a publisher's manifest can be judged with no database (semantics.md 9.2)."""

from collections import defaultdict
from datetime import date, datetime
from itertools import count

from handover.feeds import Manifest, Promise, judge
from schemas.envelope import Event
from schemas.instants import show

_Feed = tuple[str, str]  # (source, topic)


class Tally:
    """First arrivals per publisher and topic: of each event by its local date, and of each sequence number."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._events: dict[tuple[_Feed, date], list[datetime]] = defaultdict(list)
        self._sequences: dict[_Feed, dict[int, datetime]] = defaultdict(dict)
        self._numbers = count(1)

    def count(self, event: Event, arrival: datetime) -> None:
        """Count an event; events come in order of arrival, each counts once."""
        key = (event.source, event.id)
        if key in self._known:
            return
        self._known.add(key)
        feed = (event.source, event.topic)
        self._events[(feed, event.time.date())].append(arrival)
        if event.sequence is not None:
            self._sequences[feed].setdefault(int(event.sequence), arrival)

    def judged(self, manifest: Event, arrival: datetime) -> Event:
        """The verdict on a manifest as an event of the pipeline, known since the manifest came."""
        read = manifest_of(manifest)
        counted = {
            entry.topic: self._events.get(((manifest.source, entry.topic), read.day), ()) for entry in read.topics
        }
        sequences = {entry.topic: self._sequences.get((manifest.source, entry.topic), {}) for entry in read.topics}
        verdict = judge(read, counted, sequences)
        return Event(
            id=f"{manifest.id}:judged:{next(self._numbers)}",
            source="/pipeline",
            type="reentry.system.manifest_judged.v1",
            subject=manifest.source,
            time=arrival,
            data={
                "day": manifest.data["day"],
                "manifest_id": manifest.id,
                "due_at": show(verdict.due_at),
                "met_at": show(verdict.met_at) if verdict.met_at else None,
                "missing": dict(verdict.missing),
            },
        )


def manifest_of(event: Event) -> Manifest:
    """What a manifest event promises."""
    topics = tuple(
        Promise(
            entry["topic"], entry["count"], _number(entry.get("first_sequence")), _number(entry.get("last_sequence"))
        )
        for entry in event.data["topics"]
    )
    return Manifest(event.source, date.fromisoformat(event.data["day"]), event.time, topics)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None else None
