"""One alert as it is read: its row, the events behind it, its history, what else the same subject owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from console.auth.permissions import Scope
from console.outbox.action_events import TYPES
from console.queue.query import NOTHING_YET
from sinks.readmodel.tables import alert, alert_history, event, handover, obligation

Row = Mapping[str, Any]
_ACTION_TOPIC = "reentry.action.v1"


@dataclass(frozen=True, slots=True)
class AlertContext:
    """Everything behind one alert. `row["late"]` is false for a duty that has no alert yet."""

    row: Row
    seen: Sequence[Row]
    history: Sequence[Row]
    actions: Sequence[Row]
    handover: Row | None
    others: Sequence[Row]


def find_row(connection: Connection, scope: Scope, alert_id: str) -> Row | None:
    """The alert, or the duty that would raise it, if it is in scope; None otherwise, also where there is none."""
    row = (
        connection.execute(select(alert).where(alert.c.alert_id == alert_id, scope.filter_obligations(alert)))
        .mappings()
        .first()
    )
    if row is not None:
        return {**row, "late": True}
    duty = connection.execute(
        select(obligation).where(obligation.c.alert_id == alert_id, scope.filter_obligations(obligation))
    ).mappings().first()  # fmt: skip
    if duty is None:
        return None
    return {
        "basis": [],
        "ladder": [],
        "changed_at": None,
        "handover_kind": None,
        "rule_book": None,
        **_make_row(connection, dict(duty)),
    }


def _make_row(connection: Connection, duty: Row) -> Row:
    """A duty as a row without an alert. One that was waived before it was due has ended; it can be reopened."""
    at = _find_waiver_time(connection, duty) if duty["state"] == "waived" else None
    ended: dict[str, Any] = {"outcome": "waived" if at else None, "resolved_at": at, "seen": []}
    return {**NOTHING_YET, **ended, **duty, "late": False}


def _find_waiver_time(connection: Connection, duty: Row) -> datetime | None:
    """When it was waived; None while the action itself is still on its way here."""
    waivers = select(event.c.time, event.c.body).where(
        event.c.subject == duty["subject"], event.c.type == TYPES["waive"]
    )
    told = connection.execute(waivers).all()
    return max((one.time for one in told if _is_about(one.body, duty["alert_id"])), default=None)


def _is_about(action: Mapping[str, Any], alert_id: str) -> bool:
    """Whether an action names an alert; a publisher may write an identifier in capitals."""
    return str(action["data"].get("alert_id")).lower() == alert_id


def read_context(connection: Connection, scope: Scope, row: Row) -> AlertContext:
    """What is behind it. Events of topics that the scope may not see are left out."""
    subject, alert_id = row["subject"], row["alert_id"]
    events = [
        dict(one)
        for one in connection.execute(
            select(event).where(event.c.subject == subject, event.c.topic.in_(scope.topics)).order_by(event.c.time)
        ).mappings()
    ]
    wanted = set(row["seen"])
    history = connection.execute(
        select(alert_history).where(alert_history.c.alert_id == alert_id).order_by(alert_history.c.revision)
    ).mappings()
    home = connection.execute(
        select(handover).where(handover.c.handover_id == row["handover_id"], handover.c.subject == subject)
    ).mappings()
    return AlertContext(
        row,
        [one for one in events if one["id"] in wanted and one["topic"] != _ACTION_TOPIC],
        [dict(one) for one in history],
        [one for one in events if one["topic"] == _ACTION_TOPIC and _is_about(one["body"], alert_id)],
        dict(one) if (one := home.first()) is not None else None,
        find_others(connection, scope, subject, alert_id),
    )


def find_others(connection: Connection, scope: Scope, subject: str, but: str = "") -> list[Row]:
    """Alerts and open duties of a subject that are in scope, by deadline; each duty once."""
    alerts = connection.execute(
        select(alert).where(alert.c.subject == subject, alert.c.alert_id != but, scope.filter_obligations(alert))
    ).mappings()
    found: list[Row] = [{**one, "late": True} for one in alerts]
    known = {one["alert_id"] for one in found if one["state"] == "firing" or one["outcome"] == "waived"}
    duties = connection.execute(
        select(obligation).where(
            obligation.c.subject == subject, obligation.c.alert_id != but, scope.filter_obligations(obligation)
        )
    ).mappings()
    found += [_make_row(connection, dict(one)) for one in duties if one["alert_id"] not in known]
    return sorted(found, key=lambda one: (one["due_at"], one["alert_id"]))
