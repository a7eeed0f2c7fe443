"""Whether an event may go to the log: the parser that workers use, and what the key allows. All reasons at once."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.api_keys import ApiKey
from gateway.http_events import Message
from gateway.problems import refuse_events
from schemas.cloudevents import attributes
from schemas.envelope import Event
from schemas.invalid import InvalidEvent
from schemas.parse import parse


class Accepted(NamedTuple):
    """An event that a worker would apply, and its record."""

    event: Event
    message: Message


def accept(
    messages: Sequence[Message], key: ApiKey, now: datetime, publishers: Collection[str] | None = None
) -> list[Accepted]:
    """Return all events, or raise Problem with everything that is wrong with any. `publishers`: see schemas.parse."""
    accepted, refused = list[Accepted](), list[tuple[int | None, InvalidEvent]]()
    for message in messages:
        try:
            event = parse(message.value, message.headers, now, None, publishers)
        except InvalidEvent as error:
            refused.append((message.number, InvalidEvent(error.reason, *error.errors, *_differ(message, key))))
            continue
        if wrong := [*_compare(event.source, event.fact, key)]:
            refused.append((message.number, InvalidEvent("NOT_ALLOWED", *wrong)))
        accepted.append(Accepted(event, message))
    if refused:
        raise refuse_events(refused)
    return accepted


def _differ(message: Message, key: ApiKey) -> Iterator[str]:
    """What the key does not allow of a record that is no event, as far as it tells."""
    try:
        told = attributes(message.value, message.headers)
    except InvalidEvent:
        return
    source, type_ = told.get("source"), told.get("type")
    if isinstance(source, str) and isinstance(type_, str):
        yield from _compare(source, type_.removeprefix("reentry.").rpartition(".")[0], key)


def _compare(source: str, fact: str, key: ApiKey) -> Iterator[str]:
    if source != key.source:
        yield "source: is not the one that this key is bound to"
    if not key.may_send(fact):
        yield "type: is not among those that this key may send"
