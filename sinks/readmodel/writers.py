"""All writers of the read model, as one installation runs them: live or anew, it is written alike."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from schemas import publishers
from schemas.topics import ALERT, CASE, DLQ, PROGRESS, SOURCES
from sinks.readmodel import alerts, cases, dead_letters, events, tables, watermarks
from sinks.readmodel.writer import Writer

WRITERS = (
    Writer("alerts", (ALERT,), alerts.write, (tables.alert, tables.alert_history)),
    Writer("cases", (CASE,), cases.write, (tables.case,)),
    Writer("events", SOURCES, events.write, (tables.event, tables.publisher), (tables.ledger,)),
    Writer("dead-letters", (DLQ,), dead_letters.write, set_aside=dead_letters.set_aside),
    Writer("watermarks", (PROGRESS,), watermarks.write, (tables.watermark,)),
)


def configure_writers(register: Path | None = None, *, unmarked: bool = False) -> tuple[Writer, ...]:
    """All writers. `register`: of other sources no heartbeat and no manifest counts; `unmarked`: as `Writer` has it.

    Raise InvalidPublishers, OSError.
    """
    write_events = partial(events.write, publishers=publishers.load(register))
    marked = [replace(one, unmarked=unmarked) for one in WRITERS]
    return tuple(replace(one, write=write_events) if one.name == "events" else one for one in marked)
