"""Records that no retry can write: found by halving the batch, kept as dead letters, and passed over."""

from collections.abc import Sequence
from importlib.metadata import version

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from schemas.dead_letter import EXCEPTION, MESSAGE, OFFSET, OURS, PARTITION, REASON, TOPIC
from schemas.dead_letter import VERSION as VERSION_HEADER
from schemas.pii import mask_bytes
from schemas.topics import DLQ, named
from sinks.consumer import Delivery, Record, SetAside, SinkUnavailable
from sinks.publisher import EventPublisher
from sinks.readmodel.errors import Unwritable, translate_errors
from sinks.readmodel.writer import Writer

VERSION = version("reentry-handover")
VALUE_KEPT, KEY_KEPT, HEADERS_KEPT = 900_000, 4_096, 32_768  # bytes: a broker refuses what is larger than about 1 MiB
MOST_BUGS = 100  # of one batch: more is no record's fault


def write_by_halves(connection: Connection, writer: Writer, batch: Sequence[Record]) -> Delivery:
    """Write a batch inside the caller's transaction, which has begun, but for the records that cannot be written.

    Raise SinkUnavailable, or the error where it is the program's and not a record's.
    """
    delivery = _write_half(connection, writer, batch)
    bugs = [one.error for one in delivery.set_aside if one.is_bug]
    if len(bugs) > MOST_BUGS:
        raise bugs[0]
    return delivery


def _write_half(connection: Connection, writer: Writer, batch: Sequence[Record]) -> Delivery:
    try:
        with translate_errors(), connection.begin_nested():
            return Delivery(writer.write(connection, batch))
    except Exception as error:
        if not is_of_a_record(error):
            raise
        if len(batch) == 1:
            return Delivery(set_aside=(_set_aside(batch[0], error),))
    middle = len(batch) // 2
    first, second = (_write_half(connection, writer, half) for half in (batch[:middle], batch[middle:]))
    return Delivery([*first.invalid, *second.invalid], [*first.set_aside, *second.set_aside])


def _set_aside(record: Record, error: Exception) -> SetAside:
    why = str(error) if isinstance(error, Unwritable) else type(error).__name__
    return SetAside(record, error, why, is_bug=not _is_refusal(error))


def is_of_a_record(error: Exception) -> bool:
    """Whether the record may be the reason: not where the database is away, or lacks a table."""
    return not isinstance(error, SinkUnavailable | SQLAlchemyError)


def _is_refusal(error: Exception) -> bool:
    """Whether a value is the reason: refused by the server, or by the driver before it was sent."""
    return isinstance(error, Unwritable | ValueError | OverflowError | RecursionError | TypeError)


def keep_aside(
    connection: Connection, writer: Writer, set_aside: Sequence[SetAside], publisher: EventPublisher
) -> None:
    """Keep each before its position is passed: on the dead letter topic, acknowledged, or where the writer has a place. Raise KafkaError."""
    for one in set_aside:
        if writer.set_aside is not None:
            writer.set_aside(connection, one.record, one.why)
        else:
            publisher.send(DLQ, *_dead_letter(one, publisher.prefix))


def _dead_letter(one: SetAside, prefix: str) -> tuple[bytes, bytes | None, list[tuple[str, bytes]]]:
    record = one.record
    texts = {
        TOPIC: named(prefix, record.topic),
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        EXCEPTION: type(one.error).__name__,
        MESSAGE: f"the database cannot hold it: {one.why}",
        REASON: "FAILED" if one.is_bug else "UNWRITABLE",
        VERSION_HEADER: VERSION,
    }
    if len(record.value or b"") > VALUE_KEPT or len(record.key or b"") > KEY_KEPT:
        texts["reentry.cut"] = f"key {len(record.key or b'')}, value {len(record.value or b'')} bytes"
    value = None if record.value is None else mask_bytes(record.value[:VALUE_KEPT])
    headers = [*_own_headers(record), *((name, text.encode()) for name, text in texts.items())]
    return mask_bytes((record.key or b"")[:KEY_KEPT]), value, headers


def _own_headers(record: Record) -> list[tuple[str, bytes]]:
    """Those the publisher gave, as many as there is room for."""
    room, headers = HEADERS_KEPT, []
    for name, text in record.headers:
        room -= len(name.encode(errors="replace")) + len(text or b"") + 8
        if room >= 0 and not name.startswith(OURS):
            headers.append((name, mask_bytes(text or b"")))
    return headers
