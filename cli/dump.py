"""`handover dump`: the recorded events as a file that replay reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.report import fail, output, warn

if TYPE_CHECKING:
    from cli.settings import Settings
    from schemas.envelope import Event
    from streams.clock import Clock


def dump(
    out: Annotated[str, typer.Option("--out", help='The file to write; "-" writes to stdout.')],
) -> None:
    """Write the recorded events, one CloudEvent a line with `receivedtime` (log time), in order of arrival.

    Only what is an event: the rest is in the dead letters.
    """
    import orjson

    from cli.records import consumer, read_settings

    settings = read_settings()
    count = invalid = 0
    with consumer(settings) as client, output(out) as stream:
        for event in events(client, settings):
            if event is None:
                invalid += 1
                continue
            stream.write(orjson.dumps(event.wire()) + b"\n")
            count += 1
    warn(f"{count} events written, {invalid} records left out that are none")


def events(client: Any, settings: Settings) -> Iterator[Event | None]:
    """Yield every recorded event in order of arrival, told as `receivedtime`; None for a record that is no event."""
    from cli.records import recorded
    from schemas.parse import InvalidEvent, parse
    from schemas.topics import SOURCES, named

    clock = read_clock(settings)
    for record in recorded(client, [named(settings.topic_prefix, topic) for topic in SOURCES], "reading events"):
        arrival = clock.arrival(record.timestamp)
        try:
            topic = record.topic.removeprefix(settings.topic_prefix)
            yield replace(parse(record.value, record.headers or (), arrival, topic), receivedtime=arrival)
        except InvalidEvent:
            yield None


def read_clock(settings: Settings) -> Clock:
    """Return the clock that the settings name; end with one line where it cannot be read."""
    from streams.clock import Clock

    try:
        return Clock.load(settings.clock_file)
    except (OSError, ValueError, KeyError) as error:
        fail(f"cannot read clock file {settings.clock_file}: {error}", "correct REENTRY_CLOCK_FILE or unset it")
