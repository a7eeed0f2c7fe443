"""A record as it may be kept for a year: whatever names a person is starred in its key, value and headers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from schemas import pii
from schemas.prose import names_person

Headers = Sequence[tuple[str, bytes | None]]


class Kept(NamedTuple):
    """Key, value and headers, masked; whether that changed anything. What holds nothing personal stays byte for byte."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    is_changed: bool


def masked(key: bytes | None, value: bytes | None, headers: Headers) -> Kept:
    """A record without personal numbers, and without notes that name somebody. Linear in its size."""
    is_binary = any(name.startswith("ce_") for name, _ in headers)
    kept_key, kept_value = _masked(key), None if value is None else _body(value, is_binary=is_binary)
    kept = [(pii.mask(name), _header(name, text)) for name, text in headers]
    is_changed = (kept_key, kept_value, kept) != (key, value, list(headers))
    return Kept(kept_key, kept_value, kept, is_changed)


def _masked(text: bytes | None) -> bytes | None:
    return None if text is None else pii.mask_bytes(text)


def _header(name: str, text: bytes | None) -> bytes | None:
    """Attributes in headers are searched as those in a body: a sequence or an event id may look like a number."""
    if not name.startswith("ce_") or name == "ce_subject" or text is None:
        return _masked(text)
    told = {name.removeprefix("ce_"): text.decode(errors="replace")}
    return _masked(text) if pii.found_in_event(told) else text


def _body(value: bytes, *, is_binary: bool) -> bytes:
    """Of an event only what the parser refuses is masked, so that an event with a counter stays as it came."""
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return pii.mask_bytes(value)
    if not isinstance(body, dict):
        return pii.mask_bytes(value)
    if _is_clean(body, is_binary=is_binary):
        return value
    kept = pii.mask_bytes(value)
    try:
        return kept if _is_clean(orjson.loads(kept), is_binary=is_binary) else pii.WITHHELD
    except orjson.JSONDecodeError:
        return kept  # a starred number is no JSON


def _is_clean(body: dict[str, Any], *, is_binary: bool) -> bool:
    event = {"data": body} if is_binary else body
    note = pii.note_of(event)
    return not pii.found_in_event(event) and not (note and names_person(note))
