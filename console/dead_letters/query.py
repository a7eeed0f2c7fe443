"""Dead letters by reason, publisher, type and path: what we failed to understand. No value is ever read from here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, func, or_, select

from console.db.reading import read_all
from console.db.rows import LetterRow
from console.text.formatter import Words
from schemas.invalid import BETWEEN
from sinks.readmodel.dead_letters import Place
from sinks.readmodel.tables import dead_letter

_KEY = (dead_letter.c.reason, dead_letter.c.source, dead_letter.c.type, dead_letter.c.field)
_MISSING = "Field required"
_ID_LENGTH = 16


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """Dead letters that nobody has decided about and that are wrong in the same way."""

    reason: str
    source: str  # empty where the records do not tell it
    type: str  # likewise
    field: str  # likewise
    n: int
    oldest: datetime
    message: str  # empty where they have several

    @property
    def group_id(self) -> str:
        """A name for addresses: the same for the same reason, publisher, type and path."""
        told = orjson.dumps((self.reason, self.source, self.type, self.field))
        return hashlib.sha256(told).hexdigest()[:_ID_LENGTH]


def list_groups(connection: Connection, reason: str = "", source: str = "") -> list[LetterGroup]:
    """All groups, the oldest first; `source` "-" means those that do not tell it."""
    wanted = select(
        *_KEY,
        func.count().label("n"),
        func.min(dead_letter.c.received_at).label("oldest"),
        func.min(dead_letter.c.message).label("first"),
        func.max(dead_letter.c.message).label("last"),
    ).where(dead_letter.c.state == "pending")
    if reason:
        wanted = wanted.where(dead_letter.c.reason == reason)
    if source:
        wanted = wanted.where(dead_letter.c.source == ("" if source == "-" else source))
    rows = connection.execute(wanted.group_by(*_KEY).order_by(func.min(dead_letter.c.received_at), *_KEY))
    return [
        LetterGroup(
            row.reason, row.source, row.type, row.field, row.n, row.oldest, row.first if row.first == row.last else ""
        )
        for row in rows
    ]


def find_group(connection: Connection, group_id: str) -> LetterGroup | None:
    """A group by its name; None where it has no pending dead letter."""
    return next((one for one in list_groups(connection) if one.group_id == group_id), None)


def list_letters(connection: Connection, group: LetterGroup, after: Place | None, count: int) -> list[LetterRow]:
    """The dead letters of a group by place, without their keys and values."""
    shown = [column for column in dead_letter.c if column.name not in ("key", "value", "headers")]
    wanted = select(*shown, func.length(dead_letter.c.value).label("bytes")).where(
        dead_letter.c.state == "pending",
        *(column == getattr(group, column.name) for column in _KEY),
    )
    if after is not None:
        wanted = wanted.where(_follows(after))
    return read_all(connection, wanted.order_by(dead_letter.c.partition, dead_letter.c.offset).limit(count), LetterRow)


def _follows(place: Place) -> Any:
    partition, offset = place
    return or_(
        dead_letter.c.partition > partition, (dead_letter.c.partition == partition) & (dead_letter.c.offset > offset)
    )


def list_places(connection: Connection, chosen: Sequence[LetterGroup], most: int) -> list[Place]:
    """The places of all dead letters of these groups, the oldest first; `most` of them."""
    mine = or_(*((dead_letter.c.reason == one.reason) & (dead_letter.c.source == one.source) & (dead_letter.c.type == one.type)
                 & (dead_letter.c.field == one.field) for one in chosen))  # fmt: skip
    wanted = select(dead_letter.c.partition, dead_letter.c.offset).where(dead_letter.c.state == "pending", mine)
    order = (dead_letter.c.received_at, dead_letter.c.partition, dead_letter.c.offset)
    return [(row.partition, row.offset) for row in connection.execute(wanted.order_by(*order).limit(most))]


def keep_pending(connection: Connection, wanted: Sequence[Place]) -> list[Place]:
    """Those of these places where a dead letter is pending, in the same order."""
    known: set[Place] = set()
    for partition in {one[0] for one in wanted}:
        offsets = select(dead_letter.c.offset).where(
            dead_letter.c.state == "pending",
            dead_letter.c.partition == partition,
            dead_letter.c.offset.in_([offset for one, offset in wanted if one == partition]),
        )
        known.update((partition, offset) for offset in connection.execute(offsets).scalars())
    return [one for one in dict.fromkeys(wanted) if one in known]


def read_place(text: str) -> Place | None:
    """`partition:offset`; None where it is none."""
    partition, _, offset = text.partition(":")
    if not (partition.isascii() and offset.isascii() and partition.isdigit() and offset.isdigit()):
        return None
    return (int(partition), int(offset)) if len(partition) < 6 and len(offset) < 19 else None


def describe_reason(words: Words, reason: str) -> str:
    """Why a record is not understood, or stays."""
    key = f"dead.reason.{reason}"
    return words.t(key) if words.t.has(key) else reason


def describe_publisher(words: Words, source: str) -> str:
    """Who sent it."""
    return words.source(source) if source else words.t("dead.source.none")


def describe_fault(words: Words, group: LetterGroup) -> str:
    """What is wrong, in a sentence."""
    fact = words.fact(group.type) if group.type else words.t("dead.record")
    if group.reason == "SCHEMA" and group.field:
        name = words.field(group.field.rpartition(".")[2])
        key = "dead.missing" if group.message.partition(BETWEEN)[0].endswith(_MISSING) else "dead.wrong"
        return words.t(key, fact=fact, field=name)
    if group.reason == "UNKNOWN_VERSION":
        return words.t("dead.version", version=group.type.rpartition(".")[2] or "?")
    return words.t(f"dead.what.{group.reason}") if words.t.has(f"dead.what.{group.reason}") else group.message
