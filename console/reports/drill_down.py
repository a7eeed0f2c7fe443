"""The rows behind a figure: exactly the duties that it counts, with what is known of their alerts, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from console.auth.permissions import Scope
from console.queue.query import NOTHING_YET, RowKey
from console.reports.obligation_base import ENDED, ObligationBase, ObligationFilter
from sinks.readmodel.tables import alert

_OF_ALERT = ("step", "held", "acknowledged_by", "assigned_to", "snoozed_until", "revision", "raised_at")
_OUTCOMES = {"in_time": "in_time", "late": "met_late", **{name: name for name in ENDED}}


@dataclass(frozen=True, slots=True)
class DrillDown:
    """Rows of a figure that are in scope, and how many more it counts that are not."""

    rows: Sequence[Mapping[str, Any]]
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
    rows = connection.execute(_select_page(d, and_(condition, mine), after).limit(most)).mappings()
    return DrillDown([_make_row(ground, dict(row)) for row in rows], in_scope, counted)


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


def _make_row(ground: ObligationBase, row: dict[str, Any]) -> dict[str, Any]:
    fires = row["alert_state"] == "firing"
    known = {name: row[name] for name in _OF_ALERT if row[name] is not None}
    outcome = _OUTCOMES.get(row["standing"])
    return {
        **NOTHING_YET,
        **row,
        **{name: NOTHING_YET.get(name) for name in _OF_ALERT},
        **known,
        "severity": row["alert_severity"] or row["severity"],
        "late": row["standing"] == "open" and row["due_at"] <= ground.at,
        "has_alert": row["alert_state"] is not None,
        "fires": fires,
        "outcome": outcome,
        "missing": [],
    }
