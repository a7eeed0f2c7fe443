"""The chain of the audit: whatever was done to it is found, named and placed, by `handover audit verify`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, text

from cli.main import run
from console.audit.log import hash_of, seal_of, write
from console.audit.verification import check, is_in_chain
from console.auth.users import User
from console.db import database
from console.db.tables import audit_head, audit_person, audit_record
from console.web.config import real_time
from sinks.readmodel.database import connect
from sinks.readmodel.dialect import read_snapshot

COUNTY = User("u1", "county", "county", "COUNTY_JUSTICE-990102-01", "990102", "county", None, True)
KEY = b"a secret of more than thirty-two bytes"
COUNT = 9
Tamper = Callable[[Connection, bytes | None], None]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Engine]:
    """The console's tables alone, without what makes the database refuse changes: so does somebody who owns the file."""
    found = connect(f"sqlite:///{tmp_path / 'handover.sqlite'}")
    database.prepare(found)
    with found.begin() as connection:
        for table in ("audit_record", "audit_person"):
            for what in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER {table}_no_{what}"))
    yield found
    found.dispose()


def filled(engine: Engine, key: bytes | None, count: int = COUNT) -> None:
    with engine.begin() as connection:
        for number in range(1, count + 1):
            persons = [(f"p{number}", "990102"), (f"q{number}", "990103")]
            write(connection, key, real_time(), COUNTY, "read", persons=persons, details={"n": number, "of": [1, "甲"]})


def found(engine: Engine, key: bytes | None) -> list[str]:
    with read_snapshot(engine) as connection:
        return [str(one) for one in check(connection, key).findings]


def do(connection: Connection, statement: str) -> None:
    assert connection.execute(text(statement)).rowcount


def changed(connection: Connection, key: bytes | None) -> None:
    do(connection, "UPDATE audit_record SET login = 'somebody-else' WHERE number = 4")


def changed_time(connection: Connection, key: bytes | None) -> None:
    do(connection, "UPDATE audit_record SET at = datetime(at, '-1 day') WHERE number = 4")


def changed_details(connection: Connection, key: bytes | None) -> None:
    do(connection, "UPDATE audit_record SET details = '{}' WHERE number = 4")


def changed_person(connection: Connection, key: bytes | None) -> None:
    do(connection, "UPDATE audit_person SET subject = 'p99' WHERE number = 4 AND subject = 'p4'")


def person_removed(connection: Connection, key: bytes | None) -> None:
    do(connection, "DELETE FROM audit_person WHERE number = 4 AND subject = 'p4'")


def person_added(connection: Connection, key: bytes | None) -> None:
    do(connection, "INSERT INTO audit_person VALUES (4, 'p99', '990102')")


def changed_and_hashed_anew(connection: Connection, key: bytes | None) -> None:
    row = dict(connection.execute(select(audit_record).where(audit_record.c.number == 4)).mappings().one())
    row |= {"about": "/elsewhere", "key": ""}
    row["hash"] = hash_of(None, row, [("p4", "990102"), ("q4", "990103")])
    connection.execute(audit_record.update().where(audit_record.c.number == 4).values(**row))


def last_changed_and_hashed_anew(connection: Connection, key: bytes | None) -> None:
    row = dict(connection.execute(select(audit_record).where(audit_record.c.number == COUNT)).mappings().one())
    row |= {"about": "/elsewhere", "key": ""}
    row["hash"] = hash_of(None, row, [(f"p{COUNT}", "990102"), (f"q{COUNT}", "990103")])
    connection.execute(audit_record.update().where(audit_record.c.number == COUNT).values(**row))


def removed(connection: Connection, key: bytes | None) -> None:
    do(connection, "DELETE FROM audit_record WHERE number IN (4, 5)")


def first_removed(connection: Connection, key: bytes | None) -> None:
    do(connection, "DELETE FROM audit_record WHERE number = 1")


def last_removed(connection: Connection, key: bytes | None) -> None:
    do(connection, f"DELETE FROM audit_record WHERE number = {COUNT}")


def all_removed(connection: Connection, key: bytes | None) -> None:
    do(connection, "DELETE FROM audit_record")


