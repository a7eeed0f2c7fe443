"""Reading one record: bytes and headers to an event, or everything that is wrong with it."""

import copy
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from schemas import extent
from schemas.authority import check_sender, type_of_source
from schemas.catalogue import FIELD_NAMES, PAYLOADS
from schemas.cloudevents import Headers, astray, attributes, is_json, is_name
from schemas.envelope import SPECVERSION, Event
from schemas.instants import event_instant
from schemas.invalid import InvalidEvent, Reason
from schemas.payload import AGENCY, DISPUTE, LONGEST_TEXT, PERSON, PIPELINE, is_id

__all__ = ["CLOCK_TOLERANCE", "Headers", "InvalidEvent", "Reason", "parse", "trusted"]

CLOCK_TOLERANCE = timedelta(minutes=5)  # semantics.md 1.3
# Help lasts five years, parole after a life sentence ten: an event that comes later tells of no open handover. What a
# clock that was never set tells (1970, 1980, 2000, or 1,024 weeks ago where GPS counts anew) lies further back.
LONGEST_DELAY = timedelta(days=10 * 365 + 3)

_NAMED = frozenset(
    (
        *("specversion", "id", "source", "type", "subject", "time", "data"),
        *("recordedtime", "sequence", "handoverid", "corrects", "receivedtime"),
    )
)
_JSON_ALONE = {"datacontenttype": "application/json"}  # of nearly all events
_TYPE = re.compile(r"(reentry\.[a-z]+\.[a-z_]+)\.v[0-9]+")
_UNVERSIONED = frozenset(type_.rpartition(".")[0] for type_ in PAYLOADS)
_AGENCIES = "/agencies/"
_SUBJECTS = {  # topic -> the form of its subjects, and what it is called
    **dict.fromkeys(("release", "intake", "checkin"), (re.compile(PERSON), "person_ref (p1_…)")),
    "dispute": (re.compile(DISPUTE), "dispute_id (d1_…)"),
    "work": (re.compile(AGENCY), "agency_id like COUNTY_JUSTICE-990102-01"),
}
_OF_PIPELINE = {type_: re.compile(one.ABOUT) for type_, one in PAYLOADS.items() if one.BY == PIPELINE}
_DISPUTE_TOPIC = "reentry.dispute.v1"
_TOPIC = {type_: type_.split(".")[1] for type_ in PAYLOADS}
_VALIDATE = {type_: payload.__pydantic_validator__.validate_python for type_, payload in PAYLOADS.items()}
# Instants of payloads that are judged beside `time`, and tell when something was; others may lie in the future.
_PAST = {
    "reentry.checkin.completed.v1": "at",
    "reentry.checkin.location_checked.v1": "checked_at",
    "reentry.intake.custody_notified.v1": "since",
}
_NO_ID = f"must be a text of 1 to {LONGEST_TEXT} characters, without blanks around it or any that nobody sees"
_AHEAD, _BEHIND = "more than 5 minutes after the arrival", "more than ten years before the arrival"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_Errors = Sequence[str]


class _Wrong(ValueError):
    """The first error of an envelope."""


def parse(
    value: bytes | None,
    headers: Headers = (),
    arrival: datetime | None = None,
    topic: str | None = None,
    publishers: Collection[str] | None = None,
) -> Event:
    """Read a record in structured or binary content mode. Raise InvalidEvent with all errors, and nothing else.

    Numbers that name a person are looked for first, then envelope and payload are checked, then, if its (aware)
    `arrival` is given, whether the event comes from the future or from long ago, and if its `topic` (without prefix)
    is given, whether it is the one on which events of the type travel. Last, whether its source may say it;
    `publishers`: the sources of which heartbeats and manifests are heard, None: all.
    """
    body = attributes(value, headers)
    try:
        event = _event(body)
        _VALIDATE[event.type](event.data)
    except (_Wrong, KeyError, ValidationError, RecursionError):
        event = _read_closely(body, headers)
    wrong = _check_speaker(event.type, event.source, event.subject)
    more = extent.errors_of(event)
    if topic is not None and event.topic != topic:
        raise InvalidEvent("SCHEMA", f"type: travels on {event.topic}, not on this topic", *wrong, *more)
    if wrong or more:
        raise InvalidEvent("SCHEMA", *wrong, *more)
    if arrival is not None:
        _check_clock(event, arrival)
    check_sender(event, publishers)
    return event


