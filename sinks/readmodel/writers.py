"""The sinks as one installation runs them: whoever writes the read model, live or anew, writes it alike."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from schemas import publishers
from sinks import SINKS
from sinks.consumer import Sink
from sinks.readmodel import events as event_table


def configured(register: Path | None = None, *, unmarked: bool = False) -> tuple[Sink, ...]:
    """All sinks. `register`: of other sources no heartbeat and no manifest is heard; `unmarked`: as `Sink` has it.

    Raise InvalidPublishers, OSError.
    """
    events = partial(event_table.write, publishers=publishers.load(register))
    marked = [replace(one, unmarked=unmarked) for one in SINKS]
    return tuple(replace(one, write=events) if one.name == "events" else one for one in marked)
