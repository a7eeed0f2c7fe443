"""Reading one record: bytes and headers to an event, or the reason why not."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.authority import check_sender, type_of_source
from schemas.binding import Headers, attributes
from schemas.catalogue import FIELD_NAMES, PAYLOADS
from schemas.envelope import SPECVERSION, Event
from schemas.instants import instant
from schemas.invalid import InvalidEvent, Reason
from schemas.payload import DISPUTE, LONGEST_TEXT, PERSON, PIPELINE

__all__ = ["CLOCK_TOLERANCE", "Headers", "InvalidEvent", "Reason", "parse", "trusted"]

CLOCK_TOLERANCE = timedelta(minutes=5)  # semantics.md 1.3
LONGEST_PLAN = timedelta(days=5 * 365)  # no term is longer; a plan from 1926 would owe a check-in for every week since
MOST_PERSONS = 200  # named by one dispute: each of them is told of it

_NAMED = frozenset(
    (
        *("specversion", "id", "source", "type", "subject", "time", "data"),
        *("recordedtime", "sequence", "handoverid", "corrects", "receivedtime"),
    )
)
_TYPE = re.compile(r"(reentry\.[a-z]+\.[a-z_]+)\.v[0-9]+")
_UNVERSIONED = frozenset(type_.rpartition(".")[0] for type_ in PAYLOADS)
_PERSON, _DISPUTE = map(re.compile, (PERSON, DISPUTE))
_OF_PIPELINE = {type_: re.compile(one.ABOUT) for type_, one in PAYLOADS.items() if one.BY == PIPELINE}
_DISPUTE_TOPIC = "reentry.dispute.v1"
_TOPIC = {type_: type_.split(".")[1] for type_ in PAYLOADS}
_VALIDATE = {type_: payload.__pydantic_validator__.validate_python for type_, payload in PAYLOADS.items()}


def parse(
    value: bytes | None,
    headers: Headers = (),
    arrival: datetime | None = None,
    topic: str | None = None,
    publishers: Collection[str] | None = None,
) -> Event:
    """Read a record in structured or binary content mode. Raise InvalidEvent, and nothing else.

    Numbers that name a person are looked for first, then the type, the envelope and the payload are checked, then,
    if its (aware) `arrival` is given, whether the event comes from the future, and if its `topic` (without prefix) is
    given, whether it is the one on which events of the type travel. Last, whether its source may say it; `publishers`: the
    sources of which heartbeats and manifests are heard, None: all.
    """
    body = attributes(value, headers)
    type_ = body.get("type")
    validate = _VALIDATE.get(type_) if isinstance(type_, str) else None
    if validate is None:
        raise _unknown(type_)
    event = _event(body)
    if topic is not None and event.topic != topic:
        raise InvalidEvent("SCHEMA", f"type: travels on {event.topic}, not on this topic")
    _check_speaker(event)
    _check_payload(validate, event)
    if event.data.get("survivor_ref", event.subject) != event.subject and event.fact.startswith("release.person_"):
        raise InvalidEvent("SCHEMA", "data.survivor_ref: must equal subject")
    _check_extent(event)
    if arrival is not None and event.time > arrival + CLOCK_TOLERANCE:
        raise InvalidEvent("CLOCK_AHEAD", "time: more than 5 minutes after the arrival")
    check_sender(event, publishers)
    return event


def _check_extent(event: Event) -> None:
    """What a schema cannot say: a typing error must not make thousands of duties or messages."""
    if event.fact == "checkin.plan_set" and event.data["from"] < (event.time - LONGEST_PLAN).date().isoformat():
        raise InvalidEvent("SCHEMA", f"data.from: more than {LONGEST_PLAN.days // 365} years before time")
    if event.fact == "dispute.reported" and len(event.data["person_refs"]) > MOST_PERSONS:
        raise InvalidEvent("SCHEMA", f"data.person_refs: more than {MOST_PERSONS} persons")


def trusted(value: bytes) -> Event:
    """An event that this pipeline has checked and written itself; of a dispute's the payload has been left out on purpose.

    Raise InvalidEvent for what this pipeline cannot have written.
    """
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidEvent("MALFORMED", "value: no JSON in UTF-8") from error
    if not isinstance(body, dict):
        raise InvalidEvent("MALFORMED", "value: no JSON object")
    event = _event(body)
    validate = _VALIDATE.get(event.type)
    if validate is None:
        raise _unknown(event.type)
    if event.topic != _DISPUTE_TOPIC:
        _check_payload(validate, event)
    elif event.fact == "dispute.reported" and not _are_texts(event.data.get("person_refs")):
        raise InvalidEvent("SCHEMA", "data.person_refs: must be a list of texts")
    return event


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _check_payload(validate: Callable[[Any], Any], event: Event) -> None:
    try:
        validate(event.data)
    except (ValidationError, RecursionError) as error:
        raise InvalidEvent("SCHEMA", _place_of(error)) from error


def _unknown(type_: Any) -> InvalidEvent:
    if not isinstance(type_, str):
        return InvalidEvent("SCHEMA", "type: must be a text")
    found = _TYPE.fullmatch(type_)
    if found is not None and found.group(1) in _UNVERSIONED:
        return InvalidEvent("UNKNOWN_VERSION", "type: known, but not in this version; only .v1 is read")
    return InvalidEvent("UNKNOWN_TYPE", "type: not in the event catalogue")


def _event(body: Mapping[str, Any]) -> Event:
    if body.get("specversion") != SPECVERSION:
        raise InvalidEvent("SCHEMA", f"specversion: must be {SPECVERSION}")
    data = body.get("data")
    if not isinstance(data, dict):
        raise InvalidEvent("SCHEMA", "data: must be a JSON object")
    return Event(
        _text(body, "id"),
        _text(body, "source"),
        _text(body, "type"),
        _text(body, "subject"),
        _instant(body, "time"),
        data,
        _instant(body, "recordedtime") if "recordedtime" in body else None,
        _sequence(body) if "sequence" in body else None,
        _text(body, "handoverid") if "handoverid" in body else None,
        _text(body, "corrects") if "corrects" in body else None,
        _instant(body, "receivedtime") if "receivedtime" in body else None,
        {name: one for name, one in body.items() if name not in _NAMED},
    )


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable():
        return value
    raise InvalidEvent("SCHEMA", f"{name}: must be a text of 1 to {LONGEST_TEXT} printable characters")


def _instant(body: Mapping[str, Any], name: str) -> datetime:
    try:
        return instant(_text(body, name))
    except ValueError as error:
        raise InvalidEvent("SCHEMA", f"{name}: {error}") from error


def _sequence(body: Mapping[str, Any]) -> str:
    text = _text(body, "sequence")
    if len(text) <= len(str(2**63)) - 1 and text.isascii() and text.isdigit():
        return text
    raise InvalidEvent("SCHEMA", "sequence: must be a text of 1 to 18 decimal digits")


def _check_speaker(event: Event) -> None:
    """Source and subject must have the form that the topic asks for."""
    topic = _TOPIC[event.type]
    if event.type in _OF_PIPELINE:
        if event.source != PIPELINE or not _OF_PIPELINE[event.type].fullmatch(event.subject):
            raise InvalidEvent("SCHEMA", "source, subject: only the pipeline judges, and only what it may")
        return
    if type_of_source(event.source) is None:
        if topic == "action" and event.source.startswith("/agencies/"):  # a decision, and nobody who may take it
            raise InvalidEvent("NOT_ALLOWED", "source: names no agency, so nobody has the authority")
        raise InvalidEvent("SCHEMA", "source: must be /agencies/{agency_id} or /agencies/{agency_id}/{system}")
    if topic == "system":
        if event.subject != event.source:
            raise InvalidEvent("SCHEMA", "subject: must equal source on the system topic")
    elif topic != "action" and not (_DISPUTE if topic == "dispute" else _PERSON).fullmatch(event.subject):
        kind = "dispute_id (d1_…)" if topic == "dispute" else "person_ref (p1_…)"
        raise InvalidEvent("SCHEMA", f"subject: must be a {kind} on the {topic} topic")


def _place_of(error: ValidationError | RecursionError) -> str:
    """Where a payload is wrong and what it should be; names that the publisher made up are not repeated."""
    if isinstance(error, RecursionError):
        return "data: nested too deeply"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = (str(step) if isinstance(step, int) or step in FIELD_NAMES else "*" for step in first["loc"])
    return f"{'.'.join(('data', *steps))}: {first['msg'].removeprefix('Value error, ')}"
