"""The audit: every record in one chain, also where many write at once; unusual reading is told once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from console.audit import log as audit
from console.audit.anomaly import FEW, MANY
from console.audit.log import NOBODY, write
from console.auth.users import User
from console.db.tables import audit_head, audit_person, audit_record
from console.text.i18n import catalogue
from console.web.config import real_time

COUNTY = User("u1", "county", "county", "COUNTY_JUSTICE-990102-01", "990102", "county", None, True)


def test_records_are_numbered_and_each_holds_the_hash_of_the_one_before(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in (1, 2, 3):
            assert write(connection, None, real_time(), COUNTY, "read", persons=[(f"p{number}", "990102")]) == number
    with engine.connect() as connection:
        rows = connection.execute(select(audit_record).order_by(audit_record.c.number)).all()
        head = connection.execute(select(audit_head)).one()
        persons = connection.execute(select(audit_person.c.number, audit_person.c.subject)).all()
    assert [row.previous for row in rows] == ["", rows[0].hash, rows[1].hash]
    assert (head.number, head.hash) == (3, rows[2].hash)
    assert {(1, "p1"), (2, "p2"), (3, "p3")} == {tuple(one) for one in persons}


def test_what_is_undone_leaves_no_record_and_no_gap(engine: Engine) -> None:
    def fails() -> None:
        with engine.begin() as connection:
            write(connection, None, real_time(), COUNTY, "export")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with engine.begin() as connection:
        assert write(connection, None, real_time(), NOBODY, "login_failed") == 1


def test_many_writers_make_one_chain(engine: Engine) -> None:
    def add(number: int) -> int:
        with engine.begin() as connection:
            return write(connection, b"k" * 32, real_time(), COUNTY, "read", persons=[(f"p{number}", "990102")])

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(add, range(40)))
    assert len(set(numbers)) == 40
    with engine.connect() as connection:
        rows = connection.execute(select(audit_record).order_by(audit_record.c.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_record SET login = 'x'", "DELETE FROM audit_record", "DELETE FROM audit_person"]
)
def test_the_database_refuses_to_change_or_remove_a_record(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        write(connection, None, real_time(), COUNTY, "read", persons=[("p1", "990102")])
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(statement))


def test_somebody_who_reads_unusually_many_is_told_of_once_a_day(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in range(MANY + 5):
            write(connection, None, real_time(), COUNTY, "read", persons=[(f"p{number}", "990102")])
        told = connection.execute(select(audit_record).where(audit_record.c.action == "bulk_read")).all()
    assert [one.details for one in told] == [{"persons": MANY + 1, "limit": MANY}]


def test_the_same_person_again_is_not_many_and_ones_own_habit_is_the_measure(engine: Engine) -> None:
    now = real_time()
    with engine.begin() as connection:
        for day in range(1, 7):
            for number in range(4):
                write(connection, None, now - timedelta(days=day), COUNTY, "read", persons=[(f"d{number}", "990102")])
        for _ in range(FEW + 5):
            write(connection, None, now, COUNTY, "read", persons=[("p1", "990102")])
        assert not connection.execute(select(audit_record).where(audit_record.c.action == "bulk_read")).all()
        write(connection, None, now, COUNTY, "export", persons=[(f"e{number}", "990102") for number in range(FEW)])
        told = connection.execute(select(audit_record.c.details).where(audit_record.c.action == "bulk_read")).all()
    assert [one.details for one in told] == [{"persons": FEW + 1, "limit": FEW}]


def test_every_action_has_a_name() -> None:
    assert {f"audit.action.{one}" for one in audit.ACTIONS} <= catalogue().keys()
