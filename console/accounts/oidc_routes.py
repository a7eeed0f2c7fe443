"""/login/oidc: to the office's identity service and back."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from console.accounts import oidc
from console.accounts.login_page import TYPED, begin_session, render_login
from console.accounts.oidc import Denied, IdentityService
from console.audit import log as audit
from console.auth.oidc_config import BACK
from console.web.request import LOGIN_COOKIE, NotFound, cookie_name, language_of, read_fields, render_public, site_of
from console.web.security import is_token, own_path

router = APIRouter()


@router.post("/login/oidc")
async def begin(request: Request) -> Response:
    """Send the browser there; what was typed in a page before waits here."""
    service, (fields, _) = _find_service(request), await read_fields(request)
    secret = request.cookies.get(cookie_name(request, LOGIN_COOKIE), "")
    next_path = own_path(fields.get("next"))
    typed = {key.removeprefix(TYPED): value for key, value in fields.items() if key.startswith(TYPED)}
    if not secret or not is_token(secret, fields.get("login_token")):
        return await run_in_threadpool(_refuse, request, "stale", next_path, typed)
    try:
        flow = await service.begin()
    except Denied as denied:
        return await run_in_threadpool(_refuse, request, denied.why, next_path, typed)
    await run_in_threadpool(oidc.store_flow, site_of(request), flow, secret, next_path, typed)
    # Not a redirect: browsers hold the answer to a form to `form-action 'self'`.
    return render_public(request, "oidc.html", url=flow.url)


@router.get(BACK)
async def back(request: Request) -> Response:
    """Whoever comes back from there; ?state=&code=."""
    service, asked = _find_service(request), request.query_params
    secret = request.cookies.get(cookie_name(request, LOGIN_COOKIE), "")
    try:
        row = await run_in_threadpool(oidc.take_flow, site_of(request), asked.get("state", ""), secret)
    except Denied as denied:
        return await run_in_threadpool(_refuse, request, denied.why, "/", {})
    try:
        claims = await service.claims(asked.get("code", ""), row.nonce, row.verifier)
        return await run_in_threadpool(_admit, request, service, claims, row)
    except Denied as denied:
        return await run_in_threadpool(_refuse, request, denied.why, row.next_path, row.typed)


def _admit(request: Request, service: IdentityService, claims: Mapping[str, Any], row: Any) -> Response:
    user = oidc.admit(site_of(request), service.oidc, claims)
    return begin_session(request, user, row.next_path, row.typed, by="oidc")


def _refuse(request: Request, why: str, next_path: str, typed: Mapping[str, str]) -> Response:
    site = site_of(request)
    if why not in ("stale", "away"):
        audit.record(site, audit.NOBODY, "login_failed", details={"by": "oidc", "why": why})
    status = 503 if why == "away" else 400 if why == "stale" else 403
    error = site.words(language_of(request)).t(f"oidc.{why}")
    return render_login(request, next_path=next_path, status=status, error=error, typed=typed, expired=bool(typed))


def _find_service(request: Request) -> IdentityService:
    found: IdentityService | None = request.app.state.oidc
    if found is None:
        raise NotFound
    return found
