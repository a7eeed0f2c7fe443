"""Signing in at an identity service: a real one, small, on this machine, that signs its tokens and checks PKCE."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import Engine, select

from cli.main import run
from console.accounts.oidc import WINDOW
from console.auth.oidc_config import InvalidOidc, Oidc, read
from console.auth.users import create
from console.db.tables import audit_record, console_user, sign_in
from console.web.config import real_time
from tests.console.conftest import Browser, OpenConsole

SECRET = "the secret of the console at the identity service"
COUNTY = {"sub": "8c1", "preferred_username": "990103-21", "groups": ["everyone", "handover-990103"]}


@cache
def key_of(name: str) -> RSAKey:
    """A key of one's own for each name, made once: that takes time."""
    return RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Provider:
    """The service: who signs in next, and how it misbehaves."""

    port: int = 0
    claims: dict[str, Any] = field(default_factory=lambda: dict(COUNTY))
    change: Callable[[dict[str, Any]], None] = lambda claims: None
    key: RSAKey = field(default_factory=lambda: key_of("the service"))
    sign: Callable[[dict[str, Any]], str] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent after signing in."""
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self.seen.append(asked)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def token(self, sent: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The answer to a code, once; None where something about it is wrong."""
        asked = self.codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        right = asked and asked["code_challenge"] == challenge and sent["redirect_uri"] == asked["redirect_uri"]
        if (
            not right
            or asked is None
            or (client != f"console:{SECRET}".replace(" ", "%20") and client != f"console:{SECRET}")
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "console",
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            **self.claims,
        }
        self.change(claims)
        signed = self.sign(claims) if self.sign else jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": signed}


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(dict(parse_qsl(asked.query))))
                self.end_headers()
            elif asked.path == "/jwks":
                self.answer(200, {"keys": [provider.key.as_dict(private=False)]})
            else:
                self.answer(200, provider.metadata())

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            found = provider.token(
                {name: values[0] for name, values in sent.items()}, self.headers["Authorization"] or ""
            )
            self.answer(200, found) if found else self.answer(400, {"error": "invalid_grant"})

        def answer(self, status: int, body: Any) -> None:
            written = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(found)) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def described(provider: Provider, folder: Path) -> Path:
    (folder / "secret").write_text(f"{SECRET}\n")
    path = folder / "oidc.toml"
    path.write_text(
        f"""issuer = "{provider.issuer}"
client_id = "console"
secret_file = "{folder / "secret"}"
address = "https://console.test"

[[grants]]
claim = "groups"
value = "handover-990103"
role = "county"
agency = "COUNTY_JUSTICE-990103-01"
prefix = "990103"

[[grants]]
claim = "groups"
value = "handover-9901"
role = "city"
agency = "CITY_JUSTICE-990100-01"
prefix = "9901"
"""
    )
    return path


@pytest.fixture
def browser(console: OpenConsole, provider: Provider, tmp_path: Path) -> Browser:
    return console(oidc=read(described(provider, tmp_path)))


def leave(browser: Browser, next_path: str = "/people", **typed: str) -> str:
    """Press the button; where the browser is sent."""
    page = browser.client.get("/login").text
    token = re.findall(r'name="login_token" value="([^"]+)"', page)[0]
    assert 'formaction="/login/oidc"' in page
    answer = browser.client.post("/login/oidc", data={"login_token": token, "next": next_path, **typed})
    assert answer.status_code == 200, answer.text
    return str(re.findall(r'content="0;url=([^"]+)"', answer.text)[0]).replace("&amp;", "&")


def sign_in_there(browser: Browser) -> str:
    """Sign in at the service; the address that the browser is sent back to, without our host."""
    answer = httpx2.get(leave(browser))
    assert answer.status_code == 302
    return answer.headers["location"].removeprefix("https://console.test")


def come_back(browser: Browser, path: str) -> httpx2.Response:
    return browser.client.get(path, follow_redirects=False)


