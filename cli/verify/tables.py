"""What the read model holds, and what the topics say it must hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.output import fail
from cli.runtime import open_database
from cli.verify.standing import Alerts, Cases
from handover.analysis.verification import Judgement, Row, case_view, judge_rows, view_of
from schemas.alert import Alert
from schemas.case import ObligationView
from schemas.instants import show

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from cli.settings import Settings

ALERT_TABLE, HISTORY_TABLE, CASE_TABLE = "alert table", "alert_history table", "case table"


@dataclass(frozen=True, slots=True)
class Tables:
    """What the read model holds, as plain JSON values."""

    alerts: Mapping[str, Row]
    history: Mapping[str, Row]  # by alert and revision
    cases: Mapping[str, Row]


def read_tables(settings: Settings) -> Tables:
    """Read `alert`, `alert_history` and `case`; end the command where they cannot be read.

    To be read before the topics: then whatever a row tells is on a topic too, and what is on its way to SQL is known by
    the broker's stamp.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from sinks.readmodel.tables import alert, alert_history

    engine = open_database(settings)
    try:
        with engine.connect() as connection:
            alerts = {row["alert_id"]: row for row in _alert_rows(connection, alert)}
            history = {_name(row["alert_id"], row["revision"]): row for row in _alert_rows(connection, alert_history)}
            return Tables(alerts, history, _case_rows(connection))
    except SQLAlchemyError as error:
        fail(
            f"the read model cannot be read: {type(error).__name__}", "leave it out with --no-sql, or: handover doctor"
        )
    finally:
        engine.dispose()


def judge_sql(held: Tables, alerts: Alerts, cases: Cases, settled_ms: int) -> Judgement:
    """Compare rows with the topics, which were read after them. What was told after `settled_ms` is not judged."""
    found = _judge_newest(held.alerts, alerts, settled_ms)
    found.add(_judge_history(held.history, alerts, settled_ms))
    found.add(_judge_cases(held.cases, cases, settled_ms))
    return found


def _judge_newest(held: Mapping[str, Row], alerts: Alerts, settled_ms: int) -> Judgement:
    newest = alerts.newest()
    moving = {one.alert_id for one in newest.values() if alerts.written_ms[one.alert_id, one.revision] > settled_ms}
    expected = {one.alert_id: one.wire() for one in newest.values()}
    return judge_rows(ALERT_TABLE, expected, held, moving)


def _judge_history(held: Mapping[str, Row], alerts: Alerts, settled_ms: int) -> Judgement:
    expected: dict[str, Row] = {
        _name(one.alert_id, one.revision): one.wire() for one in reversed(alerts.told)
    }  # the first told counts
    moving = {_name(*key) for key, written in alerts.written_ms.items() if written > settled_ms}
    for name, row in held.items():  # the topic may forget, history does not
        if name not in expected and alerts.has_forgotten(row["alert_id"], row["revision"]):
            expected[name] = row
    return judge_rows(HISTORY_TABLE, expected, held, moving)


def _name(alert_id: str, revision: int) -> str:
    return f"{alert_id}:{revision}"


def _alert_rows(connection: Connection, table: Table) -> Iterator[Row]:
    from sqlalchemy import select

    for row in connection.execute(select(table)).mappings():
        yield {name: _plain(row[name]) for name in Alert.model_fields}


def _judge_cases(held: Mapping[str, Row], cases: Cases, settled_ms: int) -> Judgement:
    expected = {
        subject: {"revision": one.revision, **case_view(one)}
        for subject, one in cases.newest.items()
        if one is not None
    }
    moving = {subject for subject, written in cases.written_ms.items() if written > settled_ms}
    return judge_rows(CASE_TABLE, expected, held, moving)


def _case_rows(connection: Connection) -> dict[str, Row]:
    from sqlalchemy import select

    from sinks.readmodel.tables import case, obligation

    duties: dict[str, list[Row]] = defaultdict(list)
    for row in connection.execute(select(obligation)).mappings():
        duties[row["subject"]].append({name: _plain(row[name]) for name in ObligationView.model_fields})
    return {row["subject"]: _case(row, duties[row["subject"]]) for row in connection.execute(select(case)).mappings()}


def _case(row: Mapping[Any, Any], duties: list[Row]) -> dict[str, Any]:
    document = row["document"]
    public = {"kind": row["kind"], "handovers": document["handovers"], "dispute": document["dispute"]}
    return {"revision": row["revision"], **view_of({**public, "obligations": duties})}


def _plain(value: Any) -> Any:
    return show(value) if isinstance(value, datetime) else value
