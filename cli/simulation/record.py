"""A record as the broker or a file gets it: the CloudEvent in JSON, or what a faulty publisher made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from cli.simulation import local_time
from cli.simulation.faults import Letter
from cli.simulation.publishers import source_of

_CODES = ("release_kind", "channel", "result", "kind", "outcome", "cause", "reason", "status", "level", "decision_kind")
_NOT_A_PERSON = "身份证号 990102199001011234"  # wrong check digit, and no place has a number that begins with 99


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a simulated history."""

    received: int  # epoch milliseconds; records come in this order
    topic: str
    key: str
    value: bytes | None  # without `receivedtime`
    misplaced: bool

    def line(self) -> bytes:
        """Return the record as a line of a file: `receivedtime` put in, where the record still is an object."""
        if self.value is None:
            return b"null"
        if not self.value.endswith(b"}}"):
            return self.value
        return self.value[:-1] + b',"receivedtime":"' + local_time.show(self.received).encode() + b'"}'


def record(letter: Letter) -> Record:
    """Write a letter down."""
    fact = letter.fact
    body = _body(letter)
    value: bytes | None = None
    if letter.wrong != "null":
        if letter.wrong:
            _spoil(body, letter)
        value = orjson.dumps(body)
        if letter.wrong == "malformed":
            value = value[: len(value) * 2 // 3]
    topic = f"reentry.{fact.name.partition('.')[0]}.v1"
    return Record(letter.arrival, topic, fact.subject, value, letter.misplaced)


def _body(letter: Letter) -> dict[str, Any]:
    fact = letter.fact
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": fact.id,
        "source": source_of(fact.agency),
        "type": f"reentry.{fact.name}.v1",
        "subject": fact.subject,
        "time": local_time.show(fact.at),
        "datacontenttype": "application/json",
        "recordedtime": local_time.show(fact.told),
    }
    if letter.sequence is not None:
        body["sequence"] = letter.sequence
    if fact.corrects is not None:
        body["corrects"] = fact.corrects
    body["data"] = fact.data
    return body


def _spoil(body: dict[str, Any], letter: Letter) -> None:
    data = dict(body["data"])
    if letter.wrong == "enum":
        data[next((name for name in _CODES if name in data), next(iter(data)))] = ["?"]
    elif letter.wrong == "type":
        body["type"] = body["type"].replace(".v1", "_draft.v1")
    elif letter.wrong == "version":
        body["type"] = body["type"].replace(".v1", ".v7")
    elif letter.wrong == "pii":
        data["remark"] = _NOT_A_PERSON
    elif letter.wrong == "ahead":
        body["time"] = local_time.show(letter.arrival + 2 * local_time.DAY)
    body["data"] = data
