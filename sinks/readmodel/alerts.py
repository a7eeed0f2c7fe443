"""Alerts: the newest revision of each, and every revision ever."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from schemas.alert import Alert, read
from schemas.instants import from_millis
from sinks.consumer import Record
from sinks.readmodel.changes import record_changes
from sinks.readmodel.dialect import insert_new, upsert
from sinks.readmodel.tables import alert, alert_history


def write(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
    """Upsert the newest, keep all. An older revision never overwrites a newer."""
    invalid: list[Record] = []
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    newest: dict[str, dict[str, Any]] = {}
    for record in batch:
        if record.value is None:
            continue  # a compacted alert stays in SQL
        try:
            row = _row(read(record.value), record)
        except (ValueError, KeyError, orjson.JSONDecodeError):
            invalid.append(record)
            continue
        rows[(row["alert_id"], row["revision"])] = row
        if row["revision"] >= newest.get(row["alert_id"], row)["revision"]:
            newest[row["alert_id"]] = row
    insert_new(connection, alert_history, list(rows.values()))
    upsert(connection, alert, list(newest.values()), "revision")
    record_changes(connection, "alert", list(newest))
    return invalid


def _row(one: Alert, record: Record) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in Alert.model_fields}
    lists = {name: list(plain[name]) for name in ("basis", "seen", "missing", "computation", "ladder")}
    return {**plain, **lists, "written_at": from_millis(record.timestamp_ms)}
