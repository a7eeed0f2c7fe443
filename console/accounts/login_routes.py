"""Logging in and out, and the language."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.accounts.demo_users import DEMO_PASSWORD, DEMO_USERS
from console.audit import log as audit
from console.auth import sessions
from console.auth.attempts import DEVICE_LASTS, TooManyTries, device_name
from console.auth.users import User, authenticate, by_login
from console.text.i18n import LANGUAGES
from console.web.request import (
    COOKIE,
    LANGUAGE_COOKIE,
    LOGIN_COOKIE,
    Form,
    TooBusy,
    address_of,
    cookie_name,
    form,
    language_of,
    read_fields,
    redirect,
    render_public,
    site_of,
)
from console.web.security import form_token, is_token, own_path

router = APIRouter()
TYPED, _MOST_TYPED = "typed.", 40
AT_ONCE, _MOST_WAITING = (
    3,
    30,
)  # logins that are checked side by side, and that wait for it: passwords cost memory and time
_A_YEAR = 365 * 24 * 3600


@router.get("/login")
def login_page(request: Request) -> Response:
    """The login page; ?next= says where to go then."""
    return page_of(request, next_path=own_path(request.query_params.get("next")), status=200)


def page_of(
    request: Request,
    *,
    next_path: str,
    status: int,
    error: str = "",
    user_name: str = "",
    typed: Mapping[str, str] | None = None,
    expired: bool = False,
) -> Response:
    """The login page, with what went wrong and what was typed elsewhere before."""
    secret = request.cookies.get(cookie_name(request, LOGIN_COOKIE)) or secrets.token_urlsafe(24)
    answer = render_public(
        request,
        "login.html",
        status=status,
        token=form_token(secret),
        next=next_path,
        error=error,
        u=user_name,
        typed=dict(typed or {}),
        expired=expired,
        oidc=request.app.state.oidc is not None,
        demo_users=DEMO_USERS,
        demo_password=DEMO_PASSWORD,
    )
    _set_cookie(request, answer, LOGIN_COOKIE, secret)
    return answer


@router.post("/login")
async def login(request: Request) -> Response:
    """Check name and password; one text for both being wrong."""
    fields, _ = await read_fields(request)
    doors: CapacityLimiter = request.app.state.logins
    if doors.statistics().tasks_waiting >= _MOST_WAITING:
        raise TooBusy
    return await to_thread.run_sync(_login, request, fields, limiter=doors)


def _login(request: Request, fields: Mapping[str, str]) -> Response:
    site, name = site_of(request), fields.get("u", "").strip()[:64]
    t = site.words(language_of(request)).t
    next_path = own_path(fields.get("next"))
    typed = {key.removeprefix(TYPED): value for key, value in fields.items() if key.startswith(TYPED)}

    def again(status: int, error: str) -> Response:
        return page_of(
            request, next_path=next_path, status=status, error=error, user_name=name, typed=typed, expired=bool(typed)
        )

    secret = request.cookies.get(cookie_name(request, LOGIN_COOKIE))
    if not secret or not is_token(secret, fields.get("login_token")):
        return again(400, t("login.stale"))
    device = request.cookies.get(cookie_name(request, device_name(name)), "")
    try:
        tried = authenticate(site.engine, name, fields.get("p", "")[:200], site.wall(), address_of(request), device)
    except TooManyTries as wait:
        return again(429, t("login.locked", n=wait.minutes))
    if tried.user is None:
        # A name that is nobody's is not kept: people type their password there. Further tries while it waits are not told.
        audit.record(
            site, by_login(site.engine, name) or audit.NOBODY, "login_failed" if tried.left else "login_locked"
        )
        return again(401, t("login.wrong", n=tried.left))
    answer = let_in(request, tried.user, next_path, typed)
    _set_cookie(request, answer, device_name(name), tried.device, max_age=int(DEVICE_LASTS.total_seconds()))
    return answer


def let_in(
    request: Request, user: User, next_path: str, typed: Mapping[str, str] | None = None, *, by: str = "password"
) -> Response:
    """Begin a session and go on to where the visitor wanted to be."""
    site = site_of(request)
    audit.record(site, user, "login", details={"by": by})
    draft = {"page": next_path.partition("?")[0], "fields": dict(list((typed or {}).items())[:_MOST_TYPED])}
    token = sessions.begin(site.engine, user, site.wall(), draft if typed else None)
    answer = redirect(next_path)
    _set_cookie(request, answer, COOKIE, token)
    answer.delete_cookie(cookie_name(request, LOGIN_COOKIE), path="/")
    return answer


@router.post("/logout")
def logout(request: Request, sent: Annotated[Form, Depends(form("logout"))]) -> Response:
    """End the session, here and on the server."""
    audit.record(sent.visitor.site, sent.visitor.user, "logout")
    sessions.end(sent.visitor.site.engine, request.cookies.get(cookie_name(request, COOKIE), ""))
    answer = redirect("/login")
    answer.delete_cookie(cookie_name(request, COOKIE), path="/")
    return answer


@router.get("/language")
def language(request: Request) -> Response:
    """Another language on the same page; ?to= and ?next=."""
    answer = redirect(own_path(request.query_params.get("next")))
    to = request.query_params.get("to")
    if to in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE,
            to,
            max_age=_A_YEAR,
            samesite="lax",
            httponly=True,
            secure=site_of(request).config.secure_cookies,
        )
    return answer


def _set_cookie(request: Request, answer: Any, name: str, value: str, max_age: int | None = None) -> None:
    answer.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=site_of(request).config.secure_cookies,
    )
