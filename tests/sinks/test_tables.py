"""The read model on SQLite and on PostgreSQL: newer wins, repeats change nothing, history keeps all."""

from datetime import timedelta

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, func, select

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas import alert as alerts
from schemas import examples
from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import millis
from schemas.topics import ALERT
from sinks.consumer import Record
from sinks.readmodel import alerts as alert_table
from sinks.readmodel import cases, dead_letters, events, tables
from sinks.readmodel.database import at_head, migrate, prepare
from sinks.readmodel.migration_chain import NotMigrated
from tests.handover.histories import acknowledged, arriving, at, notice, scheduled

ALERTS = list(
    replay(
        arriving(scheduled(), notice("2026-03-01 15:00"), acknowledged("2026-03-12 10:00")),
        load("cn-default"),
        load_calendar(),
    )
)


def record(value: bytes | None, key: bytes = b"k", offset: int = 0) -> Record:
    now = at("2026-03-12 10:00")
    return Record(ALERT, 0, offset, key, value, (), millis(now), now)


def carried(alert: Alert) -> Record:
    return record(orjson.dumps(alerts.event(alert)), alert.alert_id.encode())


def write(engine: Engine, *batches: list[Record]) -> None:
    for batch in batches:
        with engine.begin() as connection:
            assert not alert_table.write(connection, batch)


def rows(engine: Engine) -> dict[str, tuple[int, str]]:
    with engine.connect() as connection:
        found = connection.execute(select(tables.alert.c.alert_id, tables.alert.c.revision, tables.alert.c.state))
        return {row.alert_id: (row.revision, row.state) for row in found}


def test_the_migrations_make_the_tables_from_empty(empty: Engine) -> None:
    assert not at_head(empty)
    for _ in range(2):  # the second time there is nothing to do
        migrate(empty)
        assert at_head(empty)
    with empty.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_sqlite_migrates_itself_and_postgresql_only_by_command(empty: Engine) -> None:
    if empty.dialect.name == "postgresql":
        with pytest.raises(NotMigrated, match="handover sink --migrate"):
            prepare(empty)
        assert not at_head(empty)
        migrate(empty)
    prepare(empty)
    assert at_head(empty)


def test_an_older_revision_never_overwrites_a_newer_and_history_keeps_all(engine: Engine) -> None:
    write(engine, [carried(one) for one in reversed(ALERTS)], [carried(one) for one in ALERTS])
    expected: dict[str, tuple[int, str]] = {}
    for one in ALERTS:
        expected[one.alert_id] = (one.revision, one.state)
    assert rows(engine) == expected
    with engine.connect() as connection:
        kept = {(row.alert_id, row.revision) for row in connection.execute(select(tables.alert_history))}
    assert kept == {(one.alert_id, one.revision) for one in ALERTS}


def test_instants_come_back_aware_and_the_same(engine: Engine) -> None:
    write(engine, [carried(ALERTS[0])])
    with engine.connect() as connection:
        found = connection.execute(select(tables.alert.c.due_at)).scalar_one()
    assert found == ALERTS[0].due_at
    assert found.utcoffset() == timedelta(hours=8)


def test_what_cannot_be_read_is_handed_back_and_the_rest_is_written(engine: Engine) -> None:
    broken = record(b'{"data": {}}')
    with engine.begin() as connection:
        assert list(alert_table.write(connection, [broken, carried(ALERTS[0])])) == [broken]
    assert len(rows(engine)) == 1


def test_a_newer_case_replaces_its_obligations_and_a_tombstone_removes_them(engine: Engine) -> None:
    def snapshot(revision: int, *names: str) -> Record:
        duties = [{**_duty(), "obligation_id": name} for name in names]
        value = {"format": 1, "subject": "s", "kind": "PERSON", "revision": revision, "changed_at": "2026-03-01T00:00:00+08:00", "handovers": [],
                 "dispute": None, "obligations": duties}  # fmt: skip
        return record(orjson.dumps(value), b"s")

    def stored() -> set[str]:
        with engine.connect() as connection:
            return set(connection.execute(select(tables.obligation.c.obligation_id)).scalars())

    for batch, expected in (
        ([snapshot(2, "a", "b")], {"a", "b"}),
        ([snapshot(1, "c")], {"a", "b"}),
        ([snapshot(2, "b", "c")], {"b", "c"}),  # a worker that died after writing 2 was followed by one that knew of 1
        ([snapshot(3, "b")], {"b"}),
        ([record(None, b"s")], set()),
    ):
        with engine.begin() as connection:
            cases.write(connection, batch)
        assert stored() == expected


