"""A second judge: checks that need no rule and no domain code, on the topics and the tables as they are.

Each record of a source topic stands in SQL once, as an event or as a dead letter. The revisions of each alert have
no hole, and the alert shows the last. An alert that was answered names the event that answered it, and that event is there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from cli.kafka.log_reader import read_records
from schemas.topics import SOURCES, named

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from cli.settings import Settings

ANSWERED = ("met", "met_late", "late_delivery")


@dataclass(slots=True)
class Findings:
    """What was checked, how often, and what is not as it must be: (check, key, text)."""

    checked: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str, str]] = field(default_factory=list)

    def line(self) -> str:
        """Return the outcome as one line."""
        checked = ", ".join(f"{count} {what}" for what, count in self.checked.items())
        return f"checked without the rules: {checked}; {len(self.wrong)} wrong"


def check(client: Any, connection: Connection, settings: Settings, settled_ms: int) -> Findings:
    """Run all checks. Records and rows younger than broker time `settled_ms` are not judged."""
    found = Findings()
    _check_records(found, client, connection, settings, settled_ms)
    _check_revisions(found, connection)
    _check_answers(found, connection)
    return found


def _check_records(found: Findings, client: Any, connection: Connection, settings: Settings, settled_ms: int) -> None:
    events, letters = _read_event_keys(connection), _read_letter_places(connection)
    for record in read_records(client, [named(settings.topic_prefix, topic) for topic in SOURCES], "checking records"):
        if record.timestamp > settled_ms:
            continue
        found.checked["records"] += 1
        key, place = read_name(record.value, record.headers or ()), (record.topic, record.partition, record.offset)
        if key not in events and place not in letters:
            found.wrong.append(("record", f"{record.topic}[{record.partition}]@{record.offset}", "is in no table"))


def read_name(value: bytes | None, headers: Any) -> tuple[str, str] | None:
    """Return source and id as a record names them, in either content mode; None where it does not."""
    told = {name.lower(): (text or b"").decode(errors="replace") for name, text in headers}
    if "ce_id" in told:
        return told.get("ce_source", ""), told["ce_id"]
    try:
        body = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return (str(body.get("source")), str(body.get("id"))) if isinstance(body, dict) else None


def _read_event_keys(connection: Connection) -> set[tuple[str, str]]:
    from sqlalchemy import select

    from sinks.readmodel.tables import event

    return {(source, id_) for source, id_ in connection.execute(select(event.c.source, event.c.id))}


def _read_letter_places(connection: Connection) -> set[tuple[str, int, int]]:
    from sqlalchemy import select

    from sinks.readmodel.tables import dead_letter

    columns = dead_letter.c.original_topic, dead_letter.c.original_partition, dead_letter.c.original_offset
    return {(topic, partition, offset) for topic, partition, offset in connection.execute(select(*columns))}


def _check_revisions(found: Findings, connection: Connection) -> None:
    from sqlalchemy import func, select

    from sinks.readmodel.tables import alert, alert_history

    counted = (
        select(
            alert_history.c.alert_id,
            func.count().label("held"),
            func.min(alert_history.c.revision).label("first"),
            func.max(alert_history.c.revision).label("last"),
        )
        .group_by(alert_history.c.alert_id)
        .subquery()
    )
    wanted = select(alert.c.alert_id, alert.c.revision, counted.c.held, counted.c.first, counted.c.last)
    for row in connection.execute(wanted.outerjoin(counted, counted.c.alert_id == alert.c.alert_id)):
        found.checked["alerts"] += 1
        if text := explain_revisions(row.revision, row.held, row.first, row.last):
            found.wrong.append(("revisions", row.alert_id, text))


def explain_revisions(shown: int, held: int | None, first: int | None, last: int | None) -> str:
    """Say what is wrong with the revisions of an alert: `held` of them, from `first` to `last`. Empty: nothing."""
    if held is None or first is None or last is None:
        return "has no history"
    if held != last - first + 1:  # it may begin later: a compacted topic no longer has the first ones
        return f"history has {held} revisions from {first} to {last}"
    return "" if shown == last else f"shows revision {shown}, history ends with {last}"


def _check_answers(found: Findings, connection: Connection) -> None:
    from sqlalchemy import select

    from sinks.readmodel.tables import alert, event

    known = set(connection.execute(select(event.c.id)).scalars())
    wanted = select(alert.c.alert_id, alert.c.seen).where(alert.c.outcome.in_(ANSWERED))
    for row in connection.execute(wanted):
        found.checked["answered alerts"] += 1
        missing = [id_ for id_ in row.seen if id_ not in known]
        if missing or not row.seen:
            text = f"names {len(missing)} events that are not there" if missing else "names no event that answered it"
            found.wrong.append(("answer", row.alert_id, text))