def trusted(value: bytes) -> Event:
    """An event that this pipeline has checked before; of a dispute's the payload has been left out on purpose.

    Raise InvalidEvent for what this pipeline cannot have written or checked.
    """
    try:
        body = orjson.loads(value)
        event = _event(body)
        if event.topic != _DISPUTE_TOPIC:
            _VALIDATE[event.type](event.data)
        elif event.type not in _VALIDATE or (
            event.fact == "dispute.reported" and not _are_texts(event.data.get("person_refs"))
        ):
            raise _Wrong("data.person_refs: must be a list of texts")
    except (ValueError, KeyError, AttributeError, RecursionError):  # spelt otherwise, or no event
        return parse(value)
    return event


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _event(body: Mapping[str, Any]) -> Event:
    if body.get("specversion") != SPECVERSION:
        raise _Wrong(f"specversion: must be {SPECVERSION}")
    data = body.get("data")
    if not isinstance(data, dict):
        raise _Wrong("data: must be a JSON object")
    source, type_, subject = body.get("source"), body.get("type"), body.get("subject")
    if not (isinstance(source, str) and isinstance(type_, str) and isinstance(subject, str)):
        raise _Wrong("source, type, subject: must be texts")  # their forms hang together: see _check_speaker
    extensions = _extensions(body)
    if extensions and extensions != _JSON_ALONE and (wrong := _check_extensions(extensions)):
        raise _Wrong(*wrong)
    return Event(
        _id(body, "id"),
        source,
        type_,
        subject,
        _instant(body, "time"),
        data,
        _instant(body, "recordedtime") if "recordedtime" in body else None,
        _sequence(body, "sequence") if "sequence" in body else None,
        _id(body, "handoverid") if "handoverid" in body else None,
        _id(body, "corrects") if "corrects" in body else None,
        _instant(body, "receivedtime") if "receivedtime" in body else None,
        extensions,
    )


