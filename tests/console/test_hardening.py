"""Every page that a role can reach by its links: no inline script or style, tokens in every form, cookies and headers that hold."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from sqlalchemy import Engine

from console.accounts.demo_users import DEMO_USERS, DemoUser
from tests.console.conftest import Browser, OpenConsole, firing
from tests.console.test_access import BEFORE_LOGIN, PUBLIC, ROUTES, filled

MOST_OF_A_KIND = 2  # pages that differ in numbers only are the same page
LINK = re.compile(r'<a\b[^>]*\bhref="(/[^"]*)"')
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=\s*[\"']|javascript:|<script(?![^>]*\bsrc=)", re.IGNORECASE)
ELSEWHERE = re.compile(r"""\b(?:src|href|action|formaction)=["'](?:https?:)?//""", re.IGNORECASE)

RECORD = {"key": "12345678", "type": "x", "time": "2026-03-01T00:00:00+08:00", "data": {}}


def reached(browser: Browser, *first: str) -> Iterator[tuple[str, str]]:
    """Pages that links lead to, each kind of them a few times."""
    waiting, seen, kinds = list(first), set[str](), dict[str, int]()
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(r"[0-9a-f-]{36}|p1_\w+|=[^&]*", "*", path)
        if path in seen or kinds.get(kind, 0) >= MOST_OF_A_KIND or path.startswith(("/static/", "/language")):
            continue
        seen.add(path)
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = browser.get(path)
        assert answer.status_code < 400, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        yield path, answer.text
        waiting += [unescape(found[1]) for found in LINK.finditer(answer.text)]


@pytest.mark.parametrize("user", DEMO_USERS, ids=lambda one: one.login)
def test_every_page_of_a_role_holds(console: OpenConsole, user: DemoUser) -> None:
    browser = console(user.login)
    pages = 0
    for path, text in reached(browser, "/", "/settings", "/password"):
        found = INLINE.search(text)
        assert found is None, (path, text[found.start() - 80 : found.end() + 80])
        assert not ELSEWHERE.search(text), path
        for head, inside in FORM.findall(text):
            if 'method="post"' in head:
                assert 'name="csrf"' in inside, (path, head)
        title = re.findall(r"<title>(.*?)</title>", text)[0]
        assert "p1_" not in title, path
        pages += 1
    assert pages >= 3


def test_pages_before_login_and_of_failures_hold_as_well(console: OpenConsole, engine: Engine) -> None:
    browser = console()
    pages = [browser.client.get(path).text for path in ("/login", "/nothing", "/login?next=/today")]
    pages.append(browser.log_in("county", "not the password").text)
    county = console("county")
    pages.append(county.send(f"/alerts/{firing(engine, '990102')}/snooze", {"note": "", "until": "x"}).text)
    pages.append(county.client.get("/audit").text)
    for text in pages:
        assert "<html" in text
        assert not INLINE.search(text)
        assert not ELSEWHERE.search(text)


def test_no_form_works_without_its_token(console: OpenConsole, engine: Engine) -> None:
    alert_id = firing(engine, "990102")
    for login in ("county", "platform"):
        browser = console(login)
        for route, method in ROUTES:
            if method == "POST" and route.path not in BEFORE_LOGIN:
                path = filled(route, alert_id, "p1_none")
                answer = (
                    browser.client.post(path, json=RECORD if path.endswith("/record") else {"key": "12345678"})
                    if "/api/" in path
                    else browser.client.post(path, data={"csrf": "a.b"})
                )
                assert answer.status_code == 400, path
        assert browser.client.get("/settings", follow_redirects=False).status_code == 200


def test_cookies_of_a_console_behind_https_are_for_this_host_alone(console: OpenConsole) -> None:
    browser = console(secure_cookies=True)
    browser.client.base_url = "https://console.test"
    answer = browser.log_in("county")
    cookies = [one for one in answer.headers.get_list("set-cookie") if "Max-Age=0" not in one]
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-"), cookie
        for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in cookie, cookie
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_what_is_not_a_file_is_kept_by_no_browser(console: OpenConsole) -> None:
    browser = console("county")
    for route, method in ROUTES:
        if method == "GET" and "{" not in route.path and route.path not in (*PUBLIC, "/events"):
            assert browser.client.get(route.path).headers["cache-control"] == "no-store", route.path
