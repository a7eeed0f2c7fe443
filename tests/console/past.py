"""A small past, written event by event and handover by handover, whose figures can be counted by hand."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from console.reports.month import Month
from console.reports.person_base import PersonBase
from handover.rules.rulebook import load
from schemas.instants import instant
from sinks.readmodel.tables import event, handover, tie

BOOK = load("cn-default")
PRISON, PROVINCE = "PRISON-990100-01", "PROVINCE_JUSTICE-990000-01"
COUNTY, TOWN = "COUNTY_JUSTICE-990102-01", "TOWN_JUSTICE-990102004-01"


FROZEN_AT = instant("2026-03-03T12:00:00+08:00")  # when February is


def known(connection: Connection, prefix: str = "9901", **more: Any) -> PersonBase:
    """February, as known when it is frozen or at `at`."""
    return PersonBase(
        connection, BOOK, prefix, more.get("kinds", ()), Month.of(at("2026-02-10")), more.get("at", FROZEN_AT)
    )


def at(day: str, clock: str = "09:00") -> datetime:
    """An instant of a day."""
    return instant(f"{day}T{clock}:00+08:00")


def tell(
    connection: Connection, subject: str, fact: str, day: str, data: dict[str, Any], agency: str = COUNTY, **more: Any
) -> str:
    """An event at nine o'clock, or at `clock`, that arrives at once, or at `arrival`; its id."""
    known = connection.info.setdefault("told", [0])
    known[0] += 1
    id_, time = f"e{known[0]}", at(day, more.get("clock", "09:00"))
    corrects = {"corrects": more["corrects"]} if "corrects" in more else {}
    connection.execute(insert(event), {
        "source": f"/agencies/{agency}", "id": id_, "topic": f"reentry.{fact.partition('.')[0]}.v1", "type": f"reentry.{fact}.v1",
        "subject": subject, "time": time, "arrival": more.get("arrival", time), "day": day, "sequence": None,
        "body": {"data": data, **corrects},
    })  # fmt: skip
    return id_


def release(connection: Connection, subject: str, day: str, **more: Any) -> str:
    """A person leaves the prison."""
    return tell(connection, subject, "release.occurred", day, {"reason": "RELEASED"}, PRISON, **more)


def home(connection: Connection, subject: str, opened: str, closed: str | None = None, **more: Any) -> None:
    """A handover in 990102, opened and closed at nine o'clock."""
    connection.execute(insert(handover), {
        "handover_id": f"h-{subject}-{opened}", "subject": subject, "revision": 0, "kind": "A", "state": "ACTIVE", "jurisdiction": "990102004",
        "county": COUNTY, "town": TOWN, "sending": PRISON, "release_date": None, "key_person": False, "opened_at": at(opened),
        "closed_at": at(closed) if closed else None, **more,
    })  # fmt: skip


def merge(connection: Connection, removed: str, survivor: str, day: str, **more: Any) -> str:
    """Two refs turn out to be one person, as the ledger notes it."""
    data = {"survivor_ref": survivor, "removed_ref": removed, "cause": "SAME_PERSON"}
    connection.execute(insert(tie), {"subject": survivor, "other": removed})
    return tell(connection, survivor, "release.person_merged", day, data, PROVINCE, **more)
