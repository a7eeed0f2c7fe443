"""Counting what was told, so that a publisher's manifest can be judged with no database (semantics.md 9.2)."""

from bisect import bisect_left
from collections import defaultdict
from datetime import date, datetime
from itertools import count

from handover.feeds.manifest import Arrived, Manifest, Promise, judge
from schemas.envelope import Event
from schemas.instants import show

_Feed = tuple[str, str]  # (source, topic)


class Tally:
    """First arrivals per publisher and topic: of each event by its local date, and of each sequence number."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._events: dict[tuple[_Feed, date], list[datetime]] = defaultdict(list)
        self._sequences: dict[_Feed, dict[int, datetime]] = defaultdict(dict)
        self._in_order: dict[_Feed, list[int]] = {}  # the numbers, once a manifest asked for them
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
            self._in_order.pop(feed, None)

    def judged(self, manifest: Event, arrival: datetime) -> Event:
        """The verdict on a manifest as an event of the pipeline, known since the manifest came."""
        read = manifest_of(manifest)
        verdict = judge(read, {promise: self._arrived(read, promise) for promise in read.topics})
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

    def _arrived(self, manifest: Manifest, promise: Promise) -> Arrived:
        feed = (manifest.source, promise.topic)
        arrivals = self._events.get((feed, manifest.day), ())  # in order: events come so
        full = 0 < promise.count <= len(arrivals)
        numbers = self._promised(feed, promise.numbers)
        last = max((self._sequences[feed][number] for number in numbers), default=None)
        return Arrived(len(arrivals), arrivals[promise.count - 1] if full else None, len(numbers), last)

    def _promised(self, feed: _Feed, numbers: range | None) -> list[int]:
        """The numbers that arrived, of those promised."""
        if numbers is None or feed not in self._sequences:
            return []
        known = self._in_order.get(feed)
        if known is None:
            known = self._in_order[feed] = sorted(self._sequences[feed])
        return known[bisect_left(known, numbers.start) : bisect_left(known, numbers.stop)]


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
