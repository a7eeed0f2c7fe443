"""Values that nobody means, in every parameter of every address and in forms: a refusal or nothing, never a failure."""

import re
from urllib.parse import quote

import pytest
from httpx2 import Response
from sqlalchemy import Engine

from console.accounts.demo_users import DEMO_USERS
from console.app import PAGES
from console.outbox.action_events import LONGEST_SNOOZE
from console.reports.sheets import clean_cell
from console.web.values import strip_invisible
from tests.console.conftest import NOW, Browser, OpenConsole, firing
from tests.console.test_access import BEFORE_LOGIN, EVERYBODY, ROUTES, VALUES, needs

NASTY = (
    "²", "9" * 5000, "-1", "1e999", "0001-01-01T00:00:00+14:00~p1_x", "0001-01-01T00:00:00+14:00", "1~9999-12-31T23:59:59-14:00~x", "20٢٦-03",
    "a\0b", "\ud800", "'\"<b>%\x1b[31m\u202e",
)  # fmt: skip
QUERY = ("q", "after", "at", "month", "prefix", "kind", "days", "since", "before", "format", "person", "by", "action", "sort", "county", "rule",
         "bucket", "sev", "town", "show", "reason", "source", "result", "back", "do", "next", "to", "change", "key", "scope", "a", "b", "year")  # fmt: skip
FIELDS = ("note", "to", "until", "upheld", "revision", "key", "next", "id", "action", "time", "type", "login", "role", "agency", "prefix", "year",
          "holidays", "workdays", "effective", "purpose", "path", "name", "query", "shared", "language", "q", "group", "letter", "from")  # fmt: skip


def encoded(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def paths(route_path: str, nasty: str) -> list[str]:
    """The address with the nasty value in each of its parameters, one after the other."""
    names = re.findall(r"\{(\w+)(?::path)?\}", route_path)
    values = {**VALUES, "alert_id": "x", "person_ref": "x"}
    return [
        re.sub(r"\{(\w+)(?::path)?\}", lambda m: encoded(nasty)[:4000] if m[1] == bad else values[m[1]], route_path)  # noqa: B023
        for bad in names or [""]
    ]


def is_answer(answer: Response) -> bool:
    return answer.status_code < 500


def reader(needed: str | None) -> str:
    """Somebody who may open pages of this kind."""
    if needed in (None, *EVERYBODY):
        return "county"
    return next(one.login for one in DEMO_USERS if needed in PAGES[one.role])  # type: ignore[index]


@pytest.mark.parametrize("half", [0, 1])
def test_no_value_in_an_address_is_a_failure(console: OpenConsole, half: int) -> None:
    browsers: dict[str, Browser] = {}
    for route, method in ROUTES[half::2]:
        if method != "GET" or route.path == "/events":
            continue
        login = reader(needs(route))
        if login not in browsers:
            browsers[login] = console(login)
        is_slow = any(name in route.path for name in ("scoreboard", "figures", "export"))
        for nasty in NASTY[:: 4 if is_slow else 1]:  # those pages reckon for seconds
            query = "&".join(f"{name}={encoded(nasty)[:300]}" for name in QUERY)
            for path in paths(route.path, nasty):
                answer = browsers[login].client.get(f"{path}?{query}", follow_redirects=False)
                assert is_answer(answer), (path[:200], nasty[:20], answer.status_code)
    assert len(browsers) > 3


ALONE = {
    "after": ("/today", "/people", "/obligations", "/api/v1/queue", "/api/v1/obligations"),
    "at": ("/obligations", "/api/v1/scoreboard"),
    "month": ("/obligations", "/scoreboard", "/api/v1/figures"),
    "prefix": ("/scoreboard",),
    "q": ("/people", "/today", "/find"),
    "days": (f"/feeds/{VALUES['source']}",),
    "county": ("/obligations",),
}


@pytest.mark.parametrize("name", ALONE)
def test_no_value_alone_in_a_query_is_a_failure(console: OpenConsole, name: str) -> None:
    city = console("city")
    for path in ALONE[name]:
        for nasty in NASTY:
            assert is_answer(city.client.get(f"{path}?{name}={encoded(nasty)}")), (path, name, nasty[:20])


def test_no_value_in_a_form_is_a_failure(console: OpenConsole, engine: Engine) -> None:
    alert_id, browsers = firing(engine, "990102"), dict[str, Browser]()
    for route, method in ROUTES:
        if method != "POST" or route.path in (*BEFORE_LOGIN, "/logout") or "/api/" in route.path:
            continue
        login = reader(needs(route))
        if login not in browsers:
            browsers[login] = console(login)
        known = {**VALUES, "alert_id": alert_id, "person_ref": "x"}
        path = re.sub(r"\{(\w+)(?::path)?\}", lambda m: known[m[1]], route.path)  # noqa: B023
        for nasty in NASTY:
            told = nasty.encode("utf-8", "replace").decode()[:2000]
            answer = browsers[login].send(path, dict.fromkeys(FIELDS, told))
            assert is_answer(answer) or "消息系统" in answer.text, (path, nasty[:20], answer.status_code)


def act(browser: Browser, path: str, body: dict[str, object]) -> Response:
    token = browser.client.get("/api/v1/me").json()["csrf"]
    return browser.client.post(path, json={"key": "12345678", **body}, headers={"x-csrf-token": token})


@pytest.mark.parametrize("to", ["<b>no-such-officer</b>", "nobody", "", "city", "\u202ecounty"])
def test_an_alert_is_given_to_known_officers_below_alone(console: OpenConsole, engine: Engine, to: str) -> None:
    browser, alert_id = console("county"), firing(engine, "990102")
    answer = act(browser, f"/api/v1/alerts/{alert_id}/assign", {"to": to})
    assert answer.status_code in (422, 503)
    assert "to" in answer.json()["errors"]
    assert browser.send(f"/alerts/{alert_id}/assign", {"to": to}).status_code == 422
    bulk = browser.send("/today/bulk", {"action": "assign", "id": alert_id, "to": to})
    assert bulk.status_code in (422, 503)


@pytest.mark.parametrize("severity", ["CRIT", "WARN"])
def test_nothing_is_put_off_for_longer_than_its_severity_allows(
    console: OpenConsole, engine: Engine, severity: str
) -> None:
    browser, alert_id = console("county"), firing(engine, "990102", severity=severity)
    longest = LONGEST_SNOOZE.get(severity, LONGEST_SNOOZE[""])
    for days in (longest.days + 1, 3650):
        until = NOW.replace(hour=17)
        day = (until + longest * (days / longest.days)).date().isoformat()
        answer = act(browser, f"/api/v1/alerts/{alert_id}/snooze", {"until": f"{day}T23:00:00+08:00", "note": "x"})
        assert answer.status_code == 422
        assert "until" in answer.json()["errors"]
        assert browser.send(f"/alerts/{alert_id}/snooze", {"until": day, "note": "等"}).status_code in (422, 303)
    far = browser.send("/today/bulk", {"action": "snooze", "id": alert_id, "until": "2036-01-01", "note": "等"})
    assert far.status_code in (422, 503)
    assert f"{longest.days}" in far.text


def test_what_is_not_seen_is_not_shown() -> None:
    assert strip_invisible("a\x1b[31mb\u202ec\x85\ud800\t甲\n") == "a[31mbc\t甲\n"


@pytest.mark.parametrize("text", ["＝1+1", "＋1", "－1", "＠x", "=1", "\x1b=1", "\u202e=1"])
def test_no_cell_starts_a_formula_in_any_width(text: str) -> None:
    assert clean_cell(text) == f"'{strip_invisible(text)}"
