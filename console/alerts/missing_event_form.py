"""The form for exactly the event that is missing: made from its contract, read back into its payload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from console.auth.users import User
from console.db.rows import EventRow
from console.text.formatter import Words
from console.web.forms import FieldError, InvalidForm, to_china_time
from schemas.catalogue import PAYLOADS, labels_of
from schemas.payload import Payload

InputKind = Literal["select", "check", "date", "datetime", "number", "list", "text"]
_STAFF = ("officer_ref", "mediator_ref")
_OWN_AGENCY = ("committee",)
_FROM_ANCHOR = ("kind",)  # and all ids: the answer names what it answers


@dataclass(frozen=True, slots=True)
class InputField:
    """One input: `name` as in the payload's JSON."""

    name: str
    label: str
    kind: InputKind
    needed: bool
    value: str
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class EventForm:
    """An event type that may be recorded, with its inputs; `time` is when it happened, as a form wants it."""

    type: str
    name: str
    fields: Sequence[InputField]
    time: str


def build_form(
    type_: str,
    words: Words,
    user: User,
    anchors: Sequence[EventRow],
    now: datetime,
    typed: Mapping[str, str] | None = None,
) -> EventForm:
    """The form of an event type; what was typed stands in it, otherwise what can be known."""
    payload = PAYLOADS[type_]
    fields = []
    for name, info in payload.model_fields.items():
        wire = info.alias or name
        if wire == payload.REPEATS_TIME:
            continue
        kind, options = _choose_input(type_, payload, name, words)
        default = _suggest_value(wire, kind, user, anchors, now)
        value = typed.get(wire, "") if typed is not None else default
        fields.append(InputField(wire, words.field(wire), kind, info.is_required(), value, options))
    time = typed.get("time", "") if typed is not None else f"{now:%Y-%m-%dT%H:%M}"
    return EventForm(type_, words.fact(type_), fields, time)


def read_form(type_: str, fields: Mapping[str, str], now: datetime) -> tuple[dict[str, Any], datetime]:
    """The payload and the time from a form that was sent. Raise InvalidForm where a value cannot even be read."""
    payload = PAYLOADS[type_]
    time = _read_instant(fields.get("time", ""))
    if time is None:
        raise InvalidForm({"time": ("error.time", {})})
    data: dict[str, Any] = {}
    errors: dict[str, FieldError] = {}
    for name, info in payload.model_fields.items():
        wire = info.alias or name
        if wire == payload.REPEATS_TIME:
            data[wire] = time.isoformat()
            continue
        kind, _ = _choose_input(type_, payload, name, None)
        text = fields.get(wire, "").strip()
        if kind == "check":
            data[wire] = text == "yes"
        elif kind == "list":
            data[wire] = [one.strip() for one in text.replace("、", ",").replace("，", ",").split(",") if one.strip()]
        elif text:
            try:
                data[wire] = _read_value(kind, text)
            except ValueError:
                errors[wire] = ("error.value", {"what": text[:40]})
    if errors:
        raise InvalidForm(errors)
    return data, min(time, now) if time.replace(second=0) == now.replace(second=0, microsecond=0) else time


def _read_value(kind: InputKind, text: str) -> Any:
    if kind == "number":
        return int(text) if text.lstrip("-").isdigit() else float(text)
    if kind == "datetime":
        at = _read_instant(text)
        if at is None:
            raise ValueError(text)
        return at.isoformat()
    return text


def _read_instant(text: str) -> datetime | None:
    try:
        return to_china_time(datetime.fromisoformat(text))
    except ValueError:
        return None


def _choose_input(
    type_: str, payload: type[Payload], name: str, words: Words | None
) -> tuple[InputKind, Sequence[tuple[str, str]]]:
    info = payload.model_fields[name]
    wire = info.alias or name
    labels = labels_of(type_.removeprefix("reentry.").removesuffix(".v1"), wire)
    kinds = set(_flatten(info.annotation))
    if list in kinds:
        return "list", ()
    if labels:
        side = words.language if words is not None else "en"
        return "select", [(code, getattr(label, side)) for code, label in labels.items()]
    if bool in kinds:
        return "check", ()
    if int in kinds or float in kinds:
        return "number", ()
    formats = str(info.metadata) + str(info.annotation)
    if "date-time" in formats:
        return "datetime", ()
    return ("date", ()) if "'date'" in formats else ("text", ())


def _flatten(annotation: Any) -> list[Any]:
    found = [
        annotation
        if isinstance(annotation, type) and not get_args(annotation)
        else getattr(annotation, "__origin__", annotation)
    ]
    for part in get_args(annotation):
        if not isinstance(part, str):
            found += _flatten(part)
    return [one for one in found if isinstance(one, type)]


def _suggest_value(wire: str, kind: InputKind, user: User, anchors: Sequence[EventRow], now: datetime) -> str:
    if wire.endswith("_id") or wire in _FROM_ANCHOR:
        return next((str(one["body"]["data"][wire]) for one in reversed(anchors) if wire in one["body"]["data"]), "")
    if wire in _STAFF:
        return user.staff
    if wire in _OWN_AGENCY:
        return user.agency
    if kind == "date":
        return date(now.year, now.month, now.day).isoformat()
    if kind == "datetime":
        return f"{now:%Y-%m-%dT%H:%M}"
    return ""
