"""`handover publish`: CloudEvents from a file to their topics, checked before they are sent."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.event_files import open_events, parse_lines
from cli.output import BAD_INPUT, Bar, json_line, say

if TYPE_CHECKING:
    from cli.kafka.producer import Sender
    from schemas.envelope import Event
    from streams.clock import Clock

CONTENT_TYPE = ("content-type", b"application/cloudevents+json")


def publish(
    file: Annotated[str, typer.Argument(help='CloudEvents, one JSON a line; "-" reads stdin.')],
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop at the first invalid line; else name it and go on.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check, send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The counts as one JSON.")] = False,
) -> None:
    """Publish CloudEvents, one JSON a line, to their topics. Exit 2 if any line is invalid; those before it are sent.

    Each event goes to the topic of its type under its subject as key, acknowledged by all replicas. What was sent twice
    is one event: publish again after a failure.
    """
    from cli.kafka.producer import Sender
    from cli.runtime import read_clock, read_settings

    settings = read_settings()
    clock = read_clock(settings)
    counts: dict[str, int] = {"published": 0, "invalid": 0}
    sending: AbstractContextManager[Any] = nullcontext() if check else Sender(settings)
    with open_events(file) as stream, sending as sender, Bar("publishing", None) as bar:
        for event, line in parse_lines(stream, file, counts, stop=stop):
            if sender is not None:
                _send(sender, clock, event, line)
            counts["published"] += 1
            bar.advance()
    done = "valid" if check else "published"
    if as_json:
        json_line({done: counts["published"], "invalid": counts["invalid"]})
    else:
        say(f"{counts['published']} {done}, {counts['invalid']} invalid")
    if counts["invalid"]:
        raise typer.Exit(BAD_INPUT)


def _send(sender: Sender, clock: Clock, event: Event, line: bytes) -> None:
    """Send the bytes as they are; of a dump, without `receivedtime`, which then is the record's own timestamp."""
    timestamp_ms = None
    if event.receivedtime is not None:
        import orjson

        timestamp_ms = clock.broker_ms(event.receivedtime)
        line = orjson.dumps(replace(event, receivedtime=None).wire())
    sender.send(event.topic, event.subject.encode(), line, headers=[CONTENT_TYPE], timestamp_ms=timestamp_ms)
