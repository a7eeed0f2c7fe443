"""Users as administrators make and change them; passwords for once; who may not be changed by whom."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from console.accounts.admin import ONCE_LASTS, make_password
from console.accounts.demo_users import DEMO_PASSWORD
from console.auth.attempts import TRIES
from console.db.tables import audit_record, console_session, console_user
from console.web.config import real_time
from tests.console.conftest import Browser, OpenConsole

OFFICE = {"role": "county", "agency": "COUNTY_JUSTICE-990103-01", "prefix": "990103"}
NEW = "a password of my own"


def user_id(engine: Engine, login: str) -> str:
    with engine.connect() as connection:
        found: str = connection.execute(
            select(console_user.c.user_id).where(console_user.c.login == login)
        ).scalar_one()
        return found


def told(engine: Engine) -> list[tuple[str, str, str]]:
    """What administrators did: who, what, whom."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit_record.c.login, audit_record.c.action, audit_record.c.about)
            .where(audit_record.c.action.like("user%") | audit_record.c.action.like("password%"))
            .order_by(audit_record.c.number)
        )
        return [(row.login, row.action, row.about) for row in rows]


def shown_password(page: str) -> str:
    found = re.search(r'<code class="b">([a-z0-9-]{19})</code>', page)
    assert found is not None
    return found[1]


def made(console: OpenConsole, login: str = "990103-07") -> tuple[Browser, str]:
    """The administrator's browser, and the password for once of a new user."""
    admin = console("platform")
    answer = admin.send("/users/new", {"login": login, **OFFICE})
    assert answer.status_code == 200
    return admin, shown_password(answer.text)


def test_a_new_user_gets_a_password_for_once_and_nothing_opens_before_it_is_changed(
    console: OpenConsole, engine: Engine
) -> None:
    admin, password = made(console)
    assert password not in admin.get("/users?q=990103-07").text
    browser = console()
    assert browser.log_in("990103-07", password).status_code == 303
    for path in ("/today", "/settings", "/people"):
        answer = browser.client.get(path, follow_redirects=False)
        assert answer.headers["location"].startswith("/password?next="), path
    assert browser.client.get("/api/v1/queue").status_code == 401
    browser.get("/password")
    assert browser.send("/settings", {"language": "en"}).headers["location"].startswith("/password")
    for old, new, again in (
        (password, "short", "short"),
        ("wrong", NEW, NEW),
        (password, NEW, "other"),
        (password, password, password),
    ):
        assert browser.send("/password", {"p.old": old, "p.new": new, "p.again": again}).status_code == 422
    answer = browser.send("/password", {"p.old": password, "p.new": NEW, "p.again": NEW, "next": "/today"})
    assert answer.headers["location"] == "/today"
    assert browser.get("/today").status_code == 200
    assert console().log_in("990103-07", password).status_code == 401
    assert console().log_in("990103-07", NEW).status_code == 303
    assert told(engine) == [
        ("platform", "user_created", "990103-07"),
        ("990103-07", "password_changed", "990103-07"),
    ]


def test_a_password_for_once_is_good_for_three_days(console: OpenConsole, engine: Engine) -> None:
    _, password = made(console)
    with engine.begin() as connection:
        late = real_time() - timedelta(minutes=1)
        connection.execute(console_user.update().where(console_user.c.login == "990103-07").values(once_until=late))
    assert console().log_in("990103-07", password).status_code == 401
    assert timedelta(hours=72) == ONCE_LASTS
    assert len({make_password() for _ in range(100)}) == 100


def test_locking_ends_sessions_at_once_and_unlocking_lets_in_again(console: OpenConsole, engine: Engine) -> None:
    county, admin = console("county"), console("platform")
    target = user_id(engine, "county")
    assert admin.send(f"/users/{target}/lock").status_code == 303
    assert county.client.get("/today", follow_redirects=False).status_code == 303
    assert console().log_in("county").status_code == 401
    assert admin.send(f"/users/{target}/unlock").status_code == 303
    assert console().log_in("county").status_code == 303
    assert told(engine) == [("platform", "user_locked", "county"), ("platform", "user_unlocked", "county")]


