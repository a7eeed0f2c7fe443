"""The recorded events in order of arrival, as replay reads them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.runtime import read_clock

if TYPE_CHECKING:
    from cli.settings import Settings
    from schemas.envelope import Event


def read_events(client: Any, settings: Settings) -> Iterator[Event | None]:
    """Yield every recorded event in order of arrival, which is its `receivedtime`; None for a record that is no event.

    What concerns all cases for years comes from where the workers keep it, once its own topic has forgotten it.
    """
    kept = deque(_read_kept(client, settings))
    given = {_place(event) for event in kept}
    for event in _read_sources(client, settings):
        while event is not None and kept and _place(kept[0]) <= _place(event):
            yield kept.popleft()
        if event is None or _place(event) not in given:
            yield event
    yield from kept


def _place(event: Event) -> tuple[datetime, str, str]:
    """Return where an event stands in the order of arrival."""
    return event.receivedtime or event.time, event.source, event.id


def _read_kept(client: Any, settings: Settings) -> list[Event]:
    """Return each event of which the workers keep a copy, once, in order of arrival."""
    from cli.kafka.log_reader import read_records
    from schemas.instants import from_millis
    from schemas.parse import InvalidEvent
    from schemas.topics import WORLD, named
    from streams.repartition import event_of

    found = {}
    for record in read_records(client, [named(settings.topic_prefix, WORLD)], "reading what is kept for ever"):
        with suppress(InvalidEvent, ValueError, OverflowError):  # as a worker passes over what no worker wrote
            event, at = event_of(record)
            event = replace(event, receivedtime=from_millis(at))
            found[_place(event)] = event
    return sorted(found.values(), key=_place)


def _read_sources(client: Any, settings: Settings) -> Iterator[Event | None]:
    from cli.kafka.log_reader import read_records
    from cli.rule_files import read_publishers
    from schemas.parse import InvalidEvent, parse
    from schemas.topics import SOURCES, named

    clock, publishers = read_clock(settings), read_publishers(settings.publishers)
    for record in read_records(client, [named(settings.topic_prefix, topic) for topic in SOURCES], "reading events"):
        arrival = clock.arrival(record.timestamp)
        try:
            topic = record.topic.removeprefix(settings.topic_prefix)
            event = parse(record.value, record.headers or (), arrival, topic, publishers)
            yield replace(event, receivedtime=arrival)
        except InvalidEvent:
            yield None
