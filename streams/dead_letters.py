"""What cannot be applied is kept, with the reason (contract.md 2)."""

import re
from importlib.metadata import version
from typing import Any

import orjson

from schemas.dead_letter import (
    EXCEPTION,
    MASKED,
    MESSAGE,
    OFFSET,
    OURS,
    PARTITION,
    REASON,
    REDRIVES,
    SAID_BY,
    SAID_TYPE,
    TOPIC,
    said_by,
)
from schemas.dead_letter import VERSION as VERSION_HEADER
from schemas.masking import masked
from schemas.parse import Reason
from schemas.pii import mask
from streams.engine.transport import Headers, Output

VERSION = version("reentry-handover")
# Bytes of value, key and given headers that are kept: a broker refuses what is larger than about 1 MiB, and the record
# would be read and refused for ever. A compressed batch may hold much more.
VALUE_KEPT, KEY_KEPT, HEADERS_KEPT = 1_000_000, 4_096, 32_768
_OVERLAP = 512
_REDRIVES = re.compile(rb"[0-9]{1,6}")


def dead_letter(record: Any, reason: Reason, message: str, exception: str = "InvalidEvent") -> Output:
    """The record untouched, but for what names a person; where it stood and why it is here in the headers.

    `reentry.masked: true` says that something was starred: such a record is not sent again.
    Of a record that is too large for a broker the beginning is kept, and `reentry.cut` says how long it was.
    """
    key, value = record.key, _without_base64(record.value) if reason == "PII_IN_TEXT" else record.value
    own = [(name, text) for name, text in record.headers if not name.startswith(OURS)]
    given = masked(_beginning(key, KEY_KEPT), _beginning(value, VALUE_KEPT), _fitting(own))
    kept = given.headers
    headers = {
        TOPIC: record.topic,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        EXCEPTION: exception,
        MESSAGE: mask(message),
        REASON: reason,
        VERSION_HEADER: VERSION,
    }
    source, type_ = said_by(_body(value), own)
    headers |= {name: text for name, text in ((SAID_BY, source), (SAID_TYPE, type_)) if text}
    if told := dict(record.headers).get(REDRIVES):
        headers |= {REDRIVES: told.decode()} if _REDRIVES.fullmatch(told) else {}
    if _is_large(key, KEY_KEPT) or _is_large(value, VALUE_KEPT) or len(kept) < len(own):
        headers["reentry.cut"] = f"key {_length(key)}, value {_length(value)} bytes, {len(own)} headers"
    if given.is_changed or value is not record.value:
        headers[MASKED] = "true"
    key = given.key if key is not None or value is not None else b""  # a record needs one of both
    key, value = _cut(key, KEY_KEPT), _cut(given.value, VALUE_KEPT)
    return Output(key, value, [*kept, *((name, text.encode()) for name, text in headers.items())])


def _fitting(headers: Headers) -> Headers:
    """As many as there is room for."""
    room, kept = HEADERS_KEPT, []
    for name, text in headers:
        room -= len(name.encode()) + _length(text) + 8
        if room >= 0:
            kept.append((name, text))
    return kept


def _length(text: bytes | None) -> int:
    return 0 if text is None else len(text)


def _is_large(text: bytes | None, most: int) -> bool:
    return text is not None and len(text) > most


def _without_base64(value: bytes | None) -> bytes | None:
    """What was written as base64 goes: no mask finds a number in it."""
    body = _body(value) if value is not None and (b"base64" in value or b"\\u" in value) else None
    if not isinstance(body, dict) or "data_base64" not in body:
        return value
    return orjson.dumps({**body, "data_base64": "*"})


def _body(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None


def _beginning(text: bytes | None, most: int) -> bytes | None:
    """What is kept and a little more, so that the cut goes through no number."""
    return None if text is None else text[: most + _OVERLAP]


def _cut(text: bytes | None, most: int) -> bytes | None:
    return None if text is None else text[:most]
