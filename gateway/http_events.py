"""CloudEvents over HTTP: the three content modes of a request, as the records that go to Kafka, byte for byte."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.problems import Problem, refuse
from schemas.cloudevents import is_json

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MOST_OF_BATCH = 500  # events
_PREFIX = "ce-"
_BLANK = re.compile(r"[ \t\r\n]*")


class Message(NamedTuple):
    """One event as its record: value and headers of the CloudEvents Kafka binding."""

    value: bytes
    headers: Sequence[tuple[str, bytes]]
    number: int | None = None  # in a batch


def read_request(headers: Mapping[str, str], body: bytes) -> list[Message]:
    """Return the events of a request, unchecked. Raise Problem where the content mode cannot be told, or a batch cannot be split."""
    content = headers.get("content-type", "").strip()
    kind = content.partition(";")[0].strip().lower()
    if kind == BATCH:
        return _split_batch(body)
    if kind == STRUCTURED:
        return [Message(body, [("content-type", STRUCTURED.encode())])]
    if kind.startswith("application/cloudevents"):
        raise refuse(415, f"content-type: of the CloudEvents formats only JSON is read: {STRUCTURED} or {BATCH}")
    attributes = {name: text for name, text in headers.items() if name.startswith(_PREFIX)}
    if not attributes:
        raise refuse(415, f"content-type: send {STRUCTURED}, {BATCH}, or the attributes as ce- headers")
    if content and not is_json(content):
        raise refuse(415, "content-type: the data of an event is application/json")
    told = [
        (f"ce_{name.removeprefix(_PREFIX)}", unquote_to_bytes(text.encode("latin-1")))
        for name, text in attributes.items()
    ]
    return [Message(body, [("content-type", (content or "application/json").encode("latin-1")), *told])]


def _split_batch(body: bytes) -> list[Message]:
    try:
        texts = list(_elements(body.decode()))
    except (ValueError, RecursionError):
        raise refuse(400, "value: no JSON array of events") from None
    if not texts:
        raise refuse(400, "value: no event in the batch")
    if len(texts) > MOST_OF_BATCH:
        raise Problem(413, "http-413", f"More than {MOST_OF_BATCH} events in a batch")
    headers = [("content-type", STRUCTURED.encode())]
    return [Message(text.encode(), headers, index) for index, text in enumerate(texts)]


def _elements(text: str) -> Iterator[str]:
    """The members of an array as they are written, so that a name that is given twice is still seen."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("no array")
    at = _skip(text, at + 1)
    if text[at : at + 1] != "]":
        while True:
            _, end = decoder.raw_decode(text, at)
            yield text[at:end]
            at = _skip(text, end)
            if text[at : at + 1] != ",":
                break
            at = _skip(text, at + 1)
    if text[at : at + 1] != "]" or _skip(text, at + 1) != len(text):
        raise ValueError("the array does not end")


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
