"""/users: who may log in, as what? For the platform's administrators, who see no person and make no auditor."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.accounts import admin
from console.accounts.admin import GIVEN, Account
from console.web.forms import InvalidForm, describe_errors
from console.web.request import Form, NotFound, Visitor, form, page, redirect, render

router = APIRouter()
_FIELDS = ("login", "role", "agency", "prefix")


@router.get("/users")
def list_users(request: Request, visitor: Annotated[Visitor, Depends(page("users"))]) -> Response:
    """Users by name, and a form for a new one; ?q=&after=."""
    typed = visitor.take_draft()
    return _render(visitor, request.query_params, typed=typed, open_=typed.get("who", ""))


def _render(
    visitor: Visitor,
    asked: Mapping[str, str],
    *,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    open_: str = "",
    given: tuple[str, str] | None = None,
) -> Response:
    q, after, most = asked.get("q", "").strip()[:64], asked.get("after", "")[:64], visitor.site.config.page_rows
    with visitor.site.engine.connect() as connection:
        found = admin.list_accounts(connection, q, after, most + 1)
    more, found = len(found) > most, found[:most]
    fields = dict.fromkeys(_FIELDS, "") | {name: value for name, value in (typed or {}).items() if name in _FIELDS}
    return render(
        visitor,
        "users.html",
        status=status,
        rows=[{"account": one, "open": admin.may_change(visitor.user, one)} for one in found],
        q=q,
        roles=GIVEN,
        typed=fields,
        errors=dict(errors or {}),
        opened=open_,
        given=given,
        hours=int(admin.ONCE_LASTS.total_seconds() // 3600),
        following=f"/users?{urlencode({'q': q, 'after': found[-1].user.login})}" if more else "",
    )


@router.post("/users/new")
def make_user(sent: Annotated[Form, Depends(form("users"))]) -> Response:
    """Make a user; the page shows the password for once, and no page does again."""
    visitor, fields = sent.visitor, {name: sent[name] for name in _FIELDS}
    try:
        user, password = admin.make_user(visitor.site, visitor.user, fields)
    except InvalidForm as invalid:
        errors = describe_errors(visitor.words, invalid.errors)
        return _render(visitor, {}, status=422, typed=fields, errors=errors, open_="new")
    return _render(visitor, {"q": user.login}, given=(user.login, password))


@router.post("/users/{user_id}/move")
def move_user(user_id: str, sent: Annotated[Form, Depends(form("users"))]) -> Response:
    """Give a user another role, office or prefix."""
    fields = {name: sent[name] for name in _FIELDS}
    return _apply_change(
        sent, user_id, lambda target: admin.move_user(sent.visitor.site, sent.visitor.user, target, fields)
    )


@router.post("/users/{user_id}/lock")
def lock_user(user_id: str, sent: Annotated[Form, Depends(form("users"))]) -> Response:
    """Lock a user: open sessions end at once."""
    return _apply_change(
        sent, user_id, lambda one: admin.lock_user(sent.visitor.site, sent.visitor.user, one, closed=True)
    )


@router.post("/users/{user_id}/unlock")
def unlock_user(user_id: str, sent: Annotated[Form, Depends(form("users"))]) -> Response:
    """Let a locked user in again."""
    return _apply_change(
        sent, user_id, lambda one: admin.lock_user(sent.visitor.site, sent.visitor.user, one, closed=False)
    )


@router.post("/users/{user_id}/reset")
def reset_password(user_id: str, sent: Annotated[Form, Depends(form("users"))]) -> Response:
    """Give a user a password for once."""
    return _apply_change(sent, user_id, lambda one: admin.reset_password(sent.visitor.site, sent.visitor.user, one))


def _apply_change(sent: Form, user_id: str, change: Any) -> Response:
    visitor, target = sent.visitor, _find_account(sent.visitor, user_id)
    login = target.user.login
    try:
        password = change(target)
    except InvalidForm as invalid:
        fields = {name: sent[name] for name in _FIELDS}
        return _render(
            visitor,
            {"q": login},
            status=422,
            typed=fields,
            errors=describe_errors(visitor.words, invalid.errors),
            open_=user_id,
        )
    if password is not None:
        return _render(visitor, {"q": login}, given=(login, password))
    return redirect(f"/users?{urlencode({'q': login})}")


def _find_account(visitor: Visitor, user_id: str) -> Account:
    with visitor.site.engine.connect() as connection:
        found = admin.find_account(connection, user_id)
    if found is None:
        raise NotFound
    return found
