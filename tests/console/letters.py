"""Dead letters for tests, made as the workers make them: of answers that are missing, and of records that stay wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Engine, select

from schemas.instants import millis
from schemas.invalid import InvalidEvent, Reason
from schemas.parse import parse
from schemas.release import EducationCompleted
from schemas.topics import DLQ, RELEASE, named
from sinks.consumer import Record
from sinks.readmodel import dead_letters
from sinks.readmodel.tables import alert
from streams.dead_letters import dead_letter

PRISON = "/agencies/PRISON-990100-01"
STRANGER = "p1_" + "z" * 26


class Raw(NamedTuple):
    """A record as a worker reads it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def event(event_id: str, type_: str, subject: str, at: datetime, data: dict[str, Any], source: str = PRISON) -> bytes:
    """An event in structured mode."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": type_,
            "subject": subject,
            "time": at.isoformat(),
            "data": data,
        }
    )


def unanswered(engine: Engine) -> dict[str, Any]:
    """A firing alert that waits for a prison's word about the education before release (A13)."""
    wanted = select(alert).where(
        alert.c.state == "firing", alert.c.rule_id == "A13", alert.c.jurisdiction.startswith("990102")
    )
    with engine.connect() as connection:
        return dict(connection.execute(wanted.order_by(alert.c.alert_id).limit(1)).mappings().one())


def answer(row: Mapping[str, Any], event_id: str = "answer") -> bytes:
    """The word that the alert waits for: it happened in time."""
    at = row["anchor_at"] + timedelta(hours=1)
    return event(event_id, EducationCompleted.TYPE, row["subject"], at, dict(EducationCompleted.EXAMPLE))


def planned(now: datetime, event_id: str = "planned", subject: str = STRANGER) -> bytes:
    """A release that was planned long ago and is near, so its notice is overdue as soon as anybody knows."""
    data = {
        "custody_episode_id": "E1",
        "release_kind": "EXPIRY",
        "release_date": (now + timedelta(days=3)).date().isoformat(),
        "home_code": "990102004",
        "key_person": False,
        "minor": False,
    }
    return event(event_id, "reentry.release.scheduled.v1", subject, now - timedelta(days=90), data)


def buried(raw: Raw, reason: Reason, message: str, now: datetime, offset: int) -> Record:
    """The dead letter of a record, as the sink reads it."""
    output = dead_letter(raw, reason, message)
    return Record(DLQ, raw.partition, offset, output.key, output.value, output.headers, millis(now), now)


def why(value: bytes | None, topic: str, now: datetime) -> tuple[Reason, str]:
    """Why a record is no event; FAILED where it is one and a bug is to blame."""
    try:
        parse(value, (), now, topic)
    except InvalidEvent as error:
        return error.reason, error.message
    return "FAILED", "KeyError"


def bury(
    engine: Engine, now: datetime, values: Sequence[tuple[str, bytes | None]], prefix: str = "", first: int = 0
) -> None:
    """Put records (topic without prefix, value) among the dead letters of the read model."""
    records = []
    for number, (topic, value) in enumerate(values, first):
        raw = Raw(named(prefix, topic), 0, 100 + number, STRANGER.encode(), value, [("traceparent", b"00-1")])
        records.append(buried(raw, *why(value, topic, now), now, number))
    with engine.begin() as connection:
        dead_letters.write(connection, records)


def usual(engine: Engine, now: datetime) -> list[tuple[str, bytes | None]]:
    """Two that would pass now, one ending an alert and one raising one; five that stay wrong."""
    row = unanswered(engine)
    wrong = orjson.loads(answer(row, "wrong"))
    return [
        (RELEASE, answer(row)),
        (RELEASE, planned(now)),
        (RELEASE, orjson.dumps({**wrong, "data": {}})),
        (RELEASE, orjson.dumps({**wrong, "type": "reentry.release.education_completed.v7"})),
        (RELEASE, b'{"specversion": "1.0", "id"'),
        (RELEASE, orjson.dumps({**wrong, "data": {**wrong["data"], "remark": "13800000000"}})),
        (RELEASE, orjson.dumps({**wrong, "time": (now + timedelta(days=2)).isoformat()})),
    ]
