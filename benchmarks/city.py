"""A read model of the size of a large province on PostgreSQL: what five days of the made-up city wrote, copied many times over."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, Table, select, text

from console.accounts.demo_users import make_demo_users
from console.db import database
from console.web.config import real_time
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from sinks.readmodel.database import connect, migrate
from sinks.readmodel.tables import alert, obligation
from tests.console.conftest import history
from tests.console.model import fill

OPEN_ALERTS, CASES, DUTIES = 100_000, 1_000_000, 300_000
COUNTIES = 20  # of one city: its desk sees all, a county a twentieth

# Another id, person, county and day of the deadline for each copy; everything else as the pipeline wrote it.
_CODE = "'9901' || lpad((1 + n.n % :counties)::text, 2, '0')"
_PERSON = "left(s.subject, 3) || substr(translate(md5(s.subject || n.n), '0189', 'ghij'), 1, 26)"
_MADE = {
    "alert_id": "gen_random_uuid()::text",
    "obligation_id": "gen_random_uuid()::text",
    "subject": _PERSON,
    "jurisdiction": f"regexp_replace(s.jurisdiction, '^9901..', {_CODE})",
    "owner_agency": f"regexp_replace(s.owner_agency, '9901(02|03)', {_CODE})",
}
# Every firing alert is of a duty that its case calls overdue.
_OVERDUE = {"state": "'overdue'", "warn_at": "s.due_at"}
_CASES = (
    (
        'INSERT INTO "case" (subject, kind, revision, jurisdiction, document) '
        "SELECT 'p1_' || substr(translate(md5(n::text), '0189', 'ghij'), 1, 26), 'person', 1, "
        "'9901' || lpad((1 + n % :counties)::text, 2, '0') || '001', '{}'::json FROM generate_series(1, :count) n"
    ),
    (
        "INSERT INTO handover (handover_id, subject, revision, kind, state, jurisdiction, county, town, sending, key_person, opened_at) "
        "SELECT 'h' || n, 'p1_' || substr(translate(md5(n::text), '0189', 'ghij'), 1, 26), 1, 'A', 'open', "
        "'9901' || lpad((1 + n % :counties)::text, 2, '0') || '001', '', '', 'PRISON-990100-01', false, now() "
        "FROM generate_series(1, :count) n"
    ),
)


def made(url: str) -> Engine:
    """Bring the tables there and fill them."""
    engine = connect(url)
    migrate(engine)
    database.migrate(engine)
    now = real_time()
    fill(engine, history((now - timedelta(days=4)).date()), load("cn-default"), load_calendar(), now)
    make_demo_users(engine)
    with engine.begin() as connection:
        _copy(connection, alert, OPEN_ALERTS, "s.state = 'firing' AND s.rule_id NOT LIKE 'X%'", "-")
        _copy(connection, obligation, DUTIES, "s.state = 'open' AND s.due_at > now()", "+")
        _owe(connection)
        for one in _CASES:
            connection.execute(text(one), {"count": CASES, "counties": COUNTIES})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return engine


def _copy(connection: Connection, table: Table, count: int, which: str, sign: str) -> None:
    """Copy a table's rows until there are so many, each up to a fortnight earlier or later."""
    name, columns = table.name, [one.name for one in table.columns]
    seeds = connection.execute(text(f"SELECT count(*) FROM {name} s WHERE {which}")).scalar_one()
    made = {**_MADE, "due_at": f"s.due_at {sign} floor(random() * 14) * interval '1 day'"}
    values = ", ".join(made.get(one, f"s.{one}") for one in columns)
    connection.execute(
        text(
            f"INSERT INTO {name} ({', '.join(columns)}) SELECT {values} FROM {name} s "
            f"CROSS JOIN generate_series(1, :times) n(n) WHERE {which} LIMIT :count"
        ),
        {"times": -(-count // seeds), "count": count, "counties": COUNTIES},
    )


def _owe(connection: Connection) -> None:
    """Write the duty of each firing alert."""
    columns = [one.name for one in obligation.columns]
    values = ", ".join(_OVERDUE.get(one, f"s.{one}") for one in columns)
    which = "s.state = 'firing' ON CONFLICT DO NOTHING"
    connection.execute(
        text(f"INSERT INTO obligation ({', '.join(columns)}) SELECT {values} FROM alert s WHERE {which}")
    )


def some_open(engine: Engine, prefix: str, count: int) -> list[str]:
    """Ids of firing alerts that nobody has acknowledged, in a place."""
    wanted = select(alert.c.alert_id).where(
        alert.c.state == "firing", alert.c.jurisdiction.startswith(prefix), alert.c.acknowledged_by.is_(None)
    )
    with engine.connect() as connection:
        return list(connection.execute(wanted.limit(count)).scalars())
