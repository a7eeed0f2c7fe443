"""What is kept of reading and logging in, and who may look at it."""

from sqlalchemy import Engine, select, text

from console.audit import query as audit_query
from console.audit.anomaly import MANY
from console.audit.log import write
from console.audit.query import AuditQuery
from console.auth.attempts import TRIES
from console.auth.permissions import Scope
from console.auth.users import User
from console.db.tables import audit_person, audit_record
from console.text.case_number import write_case_number
from console.web.config import real_time
from sinks.readmodel.tables import alert, handover
from tests.console.conftest import OpenConsole, firing


def kept(engine: Engine, action: str = "read") -> list[tuple[str, str, str]]:
    """Who, about what, and whom of records that tell of persons or of one action."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit_record.c.login, audit_record.c.about, audit_person.c.subject)
            .join(audit_person, audit_person.c.number == audit_record.c.number, isouter=True)
            .where(audit_record.c.action == action)
            .order_by(audit_record.c.number)
        )
        return [(row.login, row.about, row.subject) for row in rows]


def test_every_way_to_read_about_a_person_is_kept(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console("county"), firing(engine, "990102", rule="B08")
    with engine.connect() as connection:
        person = connection.execute(select(alert.c.subject).where(alert.c.alert_id == alert_id)).scalar_one()
    for path in (f"/alerts/{alert_id}", f"/alerts/{alert_id}.json", f"/api/v1/alerts/{alert_id}"):
        assert browser.get(path).status_code == 200
    for path in (f"/people/{person}", f"/api/v1/people/{person}"):
        assert browser.get(path).status_code == 200
    assert (
        kept(engine) == [("county", f"/alerts/{alert_id}", person)] * 3 + [("county", f"/people/{person}", person)] * 2
    )
    browser.get("/people/p1_" + "z" * 26)
    assert len(kept(engine)) == 5


def test_where_the_audit_cannot_be_written_nothing_is_shown(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console("county"), firing(engine, "990102")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_record RENAME TO away"))
    answer = browser.client.get(f"/alerts/{alert_id}")
    assert answer.status_code == 503
    assert 'class="hero"' not in answer.text


def test_logging_in_failing_and_being_locked_are_kept_without_what_was_typed(
    console: OpenConsole, engine: Engine
) -> None:
    browser = console()
    browser.log_in("my-password-by-mistake", "x" * 12)
    for _ in range(TRIES + 2):
        browser.log_in("county", "not the password")
    browser.log_in("city")
    browser.send("/logout")
    assert [one[0] for one in kept(engine, "login_failed")] == ["", *["county"] * (TRIES - 1)]
    assert [one[0] for one in kept(engine, "login_locked")] == ["county"]
    assert [one[0] for one in kept(engine, "login")] == ["city"]
    assert [one[0] for one in kept(engine, "logout")] == ["city"]
    with engine.connect() as connection:
        assert "by-mistake" not in repr(connection.execute(select(audit_record)).all())


def test_the_auditor_sees_who_read_whom_and_no_persons_page(console: OpenConsole, engine: Engine) -> None:
    reader, alert_id = console("county"), firing(engine, "990102", rule="B08")
    reader.get(f"/alerts/{alert_id}")
    person = kept(engine)[0][2]
    auditor = console("auditor")
    page = auditor.get(f"/audit?person={person}&by=county").text
    assert f"<bdi>{write_case_number(person)}</bdi>" in page
    assert f'href="/people/{person}"' not in page
    assert "相互吻合" in page
    assert auditor.client.get(f"/people/{person}").status_code == 403
    told = auditor.client.get("/api/v1/audit", params={"person": person}).json()
    assert [one["persons"] for one in told["records"]] == [[person]]
    assert told["findings"] == []
    assert kept(engine)[-1][1] == f"/audit?person={person}"


def test_the_procurator_sees_reads_of_persons_of_the_prefix_alone(console: OpenConsole, engine: Engine) -> None:
    reader = User("u1", "county", "county", "COUNTY_JUSTICE-990102-01", "990102", "county", None, True)
    with engine.begin() as connection:
        here, there = ("p1_" + "a" * 26, "990102003"), ("p1_" + "b" * 26, "980102003")
        write(connection, None, real_time(), reader, "export", persons=[here, there], about="/today/export")
        write(connection, None, real_time(), reader, "read", persons=[there])
        write(connection, None, real_time(), reader, "user_created")
        scope = Scope("procurator", "PROCURATORATE-990100-01", "9901")
        rows = audit_query.read_records(connection, scope, AuditQuery(), 10)
        assert [(row["action"], row["persons"]) for row in rows] == [("export", [here[0]])]
        assert not audit_query.read_records(connection, scope, AuditQuery(person=there[0]), 10)
        assert not audit_query.read_records(connection, Scope("procurator", "X", ""), AuditQuery(), 10)
        assert len(audit_query.read_records(connection, Scope("auditor", "X", ""), AuditQuery(), 10)) == 3
    page = console("procurator").get("/audit").text
    assert f'href="/people/{here[0]}"' in page
    assert there[0] not in page


def test_pages_of_records_join_without_a_gap(console: OpenConsole, engine: Engine) -> None:
    reader = User("u1", "county", "county", "COUNTY_JUSTICE-990102-01", "990102", "county", None, True)
    with engine.begin() as connection:
        for number in range(25):
            write(connection, None, real_time(), reader, "export", about=f"/today/{number}")
    browser = console("auditor", page_rows=10)
    found, before = [], ""
    while True:
        told = browser.client.get("/api/v1/audit", params={"action": "export", "before": before}).json()
        found += [one["number"] for one in told["records"]]
        if told["before"] is None:
            break
        before = str(told["before"])
    assert found == list(range(25, 0, -1))


def test_a_broken_chain_and_unusual_reading_stand_at_the_top(console: OpenConsole, engine: Engine) -> None:
    reader = User("u1", "county", "county", "COUNTY_JUSTICE-990102-01", "990102", "county", None, True)
    with engine.begin() as connection:
        persons = [(f"p1_{number}", "990102") for number in range(MANY + 1)]
        write(connection, None, real_time(), reader, "export", persons=persons)
        connection.execute(text("DROP TRIGGER audit_record_no_update"))
        connection.execute(audit_record.update().where(audit_record.c.number == 1).values(login="nobody"))
    page = console("auditor").get("/audit", **{"accept-language": "en"}).text
    assert "record 1: changed" in page
    assert f"read {MANY + 1} persons within a day; the limit is {MANY}" in page


def test_the_way_to_the_audit_of_a_person_is_on_the_persons_page_of_the_procurator(
    console: OpenConsole, engine: Engine
) -> None:
    with engine.connect() as connection:
        person = connection.execute(
            select(handover.c.subject).where(handover.c.jurisdiction.startswith("990102")).limit(1)
        ).scalar_one()
    assert f'href="/audit?person={person}"' in console("procurator").get(f"/people/{person}").text
    assert "/audit?person" not in console("county").get(f"/people/{person}").text
