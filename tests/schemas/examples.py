"""The example file of the contract, and small changes to its events."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from schemas.envelope import Event
from schemas.invalid import InvalidEvent
from schemas.parse import parse

LINES = (Path(__file__).parent / "events.jsonl").read_bytes().splitlines()
EVENTS: Mapping[str, dict[str, Any]] = {(event := orjson.loads(line))["type"]: event for line in LINES}
NOTICE = "reentry.release.notice_sent.v1"
COMMENT = "reentry.action.commented.v1"
MISSING = object()
_numbers = itertools.count(1)


def changed(type_: str = NOTICE, data: Mapping[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """The example of a type with other attributes and payload fields; MISSING leaves one out."""
    payload = {**EVENTS[type_]["data"], **(data or {})}
    event = {**EVENTS[type_], "id": f"ev-{next(_numbers)}", "data": _present(payload)}
    return _present({**event, **attributes})


def with_data(data: object, **attributes: Any) -> dict[str, Any]:
    """An event whose `data` is any value; MISSING leaves it out."""
    return _present({**changed(**attributes), "data": data})


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in values.items() if one is not MISSING}


def read(event: Mapping[str, Any]) -> Event:
    return parse(orjson.dumps(event))


def reason_for(value: bytes | Mapping[str, Any] | None, **arguments: Any) -> str:
    """The reason why a record is refused, or "" for an event."""
    try:
        parse(value if value is None or isinstance(value, bytes) else orjson.dumps(value), **arguments)
    except InvalidEvent as error:
        return error.reason
    return ""


def message_for(event: Mapping[str, Any]) -> str:
    try:
        read(event)
    except InvalidEvent as error:
        return str(error)
    raise AssertionError("it was read as an event")
