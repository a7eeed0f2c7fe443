"""/password: another password of one's own; the first page of somebody whose password was given for once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.audit import log as audit
from console.auth import sessions
from console.auth.users import LEAST, InvalidUser, authenticate_again, set_password
from console.web.request import (
    COOKIE,
    Form,
    Visitor,
    address_of,
    cookie_name,
    form,
    redirect,
    render,
    with_any_password,
)
from console.web.security import own_path

router = APIRouter()


@router.get("/password")
def show_form(request: Request, visitor: Annotated[Visitor, Depends(with_any_password)]) -> Response:
    """The form; ?next= says where to go then."""
    return _render(visitor, own_path(request.query_params.get("next")))


def _render(visitor: Visitor, next_path: str, errors: dict[str, str] | None = None, status: int = 200) -> Response:
    return render(visitor, "password.html", status=status, next=next_path, errors=errors or {}, least=LEAST)


@router.post("/password")
def change_password(request: Request, sent: Annotated[Form, Depends(form("password"))]) -> Response:
    """Change it where the old one is right; all other sessions of the user end."""
    visitor, old, new = sent.visitor, sent.fields.get("p.old", "")[:200], sent.fields.get("p.new", "")[:200]
    site, t, next_path = visitor.site, visitor.words.t, own_path(sent["next"])
    errors: dict[str, str] = {}
    if new != sent.fields.get("p.again", ""):
        errors["again"] = t("password.error.again")
    elif new == old:
        errors["new"] = t("password.error.same")
    elif not authenticate_again(site.engine, visitor.user, old, site.wall(), address_of(request)):
        errors["old"] = t("password.error.old")
    if not errors:
        try:
            with site.engine.begin() as connection:
                set_password(connection, visitor.user.user_id, new)
                sessions.end_all(
                    connection, visitor.user.user_id, request.cookies.get(cookie_name(request, COOKIE), "")
                )
                audit.write(
                    connection, site.config.audit_key, site.wall(), visitor.user, "password_changed",
                    about=visitor.user.login,
                )  # fmt: skip
        except InvalidUser:
            errors["new"] = t("password.error.short", n=LEAST)
    return _render(visitor, next_path, errors, 422) if errors else redirect(next_path)
