"""Dead letters, to be looked at, redriven or dropped."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from schemas.dead_letter import MESSAGE, OFFSET, PARTITION, REASON, REDRIVES, TOPIC, DeadLetter
from schemas.topics import DLQ
from sinks.consumer import Record
from sinks.readmodel.dialect import insert_new
from sinks.readmodel.tables import dead_letter

State = Literal["pending", "redriven", "dropped"]
Place = tuple[int, int]  # partition, offset
_DIGITS = re.compile("[0-9]{1,18}")


def write(connection: Connection, batch: Sequence[Record]) -> Sequence[Record]:
    """Keep each; what an operator decided about it stays."""
    keep(connection, [_letter(record) for record in batch])
    return ()


def keep(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep each that is not known yet, as pending."""
    insert_new(connection, dead_letter, [_row(letter) for letter in letters])


def set_aside(connection: Connection, record: Record, why: str) -> None:
    """Keep that a letter cannot be written as it is: where it stands, and nothing of what it holds."""
    told = {
        TOPIC: DLQ,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        MESSAGE: why,
        REASON: "UNWRITABLE",
    }
    headers = tuple((name, text.encode()) for name, text in told.items())
    keep(connection, [DeadLetter(record.partition, record.offset, record.arrival, None, None, headers)])


def decide(connection: Connection, places: Iterable[Place], state: State) -> int:
    """Remember what was decided about those that are pending or were redriven before; how many that were."""
    return sum(
        connection.execute(
            dead_letter.update()
            .where(dead_letter.c.partition == partition, dead_letter.c.offset == offset)
            .values(state=state)
        ).rowcount
        for partition, offset in places
    )


def count_quarantined(connection: Connection) -> dict[str, int]:
    """The subjects that workers have set aside, by the keys of their records, and how many facts of each wait for a decision."""
    waiting = (dead_letter.c.reason == "FAILED", dead_letter.c.state == "pending")
    rows = connection.execute(select(dead_letter.c.key, func.count()).where(*waiting).group_by(dead_letter.c.key))
    return {(key or b"").decode(errors="replace"): number for key, number in rows}


def letter_of(row: Mapping[str, Any]) -> DeadLetter:
    """The dead letter that a row tells of, with everything that sending it again needs."""
    told = {
        TOPIC: row["original_topic"],
        PARTITION: str(row["original_partition"]),
        OFFSET: str(row["original_offset"]),
        MESSAGE: row["message"],
        REASON: row["reason"],
        REDRIVES: str(row["redrives"]),
    }
    own = [(name, b64decode(text)) for name, text in row["headers"]]
    headers = (*own, *((name, text.encode()) for name, text in told.items()))
    return DeadLetter(row["partition"], row["offset"], row["received_at"], row["key"], row["value"], headers)


def _letter(record: Record) -> DeadLetter:
    headers = tuple((name, text) for name, text in record.headers or () if text is not None)
    return DeadLetter(record.partition, record.offset, record.arrival, record.key, record.value, headers)


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": _text(letter.reason),
        "original_topic": _text(letter.topic),
        "original_partition": _number(letter.told(PARTITION), -1),
        "original_offset": _number(letter.told(OFFSET), -1, below=2**63),
        "message": _text(letter.message),
        "source": letter.source,
        "type": letter.type,
        "field": letter.field,
        "headers": [(name, b64encode(value or b"").decode()) for name, value in letter.own_headers()],
        "key": letter.key,
        "value": letter.value,
        "received_at": letter.arrival,
        "redrives": _number(letter.told(REDRIVES), 0),
        "state": "pending",
    }


def _text(text: str) -> str:
    return text.replace("\0", "\ufffd")  # which no database takes


def _number(text: str | None, otherwise: int, below: int = 2**31) -> int:
    """Whoever may write to the topic may write anything; a column takes only so much."""
    number = int(text) if text is not None and _DIGITS.fullmatch(text) else otherwise
    return number if number < below else otherwise
