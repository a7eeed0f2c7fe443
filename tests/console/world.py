"""A small world of duties, written row by row, whose figures can be counted by hand."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, insert

from schemas.instants import instant
from sinks.obligation_ledger.months import freeze_months
from sinks.readmodel.tables import duty, frozen_duty, frozen_month, ledger

BOOK = "cn-default@2"
DUE = instant("2026-02-10T00:00:00+08:00")  # the end of 9 February
KNOWN = instant("2026-02-20T08:00:00+08:00")
FROZEN_AT = instant("2026-03-03T12:00:00+08:00")


def row(county: str = "990102", rule: str = "A02", standing: str = "in_time", **more: Any) -> dict[str, Any]:
    """One duty; in time is a day before the limit, late two days after it."""
    due_at: datetime = more.pop("due_at", DUE)
    met = {"in_time": due_at - timedelta(days=1), "late": due_at + timedelta(days=2)}.get(standing)
    anchor_at = due_at - timedelta(days=4)
    return {
        "obligation_id": str(uuid.uuid4()), "alert_id": str(uuid.uuid4()), "subject": f"p1_{uuid.uuid4().hex[:26]}", "handover_id": None,
        "handover_kind": "A" if rule.startswith("A") else "B3", "key_person": False, "rule_id": rule, "occurrence": "",
        "owner_agency": f"COUNTY_JUSTICE-{county}-01", "jurisdiction": f"{county}001", "county": county, "severity": "HIGH",
        "anchor_at": anchor_at, "due_at": due_at, "met_at": met, "standing": standing, "contest": None, "provisional": False,
        "computation": [{"day": anchor_at.date().isoformat(), "is": "anchor"}, {"day": due_at.date().isoformat(), "is": "due"}],
        "known_from": anchor_at, "known_until": None, **more,
    }  # fmt: skip


def rows(n: int, *args: Any, **more: Any) -> list[dict[str, Any]]:
    """So many of them."""
    return [row(*args, **more) for _ in range(n)]


def write(engine: Engine, duties: Iterable[dict[str, Any]], until: datetime, *, frozen: bool = False) -> None:
    """The only duties there are, as known at `until`."""
    with engine.begin() as connection:
        for table in (duty, frozen_duty, frozen_month, ledger):
            connection.execute(delete(table))
        connection.execute(insert(duty), list(duties))
        connection.execute(insert(ledger), {"number": 1, "until": until, "rule_book": BOOK})
        if frozen:
            freeze_months(connection, until, BOOK)
