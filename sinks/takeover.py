"""Where a consumer reads on: its stored position held against the log that is there now. Decided here, stored by each kind itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

GapKind = Literal["REMOVED", "SHRUNK", "OTHER_TOPIC", "OTHER_CLUSTER"]


class Place(NamedTuple):
    """One partition; the topic without prefix."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Log:
    """What a partition holds now: [first, end), and which log it is."""

    first: int
    end: int
    cluster_id: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Stored:
    """The position that came with what was delivered."""

    next_offset: int
    cluster_id: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets [first, next) that the destination and the log do not share."""

    kind: GapKind
    first: int
    next: int


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap that was found and is not closed yet."""

    topic: str
    partition: int
    kind: GapKind
    first_offset: int
    next_offset: int
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading goes on; None: not before the destination has been rebuilt."""

    offset: int | None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Takeover:
    """Where each assigned partition is read on, and what the destination lacks of the consumer's topics."""

    starts: Mapping[Place, Start]
    gaps: Sequence[OpenGap] = ()


class Overtaken(Exception):
    """The stored position is not the one a batch follows: another process has delivered, or a backup was restored."""


def start_at(stored: Stored | None, log: Log) -> Start:
    """Where to read on. Removed unread records are a gap and passed over; records of another log are not mixed with this one's."""
    if stored is None:
        return Start(log.first)
    after = stored.next_offset
    if stored.cluster_id != log.cluster_id:
        return Start(None, Gap("OTHER_CLUSTER", 0, after))
    if stored.topic_id != log.topic_id:
        return Start(None, Gap("OTHER_TOPIC", 0, after))
    if log.end < after:
        return Start(None, Gap("SHRUNK", log.end, after))
    if log.first > after:
        return Start(log.first, Gap("REMOVED", after, log.first))
    return Start(after)


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything appended before `until_ms` (broker time) is delivered, as long as stored positions are at `offsets` or further."""

    until_ms: int
    offsets: Mapping[Place, int]
