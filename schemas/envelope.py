"""One event as it is handed around inside: the CloudEvents envelope with typed attributes, the payload as it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from schemas.instants import show

SPECVERSION = "1.0"
PREFIX, VERSION = "reentry.", ".v1"


@lru_cache(maxsize=1_024)  # types are few
def _fact(type_: str) -> str:
    return type_.removeprefix(PREFIX).removesuffix(VERSION)


@lru_cache(maxsize=1_024)
def _topic(type_: str) -> str:
    return f"{PREFIX}{_fact(type_).partition('.')[0]}{VERSION}"


@dataclass(frozen=True, slots=True)
class Event:
    """A CloudEvent of contract.md 1. Instants are +08:00 and whole milliseconds.

    `data` is the plain JSON of the payload, unknown fields included; treat it as read-only. `extensions` holds every
    attribute that has no field of its own (`traceparent`, `datacontenttype`, `dataschema`, …), as it came.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime  # when the fact happened
    data: Mapping[str, Any] = field(hash=False)
    recordedtime: datetime | None = None  # when the publisher's own system wrote it down
    sequence: str | None = None  # decimal digits
    handoverid: str | None = None
    corrects: str | None = None
    receivedtime: datetime | None = None  # in files for replay only: when the event arrived
    extensions: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def fact(self) -> str:
        """The type without prefix and version: `release.notice_sent`."""
        return _fact(self.type)

    @property
    def topic(self) -> str:
        """The topic on which events of this type travel: `reentry.release.v1`."""
        return _topic(self.type)

    @property
    def agency(self) -> str:
        """The agency that speaks: the second segment of the source."""
        _, _, rest = self.source.removeprefix("/").partition("/")
        return rest.partition("/")[0] or self.source

    def wire(self) -> dict[str, Any]:
        """The event as a CloudEvents JSON object (structured mode)."""
        body: dict[str, Any] = {
            "specversion": SPECVERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": show(self.time),
            **self.extensions,
        }
        for name in ("sequence", "handoverid", "corrects"):
            if (value := getattr(self, name)) is not None:
                body[name] = value
        for name in ("recordedtime", "receivedtime"):
            if (at := getattr(self, name)) is not None:
                body[name] = show(at)
        body["data"] = self.data
        return body

    def canonical(self) -> str:
        """The text that decides between copies with one id (semantics.md 3.1): sorted keys, no `receivedtime`."""
        body = self.wire()
        body.pop("receivedtime", None)
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
