"""Reading one record: bytes and headers to an event, or the reason why not."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from schemas import pii
from schemas.catalogue import PAYLOADS
from schemas.envelope import Event
from schemas.instants import instant
from schemas.payload import AGENCY, DISPUTE, PERSON, PIPELINE

Reason = Literal["MALFORMED", "SCHEMA", "UNKNOWN_TYPE", "UNKNOWN_VERSION", "PII_IN_TEXT", "CLOCK_AHEAD", "FAILED"]
Headers = Sequence[tuple[str, bytes]]
CLOCK_TOLERANCE = timedelta(minutes=5)  # semantics.md 1.3
LONGEST = 1_000_000  # bytes; what a broker takes by default

_ATTRIBUTES = frozenset(
    ("specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence", "handoverid", "corrects", "receivedtime", "data")
)
_TYPE = re.compile(r"(reentry\.[a-z]+\.[a-z_]+)\.v[0-9]+")
_SOURCE = re.compile(rf"/agencies/({AGENCY})(?:/[A-Za-z0-9._-]{{1,64}})?")
_SUBJECTS: Mapping[str, re.Pattern[str]] = {
    "release": re.compile(PERSON),
    "intake": re.compile(PERSON),
    "checkin": re.compile(PERSON),
    "dispute": re.compile(DISPUTE),
    "action": re.compile(rf"{PERSON}|{DISPUTE}|/agencies/{AGENCY}(?:/[A-Za-z0-9._-]{{1,64}})?|[0-9]{{2,9}}"),
}
_UNVERSIONED = frozenset(type_[:-3] for type_ in PAYLOADS)


class InvalidEvent(Exception):
    """A record that no retry can make an event. The message names places, never values."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse(value: bytes | None, headers: Headers = (), arrival: datetime | None = None) -> Event:
    """Read a record in structured or binary content mode; with its arrival, refuse one whose clock is ahead. Raise InvalidEvent."""
    event = _read(_attributes(value, headers), suspicious=bool(headers) or pii.may_hold_number(value or b""))
    if arrival is not None and event.time > arrival + CLOCK_TOLERANCE:
        raise InvalidEvent("CLOCK_AHEAD", "time: more than 5 minutes after the arrival")
    return event


def trusted(value: bytes) -> Event:
    """An event that this pipeline has checked and written itself; a dispute told to a person has no content. Raise InvalidEvent."""
    body = _attributes(value, ())
    return _event(body, _text(body, "type"), _text(body, "source"), _text(body, "subject"), body["data"])


def _attributes(value: bytes | None, headers: Headers) -> dict[str, Any]:
    if value is None:
        raise InvalidEvent("MALFORMED", "value: null")
    if len(value) > LONGEST:
        raise InvalidEvent("MALFORMED", f"value: longer than {LONGEST} bytes")
    body = _json(value)
    if not any(name == "ce_specversion" for name, _ in headers):
        if not isinstance(body, dict):
            raise InvalidEvent("MALFORMED", "value: no JSON object")
        return body
    try:
        found: dict[str, Any] = {name[3:]: text.decode() for name, text in headers if name.startswith("ce_") and text is not None}
    except UnicodeDecodeError as error:
        raise InvalidEvent("MALFORMED", "headers: not UTF-8") from error
    found["data"] = body
    return found


def _json(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise InvalidEvent("MALFORMED", "value: not JSON in UTF-8") from error


def _read(body: dict[str, Any], *, suspicious: bool) -> Event:
    type_ = _text(body, "type")
    payload = PAYLOADS.get(type_)
    if payload is None:
        raise _unknown(type_)
    if body.get("specversion") != "1.0":
        raise InvalidEvent("SCHEMA", "specversion: must be 1.0")
    data = body.get("data")
    if not isinstance(data, dict):
        raise InvalidEvent("SCHEMA", "data: must be an object")
    if suspicious:
        _refuse_pii(body)
    try:
        payload.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise InvalidEvent("SCHEMA", _where(error)) from error
    source, subject = _text(body, "source"), _text(body, "subject")
    _check_speaker(type_, source, subject)
    return _event(body, type_, source, subject, data)


def _event(body: dict[str, Any], type_: str, source: str, subject: str, data: dict[str, Any]) -> Event:
    return Event(
        id=_text(body, "id"),
        source=source,
        type=type_,
        subject=subject,
        time=_required_instant(body, "time"),
        data=data,
        recordedtime=_instant(body, "recordedtime"),
        sequence=_sequence(body),
        handoverid=_optional(body, "handoverid"),
        corrects=_optional(body, "corrects"),
        receivedtime=_instant(body, "receivedtime"),
        extensions={name: one for name, one in body.items() if name not in _ATTRIBUTES} if len(body) > 7 else {},
    )


def _unknown(type_: str) -> InvalidEvent:
    found = _TYPE.fullmatch(type_)
    if found is not None and found.group(1) in _UNVERSIONED:
        return InvalidEvent("UNKNOWN_VERSION", "type: this major version is not known")
    return InvalidEvent("UNKNOWN_TYPE", "type: not in the event catalogue")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > 256:
        raise InvalidEvent("SCHEMA", f"{name}: must be a text of at most 256 characters")
    return value


def _optional(body: Mapping[str, Any], name: str) -> str | None:
    return None if body.get(name) is None else _text(body, name)


def _instant(body: Mapping[str, Any], name: str) -> datetime | None:
    return None if body.get(name) is None else _required_instant(body, name)


def _required_instant(body: Mapping[str, Any], name: str) -> datetime:
    try:
        return instant(_text(body, name))
    except (ValueError, OverflowError) as error:
        raise InvalidEvent("SCHEMA", f"{name}: must be an RFC 3339 instant with offset") from error


def _sequence(body: Mapping[str, Any]) -> str | None:
    text = _optional(body, "sequence")
    if text is not None and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidEvent("SCHEMA", "sequence: must be a decimal text")
    return text


def _check_speaker(type_: str, source: str, subject: str) -> None:
    topic = type_.split(".", 2)[1]
    if type_ == "reentry.system.manifest_judged.v1":
        if source != PIPELINE or _SOURCE.fullmatch(subject) is None:
            raise InvalidEvent("SCHEMA", "source, subject: only the pipeline judges, and only publishers")
        return
    if topic != "action" and _SOURCE.fullmatch(source) is None:  # operators act for themselves
        raise InvalidEvent("SCHEMA", "source: must be /agencies/{agency_id} or /agencies/{agency_id}/{system}")
    if topic == "system":
        if subject != source:
            raise InvalidEvent("SCHEMA", "subject: must equal source on the system topic")
    elif _SUBJECTS[topic].fullmatch(subject) is None:
        raise InvalidEvent("SCHEMA", f"subject: has not the form that {topic} events need")


def _refuse_pii(body: Mapping[str, Any]) -> None:
    try:
        found = any(pii.found_in(value) for name, value in body.items() if name != "sequence")
    except RecursionError as error:
        raise InvalidEvent("MALFORMED", "value: nested too deeply") from error
    if found:
        raise InvalidEvent("PII_IN_TEXT", "value: holds an ID-card or mobile number")


def _where(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "data: nested too deeply"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(("data", *map(str, first["loc"])))
    return f"{place}: {first['msg']}"[:200]
