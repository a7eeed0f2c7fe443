"""The CloudEvents Kafka binding: the bytes and headers of a record, as a plain object of attributes and `data`."""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from schemas import pii, prose, unreadable
from schemas.invalid import InvalidEvent

Headers = Sequence[tuple[str, bytes | None]]
LONGEST = 1_000_000  # bytes of a record; about what a broker takes by default
DEEPEST = 32  # levels of JSON
_STRUCTURED, _STRUCTURED_JSON = b"application/cloudevents", b"application/cloudevents+json"
_ANY_CASE = "".join(f"[{one}{one.upper()}]" for one in "application") + "/(?:[A-Za-z0-9.+-]+[+])?[jJ][sS][oO][nN]"
JSON_TYPE = rf"{_ANY_CASE}[ \t]*(?:;[^\x00-\x1f\x7f]*)?"
_JSON_TYPE = re.compile(JSON_TYPE)
NAME = "[a-z0-9]{1,64}"  # of an attribute
_WIDE, _WIDEST = b"0" * 19, 20  # digits from which on a whole number may not fit into 64 bits, and surely does not
_MANIFEST, _SEQUENCES = "reentry.system.publisher_manifest.v1", ("first_sequence", "last_sequence")
_NAME = re.compile(NAME)
_SEQUENCE = re.compile(r"[0-9]{1,18}", re.ASCII)


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
        if error.reason != "PII_IN_TEXT" and pii.found_in_bytes(value):  # the stricter reason
            raise InvalidEvent("PII_IN_TEXT", f"{error.message}; holds an ID-card or mobile number") from error
        raise
    data = body.get("data")
    if isinstance(data, dict) and "note" in data:
        _check_note(data["note"])
    if None in body.values():
        body = {name: one for name, one in body.items() if one is not None or not is_name(name)}
    return body


@lru_cache(maxsize=1_024)  # a few names of tracers
def is_name(text: str) -> bool:
    """Whether an attribute may be called so."""
    return _NAME.fullmatch(text) is not None


def is_json(content: Any) -> bool:
    """Whether a content type is one of JSON."""
    return isinstance(content, str) and _JSON_TYPE.fullmatch(content) is not None


def astray(headers: Headers) -> tuple[str, ...]:
    """What in the headers of a record that is no event leads a reader astray, one error each."""
    foreign = unreadable.foreign_prefix(name for name, _ in headers)
    found = [foreign] if foreign else []
    if unreadable.are_quoted(text for name, text in headers if name.startswith("ce_")):
        found.append("headers: values stand in quotation marks, as a JSON serializer writes them; write plain text")
    return tuple(found)


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
        if attribute not in body:
            body[attribute] = _header(text)
        elif not _is_the_same(attribute, body[attribute], _header(text)):
            raise InvalidEvent("MALFORMED", "headers: an attribute is given twice with different values")
    shape = pii.shape_of(value)
    body["data"] = _json(value, shape, pii.row_in(shape))
    told_in_all = b'"'.join((value, *(text for _, text in headers if text)))
    shape = pii.shape_of(told_in_all)
    if pii.may_hold_number(told_in_all, shape, pii.row_in(shape)):
        _look_into(body)
    return body


def _is_the_same(attribute: str, one: str, other: str) -> bool:
    return one == other or (attribute == "datacontenttype" and is_json(one) and is_json(other))


def _header(text: bytes | None) -> str:
    try:
        return (text or b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent("MALFORMED", "headers: not UTF-8") from error


def _object(value: bytes) -> dict[str, Any]:
    shape = pii.shape_of(value)
    row = pii.row_in(shape)
    body = _json(value, shape, row)
    if not isinstance(body, dict):
        raise InvalidEvent("MALFORMED", "value: no JSON object")
    if "data_base64" in body:
        _decode(body)
    elif pii.may_hold_number(value, shape, row):
        _look_into(body)
    return body


def _decode(body: dict[str, Any]) -> None:
    """JSON may be given as base64 (CloudEvents JSON format 3.1.1). What it hides is searched like all else."""
    encoded, beside = body.pop("data_base64"), body.get("data")
    if encoded is not None:
        body["data"] = _decoded(encoded)
    _look_into(body)
    if encoded is not None and beside is not None:
        raise InvalidEvent("MALFORMED", "data_base64: beside data; give one of them")


def _decoded(encoded: Any) -> Any:
    try:
        value = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidEvent("MALFORMED", "data_base64: no base64") from error
    try:
        shape = pii.shape_of(value)
        return _json(value, shape, pii.row_in(shape), "data_base64")
    except InvalidEvent as error:
        if pii.mask_bytes(value) != value:
            raise InvalidEvent("PII_IN_TEXT", f"{error.message}; holds an ID-card or mobile number") from error
        raise


def _json(value: bytes, shape: bytes, row: int, place: str = "value") -> Any:
    try:
        found = orjson.loads(value)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidEvent("MALFORMED", f"{place}: {unreadable.kind_of(value)}") from error
    # A colon follows every name: as many of them as names that were read means that none was there twice.
    if shape.count(b'":') != _names_in(found, 0) or (row >= 0 and shape.find(_WIDE, row) >= 0):
        _check_closely(value)
    return found


def _names_in(value: Any, depth: int) -> int:
    """How many names the objects of a JSON value have."""
    if depth > DEEPEST:
        raise InvalidEvent("MALFORMED", f"value: nested deeper than {DEEPEST} levels")
    kind = type(value)  # orjson makes no others
    if kind is dict:
        found, parts = len(value), value.values()
    elif kind is list:
        found, parts = 0, value
    else:
        return 0
    for one in parts:
        kind = type(one)
        if kind is dict or kind is list:
            found += _names_in(one, depth + 1)
    return found


def _check_closely(value: bytes) -> None:
    """Refuse an object that has a name twice, of which two readers may take different ones, and whole numbers that would be rounded."""
    json.loads(value.decode(), object_pairs_hook=_unique, parse_int=_within_64_bits)


def _within_64_bits(digits: str) -> None:
    if len(digits) > _WIDEST or not -(2**63) <= int(digits) < 2**64:
        raise InvalidEvent("MALFORMED", "value: a whole number needs more than 64 bits; write it as a text")


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidEvent("MALFORMED", "value: an object has a name twice")


def _look_into(body: dict[str, Any]) -> None:
    """Refuse numbers that name a person, anywhere, and characters that no database takes."""
    if pii.found_in_event({**body, "data": _without_sequences(body)} if body.get("type") == _MANIFEST else body):
        raise InvalidEvent("PII_IN_TEXT", "value: holds an ID-card or mobile number")
    if any("\0" in text for text in pii.texts(body)):
        raise InvalidEvent("MALFORMED", "value: holds a NUL character")


def _without_sequences(body: dict[str, Any]) -> Any:
    """The payload without what counts events: 18 digits of a manifest are no person, as those of the attribute `sequence` are none."""
    data = body.get("data")
    topics = data.get("topics") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(topics, list):
        return data
    return {**data, "topics": [_without_own_sequences(one) for one in topics]}


def _without_own_sequences(counted: Any) -> Any:
    if not isinstance(counted, dict):
        return counted
    return {name: one for name, one in counted.items() if name not in _SEQUENCES or not _is_sequence(one)}


def _is_sequence(value: Any) -> bool:
    return isinstance(value, str) and _SEQUENCE.fullmatch(value) is not None


def _check_note(note: Any) -> None:
    if isinstance(note, str) and len(note) <= prose.LONGEST and prose.names_person(note):
        raise InvalidEvent("PII_IN_TEXT", f"data.note: {prose.ADVICE}")
