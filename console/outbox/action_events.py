"""What an officer decides or records, as the event that will be published: checked by the same contract as everybody's."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError

from console.auth.users import User
from console.db.alert_rows import AlertRow
from console.web.forms import FieldError, InvalidForm
from schemas.catalogue import PAYLOADS
from schemas.invalid import InvalidEvent
from schemas.parse import parse
from schemas.pii import holds_number
from schemas.prose import names_person

TYPES: Mapping[str, str] = {
    "acknowledge": "reentry.action.acknowledged.v1",
    "unacknowledge": "reentry.action.unacknowledged.v1",
    "assign": "reentry.action.assigned.v1",
    "comment": "reentry.action.commented.v1",
    "snooze": "reentry.action.snoozed.v1",
    "resume": "reentry.action.resumed.v1",
    "waive": "reentry.action.waived.v1",
    "reopen": "reentry.action.reopened.v1",
    "contest": "reentry.action.contested.v1",
    "decide": "reentry.action.contest_decided.v1",
}
NOTE_NEEDED = frozenset(("comment", "snooze", "waive", "contest", "decide"))
LONGEST_NOTE = 200
LONGEST_SNOOZE: Mapping[str, timedelta] = {"CRIT": timedelta(days=14), "": timedelta(days=30)}  # by severity; the rest


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """An action as it was asked for, and checked."""

    event_id: str
    action: str
    body: Mapping[str, Any]


def build_action(
    action: str,
    alert: AlertRow,
    user: User,
    fields: Mapping[str, Any],
    now: datetime,
    officers: Collection[str] = (),
) -> ActionEvent:
    """The event of an action on an alert. Raise InvalidForm.

    `fields`: note, to, until (aware), upheld. `officers`: staff ids that may be given it.
    """
    errors: dict[str, FieldError] = {}
    note = str(fields.get("note") or "").strip()
    errors |= check_note(note, needed=action in NOTE_NEEDED)
    data: dict[str, Any] = {"alert_id": alert["alert_id"], "by": user.staff}
    if note:
        data["note"] = note
    if action == "assign":
        if fields.get("to") not in officers:
            errors["to"] = ("error.to", {})
        data["to"] = fields.get("to") or ""
    if action == "snooze":
        until = fields.get("until")
        if not isinstance(until, datetime) or until <= now:
            errors["until"] = ("error.until", {})
        elif until - now > (most := limit_snooze(alert["severity"])):
            errors["until"] = ("error.until.far", {"n": most.days})
        else:
            data["until"] = until.isoformat()
    if action == "decide":
        if fields.get("upheld") not in (True, False):
            errors["upheld"] = ("error.upheld", {})
        data["upheld"] = bool(fields.get("upheld"))
    if errors:
        raise InvalidForm(errors)
    return _build(action, TYPES[action], alert["subject"], user, data, now, now)


def limit_snooze(severity: str) -> timedelta:
    """How long an alert may be put aside at once."""
    return LONGEST_SNOOZE.get(severity, LONGEST_SNOOZE[""])


def check_note(note: str, *, needed: bool) -> dict[str, FieldError]:
    """What is wrong with a note: nothing in it, too long, or what names a person: number, name, address."""
    if needed and not note:
        return {"note": ("error.note.empty", {})}
    if len(note) > LONGEST_NOTE:
        return {"note": ("error.note.long", {"n": len(note), "most": LONGEST_NOTE})}
    if holds_number(note):
        return {"note": ("error.note.number", {})}
    if names_person(note):
        return {"note": ("error.note.person", {})}
    return {}


def build_recorded(
    type_: str, subject: str, user: User, data: Mapping[str, Any], time: datetime, now: datetime
) -> ActionEvent:
    """The event that an office records as its own answer. Raise InvalidForm: what the contract says against it, by field."""
    try:
        PAYLOADS[type_].model_validate(dict(data))
    except ValidationError as error:
        found: dict[str, FieldError] = {}
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(one["loc"][0]) if one["loc"] else "data"
            key = "error.missing" if one["type"] == "missing" else "error.value"
            found.setdefault(name, (key, {"what": one["msg"].removeprefix("Value error, ")}))
        raise InvalidForm(found) from None
    return _build("record", type_, subject, user, data, time, now)


def may_record(type_: str, user: User) -> bool:
    """Whether an office may record an event of a type as its own."""
    return user.agency.partition("-")[0] in PAYLOADS[type_].SENT_BY


def build_announcement(action: str, type_: str, user: User, data: Mapping[str, Any], now: datetime) -> ActionEvent:
    """The event by which an office tells what is of no single subject: rules, calendars. Raise InvalidForm."""
    return _build(action, type_, f"/agencies/{user.agency}/console", user, data, now, now)


def _build(
    action: str, type_: str, subject: str, user: User, data: Mapping[str, Any], time: datetime, now: datetime
) -> ActionEvent:
    event_id = str(uuid.uuid4())
    body = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/agencies/{user.agency}/console",
        "type": type_,
        "subject": subject,
        "time": time.isoformat(timespec="milliseconds"),
        "recordedtime": now.isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    try:
        parse(orjson.dumps(body), arrival=now)
    except InvalidEvent as error:
        key = {"PII_IN_TEXT": "error.number", "CLOCK_AHEAD": "error.ahead"}.get(error.reason, "error.event")
        place = "time" if error.reason == "CLOCK_AHEAD" else "form"
        raise InvalidForm({place: (key, {"what": error.message})}) from None
    return ActionEvent(event_id, action, body)
