"""Who sees what: every route × every role × a place that is not theirs; forms, cookies, logins."""

import itertools
import re
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response
from sqlalchemy import Engine, select
from starlette.routing import Route

from console.accounts.demo_users import DEMO_PASSWORD, DEMO_USERS, DemoUser
from console.app import MENU, PAGES, ROUTERS
from console.auth.attempts import TRIES
from console.auth.permissions import ACTIONS, ROLES, Scope, under
from console.auth.users import User, create
from console.db.tables import console_session
from console.web.config import real_time
from sinks.readmodel.sealing import is_sealed
from sinks.readmodel.tables import alert, handover, obligation
from tests.console.conftest import AUDIENCE, Browser, OpenConsole, firing

PUBLIC = {
    "/live",
    "/ready",
    "/metrics",
    "/static/{name}",
    "/login",
    "/login/oidc",
    "/login/oidc/back",
    "/language",
    "/releases/{token}.ics",
}
BEFORE_LOGIN = {"/login", "/login/oidc"}  # forms of somebody who is not known: with a token of their own
EVERYBODY = ("login", "logout", "password")
ROUTES = [
    (route, method)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
FEED = "agencies/MEDIATION-990102001-01"
USERS = {one.login: one for one in DEMO_USERS}
OF_ROW = ("alert_id", "person_ref")  # parameters that name a row of the read model: out of scope they are not there
VALUES = {  # for every other parameter of an address, a value that is not there; a new one must be put here
    "action": "acknowledge",
    "batch": "none",
    "event_id": "none",
    "view_id": "none",
    "user_id": "none",
    "name": "console.css",
    "source": FEED,
    "group": "none",
    "redrive_id": "none",
    "what": "drop",
    "figure": "registered",
    "book": "cn-default@2",
    "rule": "A02",
    "a": "cn-default@2",
    "b": "city-990100@2",
    "run_id": "none",
    "proposal_id": "none",
    "decision": "refuse",
    "token": "none",
}


def needs(route: APIRoute) -> str | None:
    """What a route asks of its visitor."""
    found = [getattr(one.call, "needs", None) for one in route.dependant.dependencies]
    return next((one for one in found if one is not None), None)


def test_every_route_says_whom_it_is_for() -> None:
    for route, _ in ROUTES:
        assert (needs(route) is None) == (route.path in PUBLIC), route.path
        assert needs(route) in (None, *EVERYBODY, *set().union(*PAGES.values())), route.path


def test_every_page_has_a_route_and_every_entry_of_the_menu_leads_to_one() -> None:
    asked_for = {needs(route) for route, _ in ROUTES}
    assert set().union(*PAGES.values()) <= asked_for
    paths = {route.path: needs(route) for route, method in ROUTES if method == "GET"}
    assert all(paths[entry.menu] == entry.name for entry in MENU)


def test_no_route_stands_beside_the_table_of_routers(console: OpenConsole) -> None:
    served = console().app.routes
    assert [one.path for one in served if isinstance(one, Route)] == []
    assert [one.original_router for one in served if not isinstance(one, Route)] == list(ROUTERS)  # type: ignore[attr-defined]


def test_only_posts_change_something_and_every_post_has_a_token() -> None:
    for route, method in ROUTES:
        assert method in ("GET", "POST"), route.path
        if method == "POST" and route.path not in BEFORE_LOGIN:
            calls = [getattr(one.call, "__qualname__", "") for one in route.dependant.dependencies]
            assert any(name.startswith(("form.", "sender.", "upload.")) for name in calls), route.path


def filled(route: APIRoute, alert_id: str, person: str) -> str:
    """The address of a route for a row that is there."""
    values = {**VALUES, "alert_id": alert_id, "person_ref": person}
    return re.sub(r"\{(\w+)(?::path)?\}", lambda found: values[found[1]], route.path)


def asked(browser: Browser, method: str, path: str) -> Response:
    """The answer to a request that lacks nothing but the right."""
    if method == "GET":
        return browser.client.get(path, follow_redirects=False)
    if path.startswith("/api/"):
        token = browser.client.get("/api/v1/me").json()["csrf"]
        body: dict[str, object] = {} if "/redrive" in path else {"key": "12345678"}
        if path.endswith("/record"):
            body |= {"type": "x", "time": "2026-03-01T00:00:00+08:00", "data": {}}
        return browser.client.post(path, json=body, headers={"x-csrf-token": token})
    return browser.send(path, {"note": "x"})


def elsewhere(user: DemoUser) -> DemoUser:
    """The same role in another place, of which the read model knows nothing."""
    agency = user.agency.replace("9901", "9802").replace("990000", "980000")
    prefix = user.prefix.replace("9901", "9802") if len(user.prefix) > 2 else user.prefix.replace("99", "98")
    return DemoUser(f"{user.login}-elsewhere", user.role, agency, prefix)


@pytest.mark.parametrize("user", DEMO_USERS, ids=lambda one: one.login)
def test_every_route_for_every_role_of_another_place(console: OpenConsole, engine: Engine, user: DemoUser) -> None:
    stranger = elsewhere(user)
    create(engine, stranger.login, DEMO_PASSWORD, stranger.role, stranger.agency, stranger.prefix)
    scope = Scope(stranger.role, stranger.agency, stranger.prefix, AUDIENCE)  # type: ignore[arg-type]
    browser = console(stranger.login)
    with engine.connect() as connection:
        rows = connection.execute(select(alert).where(alert.c.state == "firing").order_by(alert.c.alert_id)).mappings()
        foreign = next(row for row in map(dict, rows) if not scope.sees(row))
        person = connection.execute(select(handover.c.subject).limit(1)).scalar_one()
    tried = 0
    for route, method in ROUTES:
        needed = needs(route)
        if route.path in PUBLIC or route.path in ("/events", "/logout"):
            continue
        answer = asked(browser, method, filled(route, foreign["alert_id"], person))
        if needed not in (*EVERYBODY, *PAGES[scope.role]):
            assert answer.status_code == 403, (route.path, answer.status_code)
        elif "{source:path}" in route.path and not scope.depends_on(f"/{FEED}"):
            assert answer.status_code == 404, (route.path, answer.status_code)
        elif any(f"{{{name}}}" in route.path for name in OF_ROW):
            nowhere = filled(route, "00000000-0000-0000-0000-000000000000", "p1_" + "0" * 26)
            assert answer.status_code == 404, (route.path, answer.status_code)
            assert asked(browser, method, nowhere).status_code == 404, route.path  # the same as what is not there
        else:
            assert answer.status_code < 500, (route.path, answer.status_code)
        assert person not in answer.text.replace(f"people%2F{person}", "")  # what they asked for themselves
        assert foreign["subject"] not in answer.text
        tried += 1
    assert tried > 12


@pytest.mark.parametrize("user", DEMO_USERS, ids=lambda one: one.login)
def test_no_page_shows_a_row_that_is_out_of_scope(console: OpenConsole, engine: Engine, user: DemoUser) -> None:
    scope = Scope(user.role, user.agency, user.prefix, AUDIENCE)  # type: ignore[arg-type]
    with engine.connect() as connection:
        hidden = {
            row["alert_id"]
            for table in (alert, obligation)
            for row in map(dict, connection.execute(select(table)).mappings())
            if not scope.sees(row)
        }
        hidden -= {
            row["alert_id"] for row in map(dict, connection.execute(select(alert)).mappings()) if scope.sees(row)
        }
    browser = console(user.login, page_rows=5000)
    for path in ("/today", "/today?bucket=later", "/obligations", "/obligations?county=990103"):
        shown = set(re.findall(r"/alerts/([0-9a-f-]{36})", browser.get(path).text))
        assert not shown & hidden, path


@pytest.mark.parametrize("user", DEMO_USERS, ids=lambda one: one.login)
def test_actions_that_a_role_lacks_are_refused_by_name(console: OpenConsole, engine: Engine, user: DemoUser) -> None:
    scope = Scope(user.role, user.agency, user.prefix, AUDIENCE)  # type: ignore[arg-type]
    with engine.connect() as connection:
        row = next(
            (
                one
                for one in map(dict, connection.execute(select(alert).where(alert.c.state == "firing")).mappings())
                if scope.sees(one)
            ),
            None,
        )
    if row is None:
        return
    browser = console(user.login)
    for action in ("acknowledge", "assign", "snooze", "comment", "waive", "contest", "decide", "reopen", "record"):
        answer = browser.send(f"/alerts/{row['alert_id']}/{action}", {"note": "x"})
        assert (answer.status_code == 403) == (not scope.may(action, row)), (action, answer.status_code)


def test_the_filter_in_sql_and_on_a_row_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        for role, prefix, table in itertools.product(
            ROLES, ("", "9", "99", "9901", "990102", "990102006"), (alert, obligation)
        ):
            scope = Scope(role, "COUNTY_JUSTICE-990102-01", prefix, AUDIENCE)
            by_sql = {
                one for (one,) in connection.execute(select(table.c.alert_id).where(scope.filter_obligations(table)))
            }
            rows = connection.execute(select(table, is_sealed(table.c.subject).label("sealed"))).mappings()
            by_hand = {
                row["alert_id"]
                for row in map(dict, rows)
                if scope.sees(row) and not scope.is_sealed_from(row, sealed=row["sealed"])
            }
            assert by_sql == by_hand, (role, prefix, table.name)


def test_a_prefix_is_a_range_also_where_it_ends_in_nine(engine: Engine) -> None:
    with engine.connect() as connection:
        codes = set(connection.execute(select(alert.c.jurisdiction)).scalars())
        for prefix in ("9", "99", "9901", "99010", "990102009", "990102"):
            found = set(
                connection.execute(select(alert.c.jurisdiction).where(under(alert.c.jurisdiction, prefix))).scalars()
            )
            assert found == {code for code in codes if code.startswith(prefix)}


def test_a_silent_feed_is_told_to_those_whose_lists_it_makes_doubtful() -> None:
    county, prison = Scope("county", "COUNTY_JUSTICE-990102-01", "990102"), "/agencies/PRISON-990100-01"
    assert county.depends_on(prison)
    assert county.depends_on("/agencies/TOWN_JUSTICE-990102004-01/desk")
    assert not county.depends_on("/agencies/COUNTY_JUSTICE-990103-01")
    assert not county.depends_on("/agencies/PRISON-980100-01")
    assert Scope("city", "X", "9901").depends_on("/agencies/COUNTY_JUSTICE-990103-01")
    assert Scope("prison", "PRISON-990100-01", "").depends_on(prison)
    assert not Scope("auditor", "X", "99").depends_on(prison)


def test_what_is_not_named_is_denied() -> None:
    assert not ACTIONS["procurator"]
    assert not Scope("rules", "X", "99").obligations
    assert not Scope("county", "", "").sees({"jurisdiction": "990102", "owner_agency": ""})
    assert not Scope("platform", "PLATFORM", "").may("acknowledge")


# --- forms, cookies, logins


def test_a_form_without_its_token_or_from_another_site_changes_nothing(console: OpenConsole, engine: Engine) -> None:
    browser, path = console("county"), f"/alerts/{firing(engine, '990102')}/comment"
    assert browser.client.post(path, data={"note": "x"}).status_code == 400
    assert browser.client.post(path, data={"note": "x", "csrf": "a.b"}).status_code == 400
    assert browser.send(path, {"note": "x"}, headers={"sec-fetch-site": "cross-site"}).status_code == 400
    assert browser.send(path, {"note": "x" * 70_000}).status_code == 413
    other = console("city")
    assert (
        browser.client.post(
            path, data={"note": "x", "csrf": re.findall(r'name="csrf" value="([^"]+)', other.seen)[0]}
        ).status_code
        == 400
    )


def test_headers_hold_everywhere(console: OpenConsole) -> None:
    browser = console("county")
    for path in ("/today", "/login", "/nothing", "/static/console.css", "/ready", "/today?x=%00"):
        headers = browser.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"


def test_cookies_are_for_this_host_and_not_for_scripts(engine: Engine, console: OpenConsole) -> None:
    browser = console()
    answer = browser.log_in("county")
    cookies = answer.headers.get_list("set-cookie")
    session = next(one for one in cookies if one.startswith("console_session="))
    assert "HttpOnly" in session
    assert "SameSite=lax" in session


def test_wrong_passwords_and_unknown_users_read_alike_and_then_wait(console: OpenConsole) -> None:
    browser = console()
    texts = set()
    for login in ("county", "nobody"):
        answer = browser.log_in(login, "not the password")
        assert answer.status_code == 401
        texts.add(re.sub(r"\s", "", re.findall(r'role="alert">.*?</p>', answer.text, re.DOTALL)[0]))
    assert len(texts) == 1
    for _ in range(TRIES - 1):
        browser.log_in("county", "not the password")
    assert browser.log_in("county").status_code == 429
    assert browser.log_in("city").status_code == 303


def test_nothing_is_shown_before_login_and_the_way_back_is_kept(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console(), firing(engine, "990102")
    answer = browser.client.get(f"/alerts/{alert_id}?back=sev%3DCRIT", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next=%2Falerts%2F{alert_id}%3Fback%3Dsev%253DCRIT"
    assert browser.client.get("/events", headers={"accept": "text/event-stream"}).status_code == 401
    answer = browser.log_in("county", next_path="//evil.example")
    assert answer.headers["location"] == "/"


def test_an_expired_session_keeps_what_was_typed(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console("county"), firing(engine, "990102")
    with engine.begin() as connection:
        connection.execute(console_session.update().values(seen_at=real_time() - timedelta(minutes=31)))
    answer = browser.send(f"/alerts/{alert_id}/snooze", {"note": "等法院补寄", "until": "2026-03-11"})
    assert answer.status_code == 401
    assert "登录已过期" in answer.text
    typed = dict(re.findall(r'name="(typed\.\w+)" value="([^"]*)"', answer.text))
    assert typed["typed.note"] == "等法院补寄"
    again = console()
    after = again.log_in("county", next_path=f"/alerts/{alert_id}", **typed)
    assert after.headers["location"] == f"/alerts/{alert_id}"


def test_what_was_typed_comes_back_once(console: OpenConsole, engine: Engine) -> None:
    browser, alert_id = console(), firing(engine, "990102")
    token = re.findall(r'name="login_token" value="([^"]+)"', browser.client.get("/login").text)[0]
    fields = {
        "u": "county",
        "p": DEMO_PASSWORD,
        "login_token": token,
        "next": f"/alerts/{alert_id}",
        "typed.form": "snooze",
        "typed.note": "等法院补寄",
    }
    page = browser.client.post("/login", data=fields).text
    assert "等法院补寄</textarea>" in page
    assert "登录过期前填的内容还在" in page
    assert '<details class="do" id="snooze" open>' in page
    assert "等法院补寄" not in browser.client.get(f"/alerts/{alert_id}").text


def test_logging_out_ends_the_session_on_the_server(console: OpenConsole) -> None:
    browser = console("county")
    token = browser.client.cookies["console_session"]
    browser.send("/logout")
    browser.client.cookies.set("console_session", token)
    assert browser.client.get("/today", follow_redirects=False).status_code == 303


def test_each_role_has_a_user_to_be_tried() -> None:
    assert {one.role for one in DEMO_USERS} == set(ROLES)
    assert User("1", "x", "county", "A", "99", "s", None, True).scope == Scope("county", "A", "99")
