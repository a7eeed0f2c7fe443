"""Logging in and out, and the language."""

from collections.abc import Mapping
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.accounts.login_page import TYPED, begin_session, render_login, set_cookie
from console.audit import log as audit
from console.auth import sessions
from console.auth.attempts import DEVICE_LASTS, TooManyTries, device_name
from console.auth.users import authenticate, find_by_login
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
    site_of,
)
from console.web.security import is_token, own_path

router = APIRouter()
# Logins that are checked side by side, and that wait for it: passwords cost memory and time.
AT_ONCE, _MOST_WAITING = 3, 30
_A_YEAR = 365 * 24 * 3600


@router.get("/login")
def show_login(request: Request) -> Response:
    """The login page; ?next= says where to go then."""
    return render_login(request, next_path=own_path(request.query_params.get("next")), status=200)


@router.post("/login")
async def login(request: Request) -> Response:
    """Check name and password; one text for both being wrong."""
    fields, _ = await read_fields(request)
    doors: CapacityLimiter = request.app.state.logins
    if doors.statistics().tasks_waiting >= _MOST_WAITING:
        raise TooBusy
    return await to_thread.run_sync(_check_login, request, fields, limiter=doors)


def _check_login(request: Request, fields: Mapping[str, str]) -> Response:
    site, name = site_of(request), fields.get("u", "").strip()[:64]
    t = site.words(language_of(request)).t
    next_path = own_path(fields.get("next"))
    typed = {key.removeprefix(TYPED): value for key, value in fields.items() if key.startswith(TYPED)}

    def again(status: int, error: str) -> Response:
        return render_login(
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
            site, find_by_login(site.engine, name) or audit.NOBODY, "login_failed" if tried.left else "login_locked"
        )
        return again(401, t("login.wrong", n=tried.left))
    answer = begin_session(request, tried.user, next_path, typed)
    set_cookie(request, answer, device_name(name), tried.device, max_age=int(DEVICE_LASTS.total_seconds()))
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
def switch_language(request: Request) -> Response:
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