def _extensions(body: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that have no field of their own, in their order."""
    names = body.keys() - _NAMED
    if len(names) > 1:
        return {name: one for name, one in body.items() if name not in _NAMED}
    return {name: body[name] for name in names}


def _id(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if isinstance(value, str) and len(value) <= LONGEST_TEXT and is_id(value):
        return value
    raise _Wrong(f"{name}: {_NO_ID}")


def _instant(body: Mapping[str, Any], name: str) -> datetime:
    value = body.get(name)
    try:
        return event_instant(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _Wrong(f"{name}: {error}") from error


def _sequence(body: Mapping[str, Any], name: str) -> str:
    text = body.get(name)
    if isinstance(text, str) and 0 < len(text) <= len(str(2**63)) - 1 and text.isascii() and text.isdigit():
        return text
    raise _Wrong(f"{name}: must be a text of 1 to 18 decimal digits")


def _check_extensions(extensions: Mapping[str, Any]) -> _Errors:
    """What is wrong with attributes that have no field of their own. Their names are not repeated."""
    wrong = []
    for name, one in extensions.items():
        if name == "datacontenttype":
            if one != "application/json" and not is_json(one):
                wrong.append("datacontenttype: must be application/json")
        elif not is_name(name):
            wrong.append("attributes: names are lower-case letters and digits")
        elif not isinstance(one, str | int | float) or (isinstance(one, str) and _CONTROL.search(one)):
            wrong.append("attributes: values are texts without control characters, numbers, true or false")
    return wrong


def _check_speaker(type_: str, source: str, subject: str) -> _Errors:
    """Source and subject must have the form that the topic asks for."""
    topic = _TOPIC[type_]
    if type_ in _OF_PIPELINE:
        if source != PIPELINE or not _OF_PIPELINE[type_].fullmatch(subject):
            return ("source, subject: only the pipeline judges, and only what it may",)
        return ()
    wrong = []
    if type_of_source(source) is None and not (topic == "action" and source.startswith(_AGENCIES)):
        wrong.append("source: must be /agencies/{agency_id} or /agencies/{agency_id}/{system}")
    if topic == "system":
        if subject != source:
            wrong.append("subject: must equal source on the system topic")
    elif topic == "action":
        if len(subject) > LONGEST_TEXT or not is_id(subject):
            wrong.append(f"subject: {_NO_ID}")
    elif not (form := _SUBJECTS[topic])[0].fullmatch(subject):
        wrong.append(f"subject: must be a {form[1]} on the {topic} topic")
    return wrong


def _check_clock(event: Event, arrival: datetime) -> None:
    """Refuse what comes from the future, or from so long ago that a clock was not set."""
    if not -CLOCK_TOLERANCE <= arrival - event.time <= LONGEST_DELAY:
        _refuse_clock("time", event.time, arrival)
    if event.recordedtime is not None and event.recordedtime > arrival + CLOCK_TOLERANCE:
        raise InvalidEvent("CLOCK_AHEAD", f"recordedtime: {_AHEAD}")
    if (field := _PAST.get(event.type)) is not None:
        at = event_instant(event.data[field])
        if not -CLOCK_TOLERANCE <= arrival - at <= LONGEST_DELAY:
            _refuse_clock(f"data.{field}", at, arrival)


def _refuse_clock(place: str, at: datetime, arrival: datetime) -> None:
    if at > arrival:
        raise InvalidEvent("CLOCK_AHEAD", f"{place}: {_AHEAD}")
    raise InvalidEvent("CLOCK_BEHIND", f"{place}: {_BEHIND}")


# --- once something is wrong: all of it


_READERS = {
    **dict.fromkeys(("id", "source", "subject", "handoverid", "corrects"), _id),
    **dict.fromkeys(("time", "recordedtime", "receivedtime"), _instant),
    "sequence": _sequence,
}
_REQUIRED = frozenset(("id", "source", "subject", "time"))


def _read_closely(body: Mapping[str, Any], headers: Headers) -> Event:
    """An event of which only whole numbers are written with a point. Raise InvalidEvent with every error of any other."""
    type_, data = body.get("type"), body.get("data")
    led_astray = astray(headers)
    reason, wrong = _unknown(type_)
    if reason != "SCHEMA" and led_astray:
        reason, wrong = "MALFORMED", ()
    errors = [*led_astray, *wrong, *_envelope_errors(body)]
    if not isinstance(data, dict):
        errors.append("data: must be a JSON object")
    elif not wrong and isinstance(type_, str) and type_ in _VALIDATE:
        data, wrong = _check_payload(type_, data)
        errors += wrong
        if all(isinstance(body.get(name), str) for name in ("source", "subject")) and errors:
            errors += [one for one in _check_speaker(type_, body["source"], body["subject"]) if one not in errors]
    if errors:
        raise InvalidEvent(reason, *errors)
    return _event({**body, "data": data})


def _unknown(type_: Any) -> tuple[Reason, _Errors]:
    if not isinstance(type_, str):
        return "SCHEMA", ("type: must be a text",)
    if type_ in PAYLOADS:
        return "SCHEMA", ()
    found = _TYPE.fullmatch(type_)
    if found is not None and found.group(1) in _UNVERSIONED:
        return "UNKNOWN_VERSION", ("type: known, but not in this version; only .v1 is read",)
    return "UNKNOWN_TYPE", ("type: not in the event catalogue",)


def _envelope_errors(body: Mapping[str, Any]) -> list[str]:
    errors = [] if body.get("specversion") == SPECVERSION else [f"specversion: must be {SPECVERSION}"]
    for name, read in _READERS.items():
        if name in _REQUIRED or name in body:
            try:
                read(body, name)
            except _Wrong as error:
                errors.append(str(error))
    wrong = _check_extensions(_extensions(body))
    return errors + list(dict.fromkeys(wrong))


def _check_payload(type_: str, data: dict[str, Any]) -> tuple[dict[str, Any], _Errors]:
    """The payload with whole numbers as such where they were written like 2.0, and what is wrong with it."""
    try:
        _VALIDATE[type_](data)
    except RecursionError:
        return data, ("data: nested too deeply",)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        if whole := [one for one in found if one["type"] == "int_type" and _is_whole(one["input"])]:
            return _check_payload(type_, _with_whole_numbers(data, [one["loc"] for one in whole]))
        return data, tuple(_told(one["loc"], _printable(one["msg"])) for one in found)
    return data, ()


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _with_whole_numbers(data: dict[str, Any], places: Sequence[tuple[int | str, ...]]) -> dict[str, Any]:
    found = copy.deepcopy(data)
    for *outer, last in places:
        part: Any = found
        for step in outer:
            part = part[step]
        part[last] = int(part[last])
    return found


def _printable(text: str) -> str:
    """A message may repeat a pattern that names invisible characters: each is escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _told(place: Sequence[int | str], message: str) -> str:
    """Where a payload is wrong and what it should be; names that the publisher made up are not repeated."""
    steps = (str(step) if isinstance(step, int) or step in FIELD_NAMES else "*" for step in place)
    return f"{'.'.join(('data', *steps))}: {message.removeprefix('Value error, ')}"