def test_another_role_holds_from_the_next_request_and_the_record_says_what_it_was(
    console: OpenConsole, engine: Engine
) -> None:
    county, admin = console("county"), console("platform")
    answer = admin.send(f"/users/{user_id(engine, 'county')}/move", OFFICE)
    assert answer.status_code == 303
    assert county.client.get("/today", follow_redirects=False).status_code == 303
    assert console("county").client.get("/api/v1/me").json()["prefix"] == "990103"
    with engine.connect() as connection:
        details = connection.execute(
            select(audit_record.c.details).where(audit_record.c.action == "user_changed")
        ).scalar_one()
    assert details["before"]["prefix"] == "990102"
    assert details["after"] == OFFICE


def test_a_reset_gives_another_password_for_once(console: OpenConsole, engine: Engine) -> None:
    county, admin = console("county"), console("platform")
    password = shown_password(admin.send(f"/users/{user_id(engine, 'county')}/reset").text)
    assert county.client.get("/today", follow_redirects=False).headers["location"].startswith("/login")
    assert console().log_in("county", DEMO_PASSWORD).status_code == 401
    assert console().log_in("county", password).status_code == 303
    assert told(engine) == [("platform", "password_reset", "county")]


@pytest.mark.parametrize("action", ["move", "lock", "unlock", "reset"])
def test_an_administrator_changes_neither_themselves_nor_an_auditor_and_makes_none(
    console: OpenConsole, engine: Engine, action: str
) -> None:
    admin = console("platform")
    for login in ("platform", "auditor"):
        answer = admin.send(f"/users/{user_id(engine, login)}/{action}", OFFICE)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    for path in (f"/users/{user_id(engine, 'county')}/move", "/users/new"):
        assert admin.send(path, {"login": "x-1", **OFFICE, "role": "auditor"}).status_code == 422
    assert told(engine) == []
    assert console("auditor").client.get("/users").status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": "有人"}, {"login": ""}, {"login": "county"}, {"role": "king"}, {"agency": "COUNTY"}, {"prefix": ""},
        {"prefix": "9901"}, {"prefix": "99010x"},
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_user_is_said_beside_the_field(
    console: OpenConsole, engine: Engine, wrong: dict[str, str]
) -> None:
    answer = console("platform").send("/users/new", {"login": "990103-07", **OFFICE, **wrong})
    assert answer.status_code == 422
    assert f'id="err-{next(iter(wrong))}"' in answer.text
    assert 'value="990103' in answer.text
    assert told(engine) == []


def test_what_an_administrator_typed_is_there_again_after_the_session_ended(
    console: OpenConsole, engine: Engine
) -> None:
    admin = console("platform")
    admin.get("/users")
    with engine.begin() as connection:
        connection.execute(console_session.update().values(seen_at=real_time() - timedelta(minutes=31)))
    answer = admin.send("/users/new", {"login": "990103-09", "next": "/users", "who": "new", **OFFICE})
    assert answer.status_code == 401
    typed = dict(re.findall(r'name="(typed\.\w+)" value="([^"]*)"', answer.text))
    token = re.findall(r'name="login_token" value="([^"]+)"', answer.text)[0]
    fields = {"u": "platform", "p": DEMO_PASSWORD, "login_token": token, "next": "/users", **typed}
    page = admin.client.post("/login", data=fields).text
    assert 'value="990103-09"' in page
    assert 'id="new" open' in page


def test_wrong_old_passwords_count_as_wrong_logins_do(console: OpenConsole, engine: Engine) -> None:
    browser = console("county")
    for _ in range(TRIES):
        assert browser.send("/password", {"p.old": "wrong", "p.new": NEW, "p.again": NEW}).status_code == 422
    right = {"p.old": DEMO_PASSWORD, "p.new": NEW, "p.again": NEW}
    assert browser.send("/password", right).status_code == 422
    assert console().log_in("county").status_code == 429


def test_many_failures_from_one_address_make_it_wait_whatever_the_name(
    console: OpenConsole, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.auth.attempts.TRIES_FROM_ONE_ADDRESS", 6)
    browser = console()
    for number in range(6):
        assert browser.log_in(f"nobody-{number}", "x" * 12).status_code == 401
    assert browser.log_in("county").status_code == 429
