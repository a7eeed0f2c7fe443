"""The rows behind a figure: exactly the obligations that it counts, with what is known of their alerts, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from console.auth.permissions import Scope
from console.db.alert_rows import DrillDownObligation, LedgerRow
from console.db.reading import read_all
from console.queue.query import NOT_RAISED, RowKey
from console.reports.obligation_base import ENDED, ObligationBase, ObligationFilter
from sinks.readmodel.tables import alert

_OF_ALERT = ("step", "held", "acknowledged_by", "assigned_to", "snoozed_until", "revision", "raised_at")
_OUTCOMES = {"in_time": "in_time", "late": "met_late", **{name: name for name in ENDED}}


@dataclass(frozen=True, slots=True)
class DrillDown:
    """Rows of a figure that are in scope, and how many more it counts that are not."""

    rows: Sequence[DrillDownObligation]
    in_scope: int
    counted: int


def read_drill_down(
    connection: Connection,
    scope: Scope,
    ground: ObligationBase,
    wanted: ObligationFilter,
    result: str,
    after: RowKey | None,
    most: int,
) -> DrillDown:
    """The next rows after a place, by deadline; `late` says whether an alert was raised."""
    d = ground.rows()
    condition = and_(wanted.of(d), ground.result(d, result))
    mine = scope.filter_obligations(d)
    counted = connection.execute(select(func.count()).select_from(d).where(condition)).scalar_one()
    in_scope = connection.execute(select(func.count()).select_from(d).where(condition, mine)).scalar_one()
    rows = read_all(connection, _select_page(d, and_(condition, mine), after).limit(most), LedgerRow)
    return DrillDown([_make_row(ground, row) for row in rows], in_scope, counted)


def _select_page(d: Any, condition: ColumnElement[bool], after: RowKey | None) -> Select[Any]:
    columns = [alert.c[name] for name in _OF_ALERT]
    wanted = (
        select(d, *columns, alert.c.severity.label("alert_severity"), alert.c.state.label("alert_state"))
        .select_from(d.outerjoin(alert, alert.c.alert_id == d.c.alert_id))
        .where(condition)
        .order_by(d.c.due_at, d.c.alert_id)
    )
    if after is None:
        return wanted
    same = and_(d.c.due_at == after.due_at, d.c.alert_id > after.row_id)
    return wanted.where(or_(d.c.due_at > after.due_at, same))


def _make_row(ground: ObligationBase, row: LedgerRow) -> DrillDownObligation:
    return {
        **row,
        "severity": row["alert_severity"] or row["severity"],
        "step": row["step"] or NOT_RAISED["step"],
        "held": row["held"] or NOT_RAISED["held"],
        "revision": row["revision"] or NOT_RAISED["revision"],
        "late": row["standing"] == "open" and row["due_at"] <= ground.at,
        "outcome": _OUTCOMES.get(row["standing"]),
        "has_alert": row["alert_state"] is not None,
        "fires": row["alert_state"] == "firing",
        "missing": [],
    }
