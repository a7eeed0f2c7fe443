"""Where a sink reads on: decided from what SQL says and what the log is."""

import pytest
from alembic import command
from sqlalchemy import Engine, text

from sinks.readmodel import position
from sinks.readmodel.database import CHAIN, at_head, migrate, prepare
from sinks.readmodel.migration_chain import NewerTables
from sinks.readmodel.writers import WRITERS
from sinks.takeover import Gap, Log, Overtaken, Place, Reached, Start, Stored, start_at

OURS = ("c", "t")
EVENTS = next(one for one in WRITERS if one.name == "events")
PLACE = Place(EVENTS.topics[0], 0)


@pytest.mark.parametrize(
    ("stored", "log", "start"),
    [
        (None, Log(0, 10, *OURS), Start(0)),
        (None, Log(7, 10, *OURS), Start(7)),
        (Stored(5, *OURS), Log(0, 10, *OURS), Start(5)),
        (Stored(10, *OURS), Log(0, 10, *OURS), Start(10)),
        (Stored(10, *OURS), Log(10, 10, *OURS), Start(10)),
        (Stored(5, *OURS), Log(8, 10, *OURS), Start(8, Gap("REMOVED", 5, 8))),
        (Stored(5, *OURS), Log(10, 10, *OURS), Start(10, Gap("REMOVED", 5, 10))),
        (Stored(11, *OURS), Log(0, 10, *OURS), Start(None, Gap("SHRUNK", 10, 11))),
        (Stored(5, *OURS), Log(0, 10, "c", "another"), Start(None, Gap("OTHER_TOPIC", 0, 5))),
        (Stored(5, *OURS), Log(0, 10, "another", "t"), Start(None, Gap("OTHER_CLUSTER", 0, 5))),
        (Stored(50, *OURS), Log(60, 70, "another", "another"), Start(None, Gap("OTHER_CLUSTER", 0, 50))),
    ],
)
def test_reading_goes_on_where_rows_and_log_meet(stored: Stored | None, log: Log, start: Start) -> None:
    assert start_at(stored, log) == start


def taken(engine: Engine, log: Log) -> Start:
    with engine.begin() as connection:
        return position.take_over(connection, EVENTS, {PLACE: log})[PLACE]


def open_kinds(engine: Engine) -> list[tuple[str, int, int]]:
    with engine.connect() as connection:
        return [(one.kind, one.first_offset, one.next_offset) for one in position.open_gaps(connection)]


def test_a_gap_is_kept_once_and_a_second_one_beside_it(engine: Engine) -> None:
    assert taken(engine, Log(0, 10, *OURS)).offset == 0
    for first in (4, 4, 8):
        assert taken(engine, Log(first, 10, *OURS)).offset == first
    for _ in range(2):
        assert taken(engine, Log(0, 0, "c", "anew")).offset is None
    assert sorted(open_kinds(engine)) == [("OTHER_TOPIC", 0, 8), ("REMOVED", 0, 4), ("REMOVED", 4, 8)]
    with engine.begin() as connection:
        position.forget(connection, EVENTS.topics)
    assert open_kinds(engine) == []
    assert taken(engine, Log(0, 0, "c", "anew")).offset == 0


def test_a_position_moves_only_from_where_it_is(engine: Engine) -> None:
    taken(engine, Log(0, 10, *OURS))
    with engine.begin() as connection:
        position.move(connection, {PLACE: (0, 6)})
    for before, after in ((0, 4), (5, 7), (7, 6)):
        with pytest.raises(Overtaken), engine.begin() as connection:
            position.move(connection, {PLACE: (before, after)})
    with engine.connect() as connection:
        assert position.read(connection, [PLACE.topic])[PLACE].next_offset == 6


def test_tables_of_a_newer_program_are_never_called_old(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for look in (at_head, prepare, migrate):
        with pytest.raises(NewerTables, match=r"9999.*newer than this program: update the program"):
            look(engine)


def downgrade(engine: Engine) -> None:
    config = CHAIN.config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")


@pytest.mark.parametrize("table", ["alert", "frozen_month", "metric_period"])
def test_the_way_back_drops_no_rows(engine: Engine, table: str) -> None:
    rows = {
        "alert": "INSERT INTO change (kind, key) VALUES ('alert', 'a')",
        "frozen_month": "INSERT INTO frozen_month (month, known_at, rule_book) VALUES ('2026-03', '2026-04-03', 'b')",
        "metric_period": "INSERT INTO metric_period (rule_id, part, until) VALUES ('X01', '', '2026-04-03')",
    }
    with engine.begin() as connection:
        connection.execute(text(rows[table]))
    with pytest.raises(RuntimeError, match="holds rows"):
        downgrade(engine)
    name = rows[table].split()[2]
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() == 1


def test_what_was_reached_holds_no_more_where_sql_was_emptied_or_restored(engine: Engine) -> None:
    """A judge that counts rows must not take those of a table that is being filled again for all there are."""
    reached = Reached(1_000, {PLACE: 8})
    assert taken(engine, Log(0, 10, *OURS)).offset == 0
    with engine.begin() as connection:
        assert not position.is_reached(connection, EVENTS.topics, reached), "nothing was written yet"
        position.move(connection, {PLACE: (0, 8)})
        assert position.is_reached(connection, EVENTS.topics, reached)
        position.move(connection, {PLACE: (8, 5)})
        assert not position.is_reached(connection, EVENTS.topics, reached), "a backup was restored"
        position.move(connection, {PLACE: (5, 12)})
        assert position.is_reached(connection, EVENTS.topics, reached), "and has caught up"
        position.forget(connection, EVENTS.topics)
        assert not position.is_reached(connection, EVENTS.topics, reached), "SQL was emptied"
