"""The CloudEvents Kafka binding: the bytes and headers of a record, as a plain object of attributes and `data`."""

import json
import re
from collections.abc import Sequence
from typing import Any

import orjson

from schemas import pii
from schemas.invalid import InvalidEvent

Headers = Sequence[tuple[str, bytes | None]]
LONGEST = 1_000_000  # bytes of a record; about what a broker takes by default
DEEPEST = 32  # levels of JSON
_STRUCTURED, _STRUCTURED_JSON = b"application/cloudevents", b"application/cloudevents+json"
_CONTAINERS = (dict, list)
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_NOT_SEARCHED = frozenset(("specversion", "type", "time", "recordedtime", "receivedtime", "sequence"))


def attributes(value: bytes | None, headers: Headers = ()) -> dict[str, Any]:
    """The attributes of a record in structured or binary mode. Raise InvalidEvent: MALFORMED, SCHEMA or PII_IN_TEXT.

    Without headers a record is read as structured: so are lines of a file. An attribute that is null is left out.
    """
    if value is None:
        raise InvalidEvent("MALFORMED", "value: null, which is no event")
    if len(value) > LONGEST:
        raise InvalidEvent("MALFORMED", f"value: longer than {LONGEST} bytes")
    try:
        body = _binary(value, headers) if headers and _is_binary(headers) else _object(value)
    except InvalidEvent as error:
        if (
            error.reason != "PII_IN_TEXT" and pii.mask_bytes(value) != value
        ):  # the stricter reason: only then is a dead letter's value masked
            raise InvalidEvent("PII_IN_TEXT", f"{error.message}; holds an ID-card or mobile number") from error
        raise
    if None in body.values():
        body = {name: one for name, one in body.items() if one is not None}
    if (content := body.get("datacontenttype")) is not None and content != "application/json":
        _check_content(content)
    return body


def read_headers(headers: Headers) -> Headers:
    """Those that an event is read from: nothing else of a valid record has been looked into."""
    binary = _is_binary(headers)
    return [one for one in headers if one[0].lower() == "content-type" or (binary and one[0].startswith("ce_"))]


def _is_binary(headers: Headers) -> bool:
    for name, text in headers:
        if name.lower() == "content-type" and text and text[: len(_STRUCTURED)].lower() == _STRUCTURED:
            if text != _STRUCTURED_JSON:
                _check_structured(text)
            return False
    return any(name.startswith("ce_") for name, _ in headers)


def _check_structured(content: bytes) -> None:
    kind = content.decode("latin-1").lower()
    if not _JSON_TYPE.fullmatch(kind) or kind.startswith("application/cloudevents-batch"):
        raise InvalidEvent("MALFORMED", "content-type: of the CloudEvents formats only single events in JSON are read")


def _binary(value: bytes, headers: Headers) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, text in headers:
        attribute = "datacontenttype" if name.lower() == "content-type" else name.removeprefix("ce_")
        if attribute == name:
            continue  # not of CloudEvents
        if attribute in body:
            raise InvalidEvent("MALFORMED", "headers: an attribute is given twice")
        body[attribute] = _header(text)
    body["data"] = _json(value, pii.shape_of(value))
    told = b"\n".join((value, *(text for _, text in headers if text)))
    if pii.may_hold_number(told, pii.shape_of(told)):
        _look_into(body)
    return body


def _header(text: bytes | None) -> str:
    try:
        return (text or b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent("MALFORMED", "headers: not UTF-8") from error


def _object(value: bytes) -> dict[str, Any]:
    shape = pii.shape_of(value)
    body = _json(value, shape)
    if not isinstance(body, dict):
        raise InvalidEvent("MALFORMED", "value: no JSON object")
    if pii.may_hold_number(value, shape):
        _look_into(body)
    return body


def _json(value: bytes, shape: bytes) -> Any:
    try:
        found = orjson.loads(value)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidEvent("MALFORMED", "value: no JSON in UTF-8") from error
    # A colon follows every name: as many of them as names that were read means that none was there twice.
    if shape.count(b'":') != _names_in(found, 0):
        _check_names(value)
    return found


def _names_in(value: Any, depth: int) -> int:
    """How many names the objects of a JSON value have."""
    if depth > DEEPEST:
        raise InvalidEvent("MALFORMED", f"value: nested deeper than {DEEPEST} levels")
    if not isinstance(value, _CONTAINERS):
        return 0
    found = len(value) if isinstance(value, dict) else 0
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, _CONTAINERS):
            found += _names_in(one, depth + 1)
    return found


def _check_names(value: bytes) -> None:
    """Refuse an object that has a name twice: two readers may take different ones."""
    json.loads(value.decode(), object_pairs_hook=_unique, parse_int=str)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidEvent("MALFORMED", "value: an object has a name twice")


def _look_into(body: dict[str, Any]) -> None:
    """Refuse numbers that name a person, anywhere, and characters that no database takes."""
    for name, one in body.items():
        if name in ("data", "subject"):
            found = pii.holds_number(name) or pii.found_in(one)
        else:
            found = name not in _NOT_SEARCHED and any(pii.identifies(text) for text in (name, *pii.texts(one)))
        if found:
            raise InvalidEvent("PII_IN_TEXT", "value: holds an ID-card or mobile number")
    if any("\0" in text for text in pii.texts(body)):
        raise InvalidEvent("MALFORMED", "value: holds a NUL character")


def _check_content(content: Any) -> None:
    if not isinstance(content, str) or not _JSON_TYPE.fullmatch(content):
        raise InvalidEvent("SCHEMA", "datacontenttype: must be application/json")
