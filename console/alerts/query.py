"""One alert as it is read: its row, the events behind it, its history, what else the same subject owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from console.auth.permissions import Scope
from console.db.alert_rows import AlertRow, AlertTableRow, ObligationTableRow, RaisedRow, UnraisedRow
from console.db.reading import read_all, read_first
from console.db.rows import EventRow, HandoverRow
from console.outbox.action_events import TYPES
from console.queue.query import NOT_RAISED
from sinks.readmodel.tables import alert, alert_history, event, handover, obligation

_ACTION_TOPIC = "reentry.action.v1"


@dataclass(frozen=True, slots=True)
class AlertContext:
    """Everything behind one alert. `row["late"]` is false for an obligation that has no alert yet."""

    row: AlertRow
    seen: Sequence[EventRow]
    history: Sequence[AlertTableRow]
    actions: Sequence[EventRow]
    handover: HandoverRow | None
    others: Sequence[AlertRow]


def find_row(connection: Connection, scope: Scope, alert_id: str) -> AlertRow | None:
    """The alert, or the obligation that would raise it, if it is in scope; None otherwise, also where there is none."""
    raised = select(alert).where(alert.c.alert_id == alert_id, scope.filter_obligations(alert))
    found = read_first(connection, raised, AlertTableRow)
    if found is not None:
        return _raised_row(found)
    unraised = select(obligation).where(obligation.c.alert_id == alert_id, scope.filter_obligations(obligation))
    owed = read_first(connection, unraised, ObligationTableRow)
    return _make_row(connection, owed) if owed is not None else None


def _raised_row(found: AlertTableRow) -> RaisedRow:
    return {**found, "late": True}


def _make_row(connection: Connection, owed: ObligationTableRow) -> UnraisedRow:
    """An obligation as a row without an alert. One that was waived before it was due has ended; it can be reopened."""
    at = _find_waiver_time(connection, owed) if owed["state"] == "waived" else None
    return {
        **NOT_RAISED,
        **owed,
        "late": False,
        "outcome": "waived" if at else None,
        "resolved_at": at,
        "changed_at": None,
        "rule_book": None,
        "basis": [],
        "seen": [],
        "ladder": [],
    }


def _find_waiver_time(connection: Connection, owed: ObligationTableRow) -> datetime | None:
    """When it was waived; None while the action itself is still on its way here."""
    waivers = select(event.c.time, event.c.body).where(
        event.c.subject == owed["subject"], event.c.type == TYPES["waive"]
    )
    told = connection.execute(waivers).all()
    return max((one.time for one in told if _is_about(one.body, owed["alert_id"])), default=None)


def _is_about(action: Mapping[str, Any], alert_id: str) -> bool:
    """Whether an action names an alert; a publisher may write an identifier in capitals."""
    return str(action["data"].get("alert_id")).lower() == alert_id


def read_context(connection: Connection, scope: Scope, row: AlertRow) -> AlertContext:
    """What is behind it. Events of topics that the scope may not see are left out."""
    subject, alert_id = row["subject"], row["alert_id"]
    of_subject = select(event).where(event.c.subject == subject, event.c.topic.in_(scope.topics))
    events = read_all(connection, of_subject.order_by(event.c.time), EventRow)
    seen = set(row["seen"])
    history = select(alert_history).where(alert_history.c.alert_id == alert_id).order_by(alert_history.c.revision)
    home = select(handover).where(handover.c.handover_id == row["handover_id"], handover.c.subject == subject)
    return AlertContext(
        row,
        [one for one in events if one["id"] in seen and one["topic"] != _ACTION_TOPIC],
        read_all(connection, history, AlertTableRow),
        [one for one in events if one["topic"] == _ACTION_TOPIC and _is_about(one["body"], alert_id)],
        read_first(connection, home, HandoverRow),
        find_others(connection, scope, subject, alert_id),
    )


def find_others(connection: Connection, scope: Scope, subject: str, but: str = "") -> list[AlertRow]:
    """Alerts and open obligations of a subject that are in scope, by deadline; each obligation once."""
    alerts = select(alert).where(alert.c.subject == subject, alert.c.alert_id != but, scope.filter_obligations(alert))
    found: list[AlertRow] = [_raised_row(one) for one in read_all(connection, alerts, AlertTableRow)]
    known = {one["alert_id"] for one in found if one["state"] == "firing" or one["outcome"] == "waived"}
    of_subject = (obligation.c.subject == subject, obligation.c.alert_id != but)
    owed = select(obligation).where(*of_subject, scope.filter_obligations(obligation))
    rows = read_all(connection, owed, ObligationTableRow)
    found += [_make_row(connection, one) for one in rows if one["alert_id"] not in known]
    return sorted(found, key=lambda one: (one["due_at"], one["alert_id"]))
