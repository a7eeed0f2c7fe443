"""The queue's numbers: counters, facets and rows say the same, and paging shows each row once."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from console.auth.permissions import Scope
from console.db.alert_rows import QueueRow
from console.queue.facet_counts import Cube, add_staff, count_cube
from console.queue.filters import BUCKETS, FACETS, KINDS, STATES, VIEWS, QueueFilters
from console.queue.query import Moment, RowKey, key_of, read_page
from handover.calendar import load_calendar
from sinks.readmodel.tables import alert, obligation
from tests.console.conftest import AUDIENCE, NOW

MOMENT = Moment.of(NOW, load_calendar(), NOW)
SCOPES = (
    Scope("county", "COUNTY_JUSTICE-990102-01", "990102"),
    Scope("township", "TOWN_JUSTICE-990102006-01", "990102006"),
    Scope("city", "CITY_JUSTICE-990100-01", "9901"),
    Scope("province", "PROVINCE_JUSTICE-990000-01", "99"),
    Scope("prison", "PRISON-990100-01", "", AUDIENCE),
    Scope("procurator", "PROCURATORATE-990100-01", "9901", AUDIENCE),
)


def rows_of(engine: Engine, scope: Scope, filters: QueueFilters, size: int = 13) -> list[QueueRow]:
    """All rows, page by page."""
    found: list[QueueRow] = []
    after = None
    with engine.connect() as connection:
        while rows := read_page(connection, scope, "nobody", filters, MOMENT, after, size):
            found += rows
            after = RowKey.read(str(key_of(rows[-1])))
            assert after == key_of(rows[-1])
    return found


def cube_of(engine: Engine, scope: Scope) -> Cube:
    with engine.connect() as connection:
        return add_staff(connection, count_cube(connection, scope, MOMENT), scope, "nobody", MOMENT)


@pytest.mark.parametrize("scope", SCOPES, ids=lambda one: one.role)
def test_counts_are_the_rows(engine: Engine, scope: Scope) -> None:
    counted = cube_of(engine, scope)
    for view, bucket in itertools.product(VIEWS, ("", *BUCKETS)):
        filters = QueueFilters(view=view, bucket=bucket)
        rows = rows_of(engine, scope, filters)
        assert len({row["alert_id"] for row in rows}) == len(rows)
        assert counted.count(filters) == len(rows), (view, bucket)
        assert all(scope.sees(row) for row in rows)


def test_a_facets_number_is_what_choosing_it_leaves(engine: Engine) -> None:
    scope = SCOPES[0]
    counted = cube_of(engine, scope)
    base = QueueFilters(kind=frozenset({"B", "D"}), sev=frozenset({"HIGH", "WARN"}))
    seen = 0
    for facet, numbers in counted.facets(base).items():
        for value, n in numbers.items():
            chosen: dict[str, Any] = {name: base.of(name) for name in FACETS} | {facet: frozenset({value})}
            assert len(rows_of(engine, scope, replace(QueueFilters(), **chosen))) == n, (facet, value)
            seen += 1
    assert seen > 15


def test_critical_and_late_come_first_then_by_deadline(engine: Engine) -> None:
    rows = rows_of(engine, SCOPES[2], QueueFilters())
    keys = [(key_of(row).rank, row["due_at"], row["alert_id"]) for row in rows]
    assert keys == sorted(keys)
    assert rows[0]["severity"] == "CRIT"
    assert {row["late"] for row in rows} == {True, False}


def test_what_its_case_calls_overdue_is_a_row_by_its_alert_alone(engine: Engine) -> None:
    filters = QueueFilters(bucket="over")
    late = {str(row["alert_id"]) for row in rows_of(engine, SCOPES[2], filters)}
    overdue = select(obligation.c.alert_id).where(obligation.c.state == "overdue")
    with engine.begin() as connection:
        one = next(iter(late & set(connection.execute(overdue).scalars())))
        connection.execute(update(alert).where(alert.c.alert_id == one).values(state="resolved"))
    assert late - {str(row["alert_id"]) for row in rows_of(engine, SCOPES[2], filters)} == {one}
    with engine.begin() as connection:
        connection.execute(update(obligation).where(obligation.c.alert_id == one).values(state="open"))
    assert one in {str(row["alert_id"]) for row in rows_of(engine, SCOPES[2], filters)}, "its alert is still to come"


def test_every_state_and_kind_can_be_asked_for(engine: Engine) -> None:
    for state in STATES:
        rows_of(engine, SCOPES[2], QueueFilters(state=frozenset({state})), 50)
    kinds = {kind: len(rows_of(engine, SCOPES[2], QueueFilters(kind=frozenset({kind})), 500)) for kind in KINDS}
    assert sum(kinds.values()) == len(rows_of(engine, SCOPES[2], QueueFilters(), 500))
    assert kinds["B"]
    assert kinds["D"]


def test_nobody_without_duties_counts_any(engine: Engine) -> None:
    for role in ("rules", "auditor"):
        assert not cube_of(engine, Scope(role, "X", "99")).cells.all


def test_a_search_finds_the_beginning_of_a_reference_or_a_rule(engine: Engine) -> None:
    some = rows_of(engine, SCOPES[0], QueueFilters())[0]
    assert some in rows_of(engine, SCOPES[0], QueueFilters(q=str(some["subject"])[:8]))
    assert [some] == rows_of(engine, SCOPES[0], QueueFilters(q=str(some["alert_id"]).upper()[:13]))
    assert {row["rule_id"] for row in rows_of(engine, SCOPES[0], QueueFilters(q="d05"))} == {"D05"}
    assert not rows_of(engine, SCOPES[0], QueueFilters(q="%"))
