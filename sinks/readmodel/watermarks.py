"""How far alerts are processed, as far as the read model shows it too.

A worker reports a watermark with the offsets below which its alerts and cases stand. The watermark counts here once the positions of
the sinks have passed these offsets: then no alert before it can be missing from SQL.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from schemas import progress
from schemas.instants import from_millis
from schemas.progress import Progress
from schemas.topics import ALERT, CASE
from sinks import metrics
from sinks.consumer import Record
from sinks.readmodel import position
from sinks.readmodel.dialect import upsert
from sinks.readmodel.tables import watermark
from sinks.takeover import Place, Stored

_TOLERANCE = timedelta(seconds=5)  # between the clocks of two brokers


@dataclass(frozen=True, slots=True)
class Watermark:
    """All alerts before `processed_until` (judged time) are in SQL; the oldest of the reports that say so came at `reported_at`."""

    processed_until: datetime
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class _Report:
    progress: Progress
    reported_at: datetime


def write(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
    """Take the newest report of each partition that SQL covers; keep one that it does not cover yet."""
    invalid: list[Record] = []
    reports: dict[int, list[_Report]] = defaultdict(list)
    for record in batch:
        one = _read(record)
        if one is None:
            invalid.append(record)
        else:
            reports[one.progress.partition].append(one)
    positions = position.read(connection, (ALERT, CASE))
    known = {row.partition: row for row in connection.execute(select(watermark))}
    rows = [_row(number, told, known.get(number), positions) for number, told in sorted(reports.items())]
    upsert(connection, watermark, rows, None)
    if (shown := read_watermark(connection)) is not None:
        metrics.PROCESSED_UNTIL.set(shown.processed_until.timestamp())
    return invalid


def _read(record: Record) -> _Report | None:
    """The report of a record; None where no worker can have written it."""
    try:
        one = progress.read(record.value)
    except ValueError:
        return None
    if (
        record.key != one.key
        or one.partition >= one.setup.partitions
        or one.processed_until > record.arrival + _TOLERANCE
    ):
        return None
    return _Report(one, from_millis(record.timestamp_ms))


def _row(
    number: int, reports: Sequence[_Report], known: Row[Any] | None, positions: Mapping[Place, Stored]
) -> dict[str, Any]:
    newest = reports[-1].progress
    candidates = [*([_unpack(known.waiting)] if known is not None and known.waiting else []), *reports]
    covered = [one for one in candidates if _is_covered(one.progress, positions)]
    open_ones = [one for one in candidates if one not in covered]
    processed_until, reported_at = (known.processed_until, known.reported_at) if known is not None else (None, None)
    if covered:
        last = covered[-1]
        reported_at = last.reported_at
        processed_until = max(filter(None, (processed_until, last.progress.processed_until)))
    return {
        "partition": number,
        "partitions": newest.setup.partitions,
        "processed_until": processed_until,
        "reported_at": reported_at,
        "worker": newest.worker,
        "setup": newest.setup.model_dump(),
        "waiting": _pack(open_ones[0]) if open_ones else None,  # the oldest is covered first
    }


def _is_covered(one: Progress, positions: Mapping[Place, Stored]) -> bool:
    return all(
        end == 0 or ((stored := positions.get(Place(topic, one.partition))) is not None and stored.next_offset >= end)
        for topic, end in ((ALERT, one.alerts_end), (CASE, one.cases_end))
    )


def _pack(report: _Report) -> dict[str, Any]:
    return {"progress": orjson.loads(report.progress.encode()), "reported_at": report.reported_at.isoformat()}


def _unpack(waiting: Mapping[str, Any]) -> _Report:
    return _Report(Progress.model_validate(waiting["progress"]), datetime.fromisoformat(waiting["reported_at"]))


def read_watermark(connection: Connection) -> Watermark | None:
    """The least watermark of all partitions; None while one of them has never been reported or is not covered."""
    wanted = select(watermark.c.partitions, watermark.c.processed_until, watermark.c.reported_at)
    rows = connection.execute(wanted).all()
    if not rows or len(rows) < max(row.partitions for row in rows) or any(row.processed_until is None for row in rows):
        return None
    return Watermark(min(row.processed_until for row in rows), min(row.reported_at for row in rows))
