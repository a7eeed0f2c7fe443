"""Events as they arrived, and what each publisher has sent: the ground for manifests, reports and the metric rules."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from schemas.envelope import Event
from schemas.parse import InvalidEvent, parse
from schemas.payload import PIPELINE
from sinks.consumer import Record
from sinks.readmodel.dialect import keep_least, upsert
from sinks.readmodel.sealing import seal_minors
from sinks.readmodel.tables import arrival_lag, event, publisher


def write(
    connection: Connection, batch: Sequence[Record], publishers: Collection[str] | None = None
) -> Sequence[Record]:
    """Keep each event once, at its earliest arrival. What is no event is a dead letter of the workers, not ours.

    `publishers`: the sources of which heartbeats and manifests are heard; None: all.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for record in sorted(batch, key=lambda one: one.arrival):
        try:
            told = parse(record.value, record.headers, record.arrival, record.topic, publishers)
        except InvalidEvent:
            continue
        rows.setdefault((told.source, told.id), _row(told, record))
    keep_least(connection, event, list(rows.values()), "arrival")
    seal_minors(connection, rows.values())
    _note_publishers(connection, rows.values())
    _note_lags(connection, rows.values())
    return ()


def _row(told: Event, record: Record) -> dict[str, Any]:
    return {
        "source": told.source,
        "id": told.id,
        "topic": told.topic,
        "type": told.type,
        "subject": told.subject,
        "time": told.time,
        "arrival": record.arrival,
        "day": told.time.date().isoformat(),
        "sequence": int(told.sequence) if told.sequence is not None else None,
        "body": told.wire(),
    }


def _note_publishers(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["source"], row["topic"])
        lag = max(0, int((row["arrival"] - row["time"]).total_seconds()))
        known = latest.setdefault(
            key,
            {"source": key[0], "topic": key[1], "last_arrival": row["arrival"], "last_time": row["time"], "last_sequence": row["sequence"],
             "longest_lag_seconds": lag},
        )  # fmt: skip
        known["last_arrival"] = max(known["last_arrival"], row["arrival"])
        known["last_time"] = max(known["last_time"], row["time"])
        known["last_sequence"] = max(filter(None, (known["last_sequence"], row["sequence"])), default=None)
        known["longest_lag_seconds"] = max(known["longest_lag_seconds"], lag)
    wanted = select(publisher).where(publisher.c.source.in_({source for source, _ in latest}))
    known_rows = {(row["source"], row["topic"]): row for row in connection.execute(wanted).mappings()}
    for key, row in latest.items():
        found = known_rows.get(key)
        if found is not None:
            row["longest_lag_seconds"] = max(row["longest_lag_seconds"], found["longest_lag_seconds"])
            row["last_sequence"] = max(filter(None, (row["last_sequence"], found["last_sequence"])), default=None)
            row["last_time"] = max(row["last_time"], found["last_time"])
            row["last_arrival"] = max(row["last_arrival"], found["last_arrival"])
    upsert(connection, publisher, list(latest.values()), None)


def _note_lags(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """The longest way from fact to arrival per publisher and hour. Written again it stays the same."""
    longest: dict[tuple[str, datetime], dict[str, Any]] = {}
    for row in rows:
        if row["source"] == PIPELINE:
            continue
        hour = row["arrival"].replace(minute=0, second=0, microsecond=0)
        lag = max(0, int((row["arrival"] - row["time"]).total_seconds()))
        known = longest.get((row["source"], hour))
        if known is None or lag > known["longest_seconds"]:
            longest[(row["source"], hour)] = {
                "source": row["source"],
                "hour": hour,
                "longest_seconds": lag,
                "longest_at": row["arrival"],
            }
    upsert(connection, arrival_lag, list(longest.values()), "longest_seconds")
