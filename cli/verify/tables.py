"""What the read model holds, and what the topics say it must hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.report import fail
from cli.verify.standing import Alerts, Cases
from handover.judge import Judgement, Row, case_view, judge_rows, view_of
from schemas.alert import Alert
from schemas.case import ObligationView
from schemas.instants import millis, show

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from cli.settings import Settings

ALERT_TABLE, HISTORY_TABLE, CASE_TABLE = "alert table", "alert_history table", "case table"


def judge_sql(settings: Settings, alerts: Alerts, cases: Cases, settled_ms: int) -> Judgement:
    """Compare `alert`, `alert_history` and `case` with the topics; end the command where they cannot be read."""
    from sqlalchemy.exc import SQLAlchemyError

    from sinks.database import connect

    engine = connect(settings.database)
    try:
        with engine.connect() as connection:
            found = _judge_newest(connection, alerts, settled_ms)
            found.add(_judge_history(connection, alerts, settled_ms))
            found.add(_judge_cases(connection, cases, settled_ms))
    except SQLAlchemyError as error:
        fail(
            f"the read model cannot be read: {type(error).__name__}", "leave it out with --no-sql, or: handover doctor"
        )
    finally:
        engine.dispose()
    return found


def _judge_newest(connection: Connection, alerts: Alerts, settled_ms: int) -> Judgement:
    from sinks.tables import alert

    held, fresh = _alert_rows(connection, alert, settled_ms)
    newest = alerts.newest()
    moving = {row["alert_id"] for row in fresh} | {
        one.alert_id for one in newest.values() if alerts.written_ms[one.alert_id, one.revision] > settled_ms
    }
    expected = {one.alert_id: one.wire() for one in newest.values()}
    return judge_rows(ALERT_TABLE, expected, {row["alert_id"]: row for row in held}, moving)


def _judge_history(connection: Connection, alerts: Alerts, settled_ms: int) -> Judgement:
    from sinks.tables import alert_history

    held, fresh = _alert_rows(connection, alert_history, settled_ms)
    rows = {_name(row["alert_id"], row["revision"]): row for row in held}
    expected: dict[str, Row] = {
        _name(one.alert_id, one.revision): one.wire() for one in reversed(alerts.told)
    }  # the first told counts
    moving = {_name(row["alert_id"], row["revision"]) for row in fresh}
    moving |= {_name(*key) for key, written in alerts.written_ms.items() if written > settled_ms}
    for row in held:  # the topic may forget, history does not
        name = _name(row["alert_id"], row["revision"])
        if name not in expected and alerts.is_compacted(row["alert_id"]):
            expected[name] = row
    return judge_rows(HISTORY_TABLE, expected, rows, moving)


def _name(alert_id: str, revision: int) -> str:
    return f"{alert_id}:{revision}"


def _alert_rows(connection: Connection, table: Table, settled_ms: int) -> tuple[list[Row], list[Row]]:
    """Return the rows, and those of them that were told too recently."""
    from sqlalchemy import select

    rows: list[Row] = []
    fresh: list[Row] = []
    for row in connection.execute(select(table)).mappings():
        plain = {name: _plain(row[name]) for name in Alert.model_fields}
        rows.append(plain)
        if millis(row["written_at"]) > settled_ms:
            fresh.append(plain)
    return rows, fresh


def _judge_cases(connection: Connection, cases: Cases, settled_ms: int) -> Judgement:
    from sqlalchemy import select

    from sinks.tables import case, obligation

    duties: dict[str, list[Row]] = defaultdict(list)
    for row in connection.execute(select(obligation)).mappings():
        duties[row["subject"]].append({name: _plain(row[name]) for name in ObligationView.model_fields})
    held = {row["subject"]: _case(row, duties[row["subject"]]) for row in connection.execute(select(case)).mappings()}
    expected = {
        subject: {"revision": one.revision, **case_view(one)}
        for subject, one in cases.newest.items()
        if one is not None
    }
    moving = {subject for subject, written in cases.written_ms.items() if written > settled_ms}
    return judge_rows(CASE_TABLE, expected, held, moving)


def _case(row: Mapping[Any, Any], duties: list[Row]) -> dict[str, Any]:
    document = row["document"]
    public = {"kind": row["kind"], "handovers": document["handovers"], "dispute": document["dispute"]}
    return {"revision": row["revision"], **view_of({**public, "obligations": duties})}


def _plain(value: Any) -> Any:
    return show(value) if isinstance(value, datetime) else value
