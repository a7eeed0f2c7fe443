"""Records that no retry can write: found by halving the batch, kept as dead letters, and passed over."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from schemas.dead_letter import EXCEPTION, MESSAGE, OFFSET, OURS, PARTITION, REASON, TOPIC
from schemas.dead_letter import VERSION as VERSION_HEADER
from schemas.pii import mask_bytes
from schemas.topics import DLQ, named
from sinks.consumer import Record, Sink, SinkUnavailable, Unwritable
from sinks.publisher import EventPublisher
from sinks.retry import database

log = logging.getLogger(__name__)
VERSION = version("reentry-handover")
VALUE_KEPT, KEY_KEPT, HEADERS_KEPT = 900_000, 4_096, 32_768  # bytes: a broker refuses what is larger than about 1 MiB
MOST_BUGS = 100  # of one batch: more is no record's fault


@dataclass(frozen=True, slots=True)
class Aside:
    """One record, and why it cannot be written."""

    record: Record
    error: Exception

    @property
    def why(self) -> str:
        """The kind of refusal, without values."""
        return str(self.error) if isinstance(self.error, Unwritable) else type(self.error).__name__


def write_all_but_unwritable(
    connection: Connection, sink: Sink, batch: Sequence[Record]
) -> tuple[Sequence[Record], Sequence[Aside]]:
    """Write a batch inside the caller's transaction, which has begun: the records that could not be read, and those not written.

    Raise SinkUnavailable, or the error where it is the program's and not a record's.
    """
    invalid, aside = _halved(connection, sink, batch)
    bugs = [one.error for one in aside if not _is_refusal(one.error)]
    if len(bugs) > MOST_BUGS:
        raise bugs[0]
    return invalid, aside


def _halved(connection: Connection, sink: Sink, batch: Sequence[Record]) -> tuple[Sequence[Record], Sequence[Aside]]:
    try:
        with database(), connection.begin_nested():
            return sink.write(connection, batch), ()
    except Exception as error:
        if not is_of_a_record(error):
            raise
        if len(batch) == 1:
            return (), (Aside(batch[0], error),)
    middle = len(batch) // 2
    first, second = _halved(connection, sink, batch[:middle]), _halved(connection, sink, batch[middle:])
    return [*first[0], *second[0]], [*first[1], *second[1]]


def is_of_a_record(error: Exception) -> bool:
    """Whether the record may be the reason: not where the database is away, or lacks a table."""
    return not isinstance(error, SinkUnavailable | SQLAlchemyError)


def _is_refusal(error: Exception) -> bool:
    """Whether a value is the reason: refused by the server, or by the driver before it was sent."""
    return isinstance(error, Unwritable | ValueError | OverflowError | RecursionError | TypeError)


def keep(connection: Connection, sink: Sink, aside: Sequence[Aside], teller: EventPublisher) -> None:
    """Keep each before its position is passed: on the dead letter topic, acknowledged, or where the sink has a place. Raise KafkaError."""
    for one in aside:
        if sink.set_aside is not None:
            sink.set_aside(connection, one.record, one.why)
        else:
            teller.send(DLQ, *_letter(one, teller.prefix))


def tell(sink: Sink, aside: Sequence[Aside]) -> None:
    """Say of each once where it stands and why it was set aside."""
    for one in aside:
        place = f"{one.record.topic}[{one.record.partition}]@{one.record.offset}"
        trace = None if _is_refusal(one.error) else one.error
        log.error("%s: %s cannot be written (%s), set aside", sink.name, place, one.why, exc_info=trace)


def _letter(one: Aside, prefix: str) -> tuple[bytes, bytes | None, list[tuple[str, bytes]]]:
    record = one.record
    told = {
        TOPIC: named(prefix, record.topic),
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        EXCEPTION: type(one.error).__name__,
        MESSAGE: f"the database cannot hold it: {one.why}",
        REASON: "UNWRITABLE" if _is_refusal(one.error) else "FAILED",
        VERSION_HEADER: VERSION,
    }
    if len(record.value or b"") > VALUE_KEPT or len(record.key or b"") > KEY_KEPT:
        told["reentry.cut"] = f"key {len(record.key or b'')}, value {len(record.value or b'')} bytes"
    value = None if record.value is None else mask_bytes(record.value[:VALUE_KEPT])
    headers = [*_own_headers(record), *((name, text.encode()) for name, text in told.items())]
    return mask_bytes((record.key or b"")[:KEY_KEPT]), value, headers


def _own_headers(record: Record) -> list[tuple[str, bytes]]:
    """Those the publisher gave, as many as there is room for."""
    room, found = HEADERS_KEPT, []
    for name, text in record.headers:
        room -= len(name.encode(errors="replace")) + len(text or b"") + 8
        if room >= 0 and not name.startswith(OURS):
            found.append((name, mask_bytes(text or b"")))
    return found
