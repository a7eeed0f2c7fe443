"""The shapes of rows say what the tables hold: else the type checker checks against names and types that are not there."""

import types
from datetime import datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Column, Engine, Float, Integer, String, Table, select

from console.db import alert_rows, rows, tables
from console.db.reading import read_all, read_first
from console.live.change_feed import ChangedColumns
from sinks.readmodel import tables as readmodel

WHOLE: dict[str, tuple[type, Table]] = {
    "alert": (alert_rows.AlertTableRow, readmodel.alert),
    "alert_history": (alert_rows.AlertTableRow, readmodel.alert_history),
    "obligation": (alert_rows.ObligationTableRow, readmodel.obligation),
    "handover": (rows.HandoverRow, readmodel.handover),
    "event": (rows.EventRow, readmodel.event),
    "pending": (rows.PendingRow, tables.pending),
    "redrive": (rows.RedriveRow, tables.redrive),
    "redrive_letter": (rows.RedriveLetterRow, tables.redrive_letter),
    "whatif_run": (rows.RunRow, tables.whatif_run),
    "whatif_alert": (rows.WhatIfAlertRow, tables.whatif_alert),
    "proposal": (rows.ProposalRow, tables.proposal),
    "audit_record": (rows.AuditRow, tables.audit_record),
    "saved_view": (rows.SavedViewRow, tables.saved_view),
}
PARTS = (
    (alert_rows.FiringColumns, readmodel.alert),
    (alert_rows.ObligationColumns, readmodel.obligation),
    (alert_rows.OwedColumns, readmodel.duty),
    (alert_rows.OwedColumns, readmodel.frozen_duty),
    (alert_rows.FeedAlert, readmodel.alert),
    (alert_rows.PastFeedAlert, readmodel.alert),
    (ChangedColumns, readmodel.alert),
    (rows.RunColumns, tables.whatif_run),
)
PYTHON_TYPES = (
    (readmodel.UtcDateTime, datetime),
    (Boolean, bool),
    (Float, float),
    (BigInteger, int),
    (Integer, int),
    (String, str),
)
WIDER = {"raised_at"}  # obligations without an alert have none


def python_type(column: Column[Any]) -> type | None:
    """What a column gives; None: JSON, of any shape."""
    if isinstance(column.type, JSON):
        return None
    return next(type_ for kind, type_ in PYTHON_TYPES if isinstance(column.type, kind))


@pytest.mark.parametrize("name", WHOLE)
def test_a_shape_has_the_columns_of_its_table(name: str) -> None:
    shape, table = WHOLE[name]
    assert set(get_type_hints(shape)) == set(table.c.keys())


@pytest.mark.parametrize(("shape", "table"), [*WHOLE.values(), *PARTS])
def test_a_shape_has_the_types_of_its_columns(shape: type, table: Table) -> None:
    for name, hint in get_type_hints(shape).items():
        column = table.c[name]
        kinds = set(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else {hint}
        assert (type(None) in kinds) == bool(column.nullable) or name in WIDER, name
        kind = python_type(column)
        assert kind is None or kinds - {type(None)} == {kind}, name


def test_a_query_with_other_columns_is_refused(engine: Engine) -> None:
    alert = readmodel.alert
    fewer = select(alert.c.subject)
    more = select(alert.c.subject, alert.c.jurisdiction, alert.c.due_at)
    renamed = select(alert.c.subject, alert.c.jurisdiction.label("place"))
    with engine.connect() as connection:
        for query in (fewer, more, renamed):
            with pytest.raises(TypeError, match="AboutPerson"):
                read_all(connection, query, rows.AboutPerson)
            with pytest.raises(TypeError, match="AboutPerson"):
                read_first(connection, query.where(alert.c.alert_id == "none"), rows.AboutPerson)
        found = read_all(connection, select(alert.c.subject, alert.c.jurisdiction).limit(3), rows.AboutPerson)
    assert len(found) == 3
