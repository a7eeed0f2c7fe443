"""`handover dump`: the recorded events as a file that replay reads."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.kafka.recorded_events import read_events
from cli.output import output, warn


def dump(
    out: Annotated[str, typer.Option("--out", help='The file to write; "-" writes to stdout.')],
) -> None:
    """Write the recorded events, one CloudEvent a line with `receivedtime` (log time), in order of arrival.

    Only what is an event: the rest is in the dead letters.
    """
    import orjson

    from cli.kafka.clients import open_consumer
    from cli.runtime import read_settings

    settings = read_settings()
    count = invalid = 0
    with open_consumer(settings) as client, output(out) as stream:
        for event in read_events(client, settings):
            if event is None:
                invalid += 1
                continue
            stream.write(orjson.dumps(event.wire()) + b"\n")
            count += 1
    warn(f"{count} events written, {invalid} records left out that are none")