def failures(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        rows = connection.execute(select(audit_record.c.details).where(audit_record.c.action == "login_failed"))
        return [details["why"] for (details,) in rows]


def test_whoever_the_service_knows_with_one_role_is_let_in_as_that(
    browser: Browser, provider: Provider, engine: Engine
) -> None:
    answer = come_back(browser, sign_in_there(browser))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/people"
    me = browser.client.get("/api/v1/me").json()
    assert (me["login"], me["role"], me["agency"], me["prefix"]) == (
        "990103-21", "county", "COUNTY_JUSTICE-990103-01", "990103",
    )  # fmt: skip
    assert len(provider.seen[0]["state"]) >= 20
    assert len(provider.seen[0]["nonce"]) >= 20
    with engine.connect() as connection:
        told = connection.execute(select(audit_record.c.action, audit_record.c.details)).all()
    assert [one.action for one in told] == ["user_created", "login"]
    assert told[1].details == {"by": "oidc"}


def test_another_role_there_is_another_role_here_at_the_next_login(
    browser: Browser, provider: Provider, engine: Engine
) -> None:
    come_back(browser, sign_in_there(browser))
    provider.claims["groups"] = "handover-9901"
    come_back(browser, sign_in_there(browser))
    assert browser.client.get("/api/v1/me").json()["role"] == "city"
    with engine.connect() as connection:
        rows = connection.execute(select(console_user.c.login).where(console_user.c.identity.is_not(None))).all()
        changed = connection.execute(
            select(audit_record.c.details).where(audit_record.c.action == "user_changed")
        ).scalar_one()
    assert [row.login for row in rows] == ["990103-21"]
    assert changed["before"]["role"] == "county"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"groups": []}, "nothing"),
        ({"groups": None}, "nothing"),
        ({"groups": ["handover-99010"]}, "nothing"),
        ({"groups": {"handover-990103": True}}, "nothing"),
        ({"groups": ["handover-990103", "handover-9901"]}, "several"),
        ({"preferred_username": ""}, "login"),
        ({"preferred_username": "张三"}, "login"),
        ({"preferred_username": "county"}, "taken"),
    ],
)
def test_whom_no_line_names_or_more_than_one_is_denied_and_told_why(
    browser: Browser, provider: Provider, engine: Engine, claims: dict[str, Any], why: str
) -> None:
    provider.claims |= claims
    answer = come_back(browser, sign_in_there(browser))
    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert failures(engine) == [why]
    assert browser.client.get("/today", follow_redirects=False).status_code == 303


def test_a_locked_user_is_not_let_in_by_the_service(browser: Browser, provider: Provider, engine: Engine) -> None:
    come_back(browser, sign_in_there(browser))
    with engine.begin() as connection:
        connection.execute(console_user.update().where(console_user.c.login == "990103-21").values(closed=True))
    assert come_back(browser, sign_in_there(browser)).status_code == 403
    assert failures(engine) == ["closed"]


def other_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key_of("somebody else"))


def shared_secret(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(SECRET))


def unsigned(claims: dict[str, Any]) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims)}."


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "http://127.0.0.1:1"}, {"aud": "another console"}, {"exp": 1_000_000_000}, {"nonce": "of another sign-in"},
        {"sub": None}, {"nonce": None}, {"exp": None}, {"aud": None}, {"iss": None}, other_key, shared_secret, unsigned,
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)  # fmt: skip
def test_a_token_that_is_not_right_in_every_part_lets_nobody_in(
    browser: Browser, provider: Provider, engine: Engine, wrong: Any
) -> None:
    def change(claims: dict[str, Any]) -> None:
        for name, value in wrong.items():
            claims.pop(name) if value is None else claims.update({name: value})

    if callable(wrong):
        provider.sign = wrong
    else:
        provider.change = change
    assert come_back(browser, sign_in_there(browser)).status_code == 403
    assert failures(engine) == ["token"]
    assert browser.client.get("/today", follow_redirects=False).status_code == 303


