"""The login page, and the session that follows it, whichever way somebody was known."""

import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.responses import Response

from console.accounts.demo_users import DEMO_PASSWORD, DEMO_USERS
from console.audit import log as audit
from console.auth import sessions
from console.auth.users import User
from console.web.request import (
    COOKIE,
    LOGIN_COOKIE,
    cookie_name,
    redirect,
    render_public,
    site_of,
)
from console.web.security import form_token

TYPED, _MOST_TYPED = "typed.", 40  # fields of a form elsewhere, typed before the session ended


def render_login(
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
    set_cookie(request, answer, LOGIN_COOKIE, secret)
    return answer


def begin_session(
    request: Request, user: User, next_path: str, typed: Mapping[str, str] | None = None, *, by: str = "password"
) -> Response:
    """Begin a session and go on to where the visitor wanted to be."""
    site = site_of(request)
    audit.record(site, user, "login", details={"by": by})
    draft = {"page": next_path.partition("?")[0], "fields": dict(list((typed or {}).items())[:_MOST_TYPED])}
    token = sessions.begin(site.engine, user, site.wall(), draft if typed else None)
    answer = redirect(next_path)
    set_cookie(request, answer, COOKIE, token)
    answer.delete_cookie(cookie_name(request, LOGIN_COOKIE), path="/")
    return answer


def set_cookie(request: Request, answer: Any, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie that scripts cannot read and other sites do not send."""
    answer.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=site_of(request).config.secure_cookies,
    )