def test_a_handover_that_the_pipeline_has_forgotten_stays_as_history_and_others_do_not(engine: Engine) -> None:
    def snapshot(revision: int, handovers: list[str], forgotten: list[str]) -> Record:
        told = [{**examples.case()["handovers"][0], "handover_id": name} for name in handovers]
        closed = [{**one, "closed_at": "2026-03-01T00:00:00+08:00"} for one in told]
        value = {
            **examples.case(),
            "revision": revision,
            "handovers": closed,
            "forgotten": forgotten,
            "obligations": [],
        }
        return record(orjson.dumps(value), str(value["subject"]).encode())

    def stored() -> set[str]:
        with engine.connect() as connection:
            return set(connection.execute(select(tables.handover.c.handover_id)).scalars())

    subject = str(examples.case()["subject"]).encode()
    for batch, expected in (
        ([snapshot(1, ["h1", "wrong"], [])], {"h1", "wrong"}),
        ([snapshot(2, ["h1"], [])], {"h1"}),
        ([snapshot(3, [], ["h1"])], {"h1"}),
        ([snapshot(4, ["h2"], ["h1"])], {"h1", "h2"}),
        ([record(None, subject)], {"h1", "h2"}),
    ):
        with engine.begin() as connection:
            cases.write(connection, batch)
        assert stored() == expected


def _duty() -> dict[str, object]:
    now = "2026-03-01T00:00:00+08:00"
    return {
        "obligation_id": "o", "alert_id": "a", "handover_id": None, "rule_id": "A01", "occurrence": "", "owner_agency": "PRISON-990100-01",
        "jurisdiction": "990102", "state": "open", "severity": "WARN", "anchor_at": now, "due_at": now, "warn_at": now, "provisional": False,
        "reason": {"zh": "因", "en": "why"}, "missing": [], "computation": [],
    }  # fmt: skip


def arrived(event: Event, arrival: str, offset: int = 0) -> Record:
    when = at(arrival)
    value = orjson.dumps(event.wire())
    return Record(event.topic, 0, offset, event.subject.encode(), value, (), millis(when), when)


def test_an_event_is_kept_once_at_its_earliest_arrival(engine: Engine) -> None:
    told = notice("2026-03-01 15:00")
    for batch in (
        [arrived(told, "2026-03-02 09:00", 1)],
        [arrived(told, "2026-03-01 16:00", 0), arrived(told, "2026-03-03 09:00", 2)],
        [arrived(told, "2026-03-02 09:00", 1)],
    ):
        with engine.begin() as connection:
            assert not events.write(connection, batch)
    with engine.connect() as connection:
        kept = connection.execute(select(tables.event.c.id, tables.event.c.arrival, tables.event.c.day)).all()
        sender = connection.execute(select(tables.publisher)).mappings().one()
    assert list(map(tuple, kept)) == [(told.id, at("2026-03-01 16:00"), "2026-03-01")]
    assert sender["last_arrival"] == at("2026-03-02 09:00")
    assert sender["longest_lag_seconds"] == (at("2026-03-02 09:00") - told.time).total_seconds()


def test_a_dead_letter_read_again_keeps_what_was_decided_about_it(engine: Engine) -> None:
    headers = [
        ("__streams.errors.topic", b"reentry.intake.v1"),
        ("__streams.errors.partition", b"3"),
        ("__streams.errors.offset", b"42"),
        ("reentry.reason", b"SCHEMA"),
    ]
    letter = record(b"\x00{", b"k", 7)._replace(headers=headers)
    with engine.begin() as connection:
        dead_letters.write(connection, [letter])
        connection.execute(tables.dead_letter.update().values(state="dropped"))
    with engine.begin() as connection:
        dead_letters.write(connection, [letter])
        kept = connection.execute(select(tables.dead_letter)).mappings().one()
    assert (kept["reason"], kept["original_partition"], kept["original_offset"]) == ("SCHEMA", 3, 42)
    assert (kept["state"], kept["value"]) == ("dropped", b"\x00{")


def test_changes_are_numbered_in_order_so_that_pages_can_follow(engine: Engine) -> None:
    write(engine, [carried(ALERTS[0])], [carried(ALERTS[-1])])
    with engine.connect() as connection:
        numbers = list(connection.execute(select(tables.change.c.number).order_by(tables.change.c.number)).scalars())
        keys = connection.execute(select(func.count()).select_from(tables.change)).scalar_one()
    assert keys == 2
    assert numbers[0] < numbers[1]
