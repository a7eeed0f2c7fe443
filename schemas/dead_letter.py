"""A dead letter as the topic holds it: the record untouched; where it stood and why it is here in its headers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from schemas.envelope import Event
from schemas.instants import show
from schemas.parse import Headers, InvalidEvent, parse
from schemas.payload import SOURCE
from schemas.pii import mask

TOPIC, PARTITION, OFFSET = "__streams.errors.topic", "__streams.errors.partition", "__streams.errors.offset"
EXCEPTION, MESSAGE = "__streams.errors.exception", "__streams.errors.message"
REASON, VERSION, REDRIVES = "reentry.reason", "reentry.version", "reentry.redrives"
SAID_BY, SAID_TYPE = "reentry.source", "reentry.type"  # where the record tells them in a form we know
MASKED = "reentry.masked"  # "true": something that named a person was starred
OURS = ("__streams.errors.", "reentry.")  # how the names of headers begin that this pipeline gives
TRIES = 3  # a dead letter is sent again so often at most

_KNOWN_SOURCE = re.compile(SOURCE)
_KNOWN_TYPE = re.compile(r"reentry\.[a-z]{1,20}\.[a-z_]{1,60}(?:\.v[0-9]{1,3})?")
_PLACE = re.compile(r"[a-z_*0-9., -]{1,120}")
_NUMBER = re.compile(r"\b[0-9]+\b")
_LONGEST_SOURCE = 256


class Refusal(NamedTuple):
    """Why a dead letter would not be understood now either: TRIES, MASKED or the reason of an InvalidEvent; its message."""

    reason: str
    message: str


@dataclass(frozen=True)
class DeadLetter:
    """One record of `reentry.dlq.v1`. What is told of it are names, paths and reasons, never values."""

    partition: int
    offset: int
    arrival: datetime  # mapped to the time that facts are judged in
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def place(self) -> str:
        """What names it: partition:offset."""
        return f"{self.partition}:{self.offset}"

    @property
    def reason(self) -> str:
        """Why it is here."""
        return self.told(REASON) or "FAILED"

    @property
    def message(self) -> str:
        """What is wrong and where, without values."""
        return self.told(MESSAGE)

    @property
    def topic(self) -> str:
        """The topic it stood on, prefix included."""
        return self.told(TOPIC)

    @property
    def redrives(self) -> int:
        """How often it was sent again before."""
        text = self.told(REDRIVES)
        return int(text) if text.isdecimal() else 0

    @property
    def field(self) -> str:
        """The path that is wrong: `data.to_agency`; members of a list are `*`. Empty where no path was told."""
        path, colon, _ = self.message.partition(":")
        return _NUMBER.sub("*", path) if colon and _PLACE.fullmatch(path) else ""

    @property
    def source(self) -> str:
        """The publisher, where the record says who it is in the form that publishers have; else empty."""
        return _known_source(self.told(SAID_BY)) or self._said[0]

    @property
    def type(self) -> str:
        """The event type, where it looks like one of ours; else empty."""
        return _known_type(self.told(SAID_TYPE)) or self._said[1]

    def own_headers(self) -> list[tuple[str, bytes | None]]:
        """Return the headers that its publisher gave it."""
        return [(name, value) for name, value in self.headers if not name.startswith(OURS)]

    def headers_of_next_try(self) -> list[tuple[str, bytes]]:
        """Return the headers with which it is sent again: its own (none without a value: clients refuse them), and the number of tries."""
        own = [(name, value or b"") for name, value in self.own_headers()]
        return [*own, (REDRIVES, str(self.redrives + 1).encode())]

    def told(self, name: str) -> str:
        """Return the text of a header; empty where it is missing."""
        return next(((value or b"").decode(errors="replace") for key, value in self.headers if key == name), "")

    def row(self) -> str:
        """Return it as one line: when, why, from where."""
        where = f"{self.topic}[{self.told(PARTITION)}]@{self.told(OFFSET)}"
        return f"{show(self.arrival)}  {self.reason:<15} {where}  {self.message}"

    def wire(self) -> dict[str, Any]:
        """Return it as plain JSON, without its value; keys shortened."""
        told = {name: (text or b"").decode(errors="replace") for name, text in self.headers if name.startswith(OURS)}
        key = None if self.key is None else mask(self.key.decode(errors="replace"))
        size = None if self.value is None else len(self.value)
        said = {name: text for name, text in ((SAID_BY, self.source), (SAID_TYPE, self.type)) if text}
        return {"place": self.place, "at": show(self.arrival), "key": key, "bytes": size, **told, **said}

    def shape(self) -> list[str]:
        """Return the paths of its value with their types: enough to see what is missing or wrong, and nobody's data."""
        if self.value is None:
            return ["null"]
        if self._body is None:
            return [f"not JSON, {len(self.value)} bytes"]
        return list(_shape("", self._body[0]))

    @cached_property
    def _said(self) -> tuple[str, str]:
        return said_by(None if self._body is None else self._body[0], self.headers)

    @cached_property
    def _body(self) -> tuple[Any] | None:
        try:
            return (orjson.loads(self.value or b""),)
        except orjson.JSONDecodeError:
            return None


def said_by(body: Any, headers: Headers) -> tuple[str, str]:
    """Publisher and event type that a record tells, from its JSON or its headers; each empty unless it looks like one of ours."""
    told = {name: (text or b"").decode(errors="replace") for name, text in headers if name in ("ce_source", "ce_type")}
    own = body if isinstance(body, dict) else {}
    source, type_ = (
        found if isinstance(found := own.get(name), str) else told.get(f"ce_{name}", "") for name in ("source", "type")
    )
    return _known_source(source), _known_type(type_)


def _known_source(text: str) -> str:
    is_one = len(text) <= _LONGEST_SOURCE and _KNOWN_SOURCE.fullmatch(text) is not None
    return text if is_one and mask(text) == text else ""


def _known_type(text: str) -> str:
    return text if _KNOWN_TYPE.fullmatch(text) else ""


def understood(letter: DeadLetter, now: datetime, prefix: str) -> Event | Refusal:
    """The event that a dead letter would be if it was sent again and arrived now, or why it would be none."""
    if letter.redrives >= TRIES:
        return Refusal("TRIES", f"was sent {letter.redrives} times")
    if letter.reason == "PII_IN_TEXT" or letter.told(MASKED):
        return Refusal("MASKED", "its numbers were masked; the publisher must send it anew")
    try:
        event = parse(letter.value, letter.headers, now, letter.topic.removeprefix(prefix))
    except InvalidEvent as error:
        return Refusal(error.reason, error.message)
    if letter.reason == "NOT_ALLOWED" and event.fact.startswith("action."):
        return Refusal("NOT_ALLOWED", letter.message)  # decided once, in its case
    return event


def _shape(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _shape(f"{path}.{name}" if path else str(name), one)
    else:
        length = f" of {len(value)}" if isinstance(value, str | list) else ""
        yield f"{path or 'value'}: {type(value).__name__}{length}"