def inserted_at_the_end(connection: Connection, key: bytes | None) -> None:
    last = connection.execute(select(audit_record).where(audit_record.c.number == COUNT)).mappings().one()
    row = {**last, "number": COUNT + 1, "previous": last["hash"], "key": "", "login": "county"}
    row["hash"] = hash_of(None, row, [])
    connection.execute(audit_record.insert().values(**row))


def inserted_in_the_middle(connection: Connection, key: bytes | None) -> None:
    """Those after it move on by one, with their persons, so that no number betrays it."""
    for number in range(COUNT, 4, -1):
        for table in (audit_record, audit_person):
            connection.execute(table.update().where(table.c.number == number).values(number=number + 1))
    before = connection.execute(select(audit_record).where(audit_record.c.number == 4)).mappings().one()
    row = {**before, "number": 5, "previous": before["hash"], "key": ""}
    row["hash"] = hash_of(None, row, [])
    connection.execute(audit_record.insert().values(**row))


def swapped(connection: Connection, key: bytes | None) -> None:
    for table in (audit_record, audit_person):
        for old, new in ((4, 1000), (5, 4), (1000, 5)):
            connection.execute(table.update().where(table.c.number == old).values(number=new))


def head_removed(connection: Connection, key: bytes | None) -> None:
    connection.execute(audit_head.delete())


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "sealed"])
@pytest.mark.parametrize(
    ("tamper", "findings"),
    [
        (changed, ["record 4: changed"]),
        (changed_time, ["record 4: changed"]),
        (changed_details, ["record 4: changed"]),
        (changed_person, ["record 4: changed"]),
        (person_removed, ["record 4: changed"]),
        (person_added, ["record 4: changed"]),
        (changed_and_hashed_anew, ["record 4: changed"]),
        (last_changed_and_hashed_anew, [f"record {COUNT}: changed"]),
        (removed, ["records 4 to 5: removed"]),
        (first_removed, ["record 1: removed"]),
        (last_removed, [f"record {COUNT}: removed"]),
        (all_removed, [f"records 1 to {COUNT}: removed"]),
        (inserted_at_the_end, [f"record {COUNT + 1}: inserted"]),
        (inserted_in_the_middle, ["record 5: inserted"]),
        (swapped, ["records 4 to 5: not in the order in which they were written"]),
        (head_removed, ["the head was changed or removed"]),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_was_done_is_named_and_placed(
    books: Engine, key: bytes | None, tamper: Tamper, findings: list[str]
) -> None:
    filled(books, key)
    assert found(books, key) == []
    with books.begin() as connection:
        tamper(connection, key)
    assert found(books, key) == findings


def test_without_the_secret_nobody_can_cut_the_end_off_and_make_the_head_fit(books: Engine) -> None:
    filled(books, KEY)
    with books.begin() as connection:
        last_removed(connection, KEY)
        hashed = connection.execute(select(audit_record.c.hash).where(audit_record.c.number == COUNT - 1)).scalar_one()
        seal = seal_of(b"another secret of more than 32 bytes", COUNT - 1, hashed)
        connection.execute(audit_head.update().values(number=COUNT - 1, hash=hashed, seal=seal))
    assert found(books, KEY) == ["the head was changed or removed"]


def test_without_the_secret_nobody_can_write_the_whole_chain_anew(books: Engine) -> None:
    filled(books, KEY)
    with books.begin() as connection:
        connection.execute(audit_record.delete())
        connection.execute(audit_person.delete())
        connection.execute(audit_head.update().values(number=0, hash="", key="", seal=""))
    filled(books, None)
    assert found(books, None) == []
    assert found(books, KEY) == [
        "the head bears no seal: written before the secret was configured, or made anew without it"
    ]


def test_records_from_before_the_secret_stay_good_and_none_without_a_seal_comes_after_it(books: Engine) -> None:
    filled(books, None)
    filled(books, KEY)
    assert found(books, KEY) == []
    with books.begin() as connection:
        inserted = connection.execute(select(audit_record).where(audit_record.c.number == 2 * COUNT)).mappings().one()
        row = {**inserted, "number": 2 * COUNT + 1, "previous": inserted["hash"], "key": ""}
        row["hash"] = hash_of(None, row, [])
        connection.execute(audit_record.insert().values(**row))
        connection.execute(audit_head.update().values(number=2 * COUNT + 1, hash=row["hash"]))
    assert found(books, KEY) == ["the head was changed or removed", f"record {2 * COUNT + 1}: changed"]


def test_another_secret_is_said_and_not_taken_for_a_forgery(books: Engine) -> None:
    filled(books, KEY)
    texts = found(books, b"not the secret, but long enough to be one")
    assert texts[-1] == f"records 1 to {COUNT}: sealed with a secret that is not the one configured here"


def test_a_head_that_was_noted_earlier_still_stands(books: Engine) -> None:
    filled(books, None, 4)
    with read_snapshot(books) as connection:
        noted = check(connection, None).head
    filled(books, None, 4)
    with read_snapshot(books) as connection:
        assert is_in_chain(connection, noted)
        assert not is_in_chain(connection, noted.replace("4:", "5:"))
        with pytest.raises(ValueError, match="not a number and a hash"):
            is_in_chain(connection, "4:xyz")


# --- the command


@pytest.fixture
def verify(books: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs `handover audit verify` on these books."""
    monkeypatch.setenv("REENTRY_DATA_DIR", str(tmp_path))
    (tmp_path / "key").write_bytes(KEY)

    def asked(*arguments: str, key: bool = True) -> int:
        if key:
            monkeypatch.setenv("REENTRY_AUDIT_KEY_FILE", str(tmp_path / "key"))
        return run(["audit", "verify", *arguments])

    return asked


def test_the_command_says_that_all_is_well_and_where_the_head_is(
    books: Engine, verify: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    filled(books, KEY)
    assert verify() == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{COUNT} records, each where it was written, sealed; head {COUNT}:")
    head = told.split()[-1]
    filled(books, KEY)
    assert verify("--since", head) == 0
    assert verify("--since", head.replace(f"{COUNT}:", "1:")) == 1
    assert "does not stand in the chain" in capsys.readouterr().err
    assert verify("--since", "x") == 2


def test_the_command_fails_with_one_line_for_each_finding(
    books: Engine, verify: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    filled(books, KEY)
    with books.begin() as connection:
        changed(connection, KEY)
        do(connection, "DELETE FROM audit_record WHERE number = 7")
    assert verify() == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == ["record 4: changed", "record 7: removed"]
    assert told.err == f"handover: 2 findings in {COUNT - 1} records; compare the audit with a backup\n"
    assert verify("--json") == 1
    assert capsys.readouterr().out.splitlines()[1] == '{"what":"removed","first":7,"last":7}'


def test_a_secret_that_is_missing_or_too_short_is_said_in_one_line(
    books: Engine,
    verify: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "key").write_bytes(b"short")
    assert verify() == 2
    assert "fewer than 32 bytes" in capsys.readouterr().err
    monkeypatch.setenv("REENTRY_AUDIT_KEY_FILE", str(tmp_path / "none"))
    assert verify(key=False) == 2
    assert "none" in capsys.readouterr().err


def cut(engine: Engine, last: int) -> None:
    """Remove the last records and move the head to where they began."""
    with engine.begin() as connection:
        for table in ("audit_person", "audit_record"):
            connection.execute(text(f"DELETE FROM {table} WHERE number > {COUNT - last}"))
        row = connection.execute(select(audit_record).where(audit_record.c.number == COUNT - last)).first()
        moved = {"number": COUNT - last, "hash": row.hash if row is not None else ""}
        connection.execute(audit_head.update().values(moved))


@pytest.mark.parametrize("last", [1, 5, COUNT])
@pytest.mark.parametrize("goes_on", [False, True], ids=["at once", "after more records"])
def test_an_end_that_was_cut_off_is_found_even_after_the_chain_went_on(books: Engine, last: int, goes_on: bool) -> None:
    filled(books, KEY)
    cut(books, last)
    if goes_on:
        filled(books, KEY, 3)
        assert any("had been removed or moved" in one for one in found(books, KEY))
    else:
        assert found(books, KEY)


def test_an_end_that_was_cut_off_without_moving_the_head_is_found_after_more_records(books: Engine) -> None:
    filled(books, KEY)
    with books.begin() as connection:
        do(connection, f"DELETE FROM audit_record WHERE number = {COUNT}")
    filled(books, KEY, 2)
    assert any("had been removed or moved" in one for one in found(books, KEY))


def test_a_chain_that_begins_to_be_sealed_is_whole(books: Engine) -> None:
    filled(books, None)
    filled(books, KEY, 3)
    assert found(books, KEY) == []
