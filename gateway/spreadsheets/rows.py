"""From rows to events. A row that was imported before is the same event: its id comes from its source, kind and row key."""

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.spreadsheets.cells import WrongCell, read_cell
from gateway.spreadsheets.columns import CORRECTS, HANDOVER, ROW_KEY, SUBJECT, TIME, Column, payload_of
from gateway.spreadsheets.sheet import Row, Sheet
from schemas.envelope import SPECVERSION, Event
from schemas.invalid import InvalidEvent
from schemas.parse import parse

_ID_LENGTH = 26
_WITHOUT_COLUMN = ("source", "type", "id", "specversion")


@dataclass(frozen=True, slots=True)
class Imported:
    """A row that is an event, and its bytes."""

    row: Row
    event: Event
    value: bytes


def read_rows(
    sheet: Sheet,
    fact: str,
    source: str,
    columns: Sequence[Column],
    now: datetime,
    publishers: Collection[str] | None = None,
) -> list[Imported]:
    """Return the events of all rows that are right; of the others `row.errors` says what is wrong, all of it."""
    found = list[Imported]()
    first: dict[str, int] = {}  # by event id the row that has it
    for row in sheet.rows:
        body = _read_row(row, fact, source, columns)
        if body is None:
            continue
        value = orjson.dumps(body)
        earlier = first.setdefault(body["id"], row.number)
        if earlier != row.number:
            row.errors.append(
                (ROW_KEY if row.cells.get(ROW_KEY) else "", f"与第 {earlier} 行重复 / the same as row {earlier}")
            )
            continue
        try:
            event = parse(value, (), now, None, publishers)
        except InvalidEvent as error:
            row.errors += [_locate(text, columns) for text in error.errors]
        else:
            if not row.errors:
                found.append(Imported(row, event, value))
    return found


def _read_row(row: Row, fact: str, source: str, columns: Sequence[Column]) -> dict[str, Any] | None:
    """The event of a row, unchecked; None where a cell cannot be read."""
    told: dict[str, Any] = {}
    spoilt = {name for name, _ in row.errors}
    for column in columns:
        if column.name in spoilt:
            continue
        try:
            told[column.name] = read_cell(column, row.cells.get(column.name))
        except WrongCell as error:
            row.errors.append((column.name, str(error)))
    if any(name for name, _ in row.errors):
        return None
    payload = payload_of(fact)
    data = {one.name: told[one.name] for one in columns if not one.is_envelope and told[one.name] is not None}
    if payload.REPEATS_TIME:
        data[payload.REPEATS_TIME] = told[TIME]
    body = {
        "specversion": SPECVERSION,
        "source": source,
        "type": payload.TYPE,
        "subject": told[SUBJECT],
        "time": told[TIME],
    }
    if told[HANDOVER]:
        body["handoverid"] = told[HANDOVER]
    if told[CORRECTS]:
        body["corrects"] = event_id(source, payload.TYPE, told[CORRECTS])
    key = told[ROW_KEY] or orjson.dumps({**body, "data": data}, option=orjson.OPT_SORT_KEYS).decode()
    return {**body, "id": event_id(source, payload.TYPE, key), "data": data}


def event_id(source: str, type_: str, row_key: str) -> str:
    """Return the id of the event of a row."""
    digest = hashlib.sha256(orjson.dumps([source, type_, row_key])).digest()
    return f"row-{base64.b32encode(digest).decode().lower()[:_ID_LENGTH]}"


def _locate(error: str, columns: Sequence[Column]) -> tuple[str, str]:
    """The column that an error of the parser speaks of; empty where it speaks of the whole row."""
    place, colon, _ = error.partition(": ")
    name = place.removeprefix("data.").partition(".")[0]
    is_there = colon and name not in _WITHOUT_COLUMN and any(one.name == name for one in columns)
    return (name, error) if is_there else ("", error)


def count_errors(sheet: Sheet) -> Mapping[str, int]:
    """Return how many rows there are and how many of them are wrong."""
    return {"rows": len(sheet.rows), "wrong": sum(bool(row.errors) for row in sheet.rows)}