def test_a_state_counts_once_in_time_and_in_the_browser_that_began(
    browser: Browser, console: OpenConsole, engine: Engine, provider: Provider, tmp_path: Path
) -> None:
    path = sign_in_there(browser)
    stranger = console(oidc=browser.app.state.site.config.oidc)
    stranger.client.get("/login")
    assert come_back(stranger, path).status_code == 400
    assert come_back(browser, path).status_code == 400  # the stranger's try has used it up
    path = sign_in_there(browser)
    assert come_back(browser, path.replace("state=", "state=x")).status_code == 400
    assert come_back(browser, path).status_code == 303
    assert come_back(browser, path).status_code == 400
    path = sign_in_there(browser)
    with engine.begin() as connection:
        connection.execute(sign_in.update().values(at=real_time() - WINDOW * 2))
    assert come_back(browser, path).status_code == 400
    assert come_back(browser, "/login/oidc/back").status_code == 400


def test_a_refusal_there_and_a_code_that_was_used_let_nobody_in(
    browser: Browser, provider: Provider, engine: Engine
) -> None:
    path = sign_in_there(browser)
    assert come_back(browser, re.sub(r"code=[^&]+", "error=access_denied", path)).status_code == 403
    path = sign_in_there(browser)
    provider.codes.clear()
    assert come_back(browser, path).status_code == 403
    assert failures(engine) == ["refused", "token"]


def test_what_was_typed_before_the_session_ended_is_there_after_signing_in(
    browser: Browser, engine: Engine, provider: Provider
) -> None:
    typed = {"typed.login": "990103-33", "typed.who": "new"}
    url = leave(browser, "/settings", **typed)
    back = httpx2.get(url).headers["location"].removeprefix("https://console.test")
    assert come_back(browser, back).headers["location"] == "/settings"
    with engine.connect() as connection:
        assert connection.execute(select(sign_in)).all() == []


def test_a_service_that_is_away_is_said_and_local_users_still_log_in(
    console: OpenConsole, tmp_path: Path, provider: Provider
) -> None:
    path = described(provider, tmp_path)
    path.write_text(path.read_text().replace(provider.issuer, "http://127.0.0.1:9"))
    browser = console(oidc=read(path))
    token = re.findall(r'name="login_token" value="([^"]+)"', browser.client.get("/login").text)[0]
    answer = browser.client.post("/login/oidc", data={"login_token": token})
    assert answer.status_code == 503
    assert "没有回答" in answer.text
    assert browser.log_in("county").status_code == 303


def test_without_a_service_there_is_no_way_there(console: OpenConsole, engine: Engine) -> None:
    browser = console()
    assert "/login/oidc" not in browser.client.get("/login").text
    assert browser.client.get("/login/oidc/back").status_code == 404
    create(engine, "oidc-only", None, "county", "COUNTY_JUSTICE-990103-01", "990103")
    assert browser.log_in("oidc-only", "").status_code == 401


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("client_id", "clientid", "client_id: Field required"),
        ("http://127.0.0.1", "http://login.example", "issuer"),
        ('role = "county"', 'role = "king"', "grants.0.role"),
        ("[[grants]]", "[[grant]]", "grant"),
        ("issuer", "issuer issuer", "line 1"),
    ],
)
def test_a_description_that_cannot_be_used_says_where(
    provider: Provider, tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = described(provider, tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InvalidOidc, match=re.escape(said)):
        read(path)


def test_the_command_ends_with_one_line_where_the_secret_is_missing(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = described(provider, tmp_path)
    (tmp_path / "secret").unlink()
    monkeypatch.setenv("REENTRY_OIDC_FILE", str(path))
    monkeypatch.setenv("REENTRY_DATA_DIR", str(tmp_path))
    assert run(["console"]) == 2
    assert "REENTRY_OIDC_FILE" in capsys.readouterr().err
    assert isinstance(read(path), Oidc)
