"""The console as one application: routes, what answers their failures, and the threads that live as long as it does."""

import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response

from console.accounts import feature as accounts
from console.accounts import login_page, oidc
from console.accounts.demo_users import make_demo_users
from console.accounts.login_routes import AT_ONCE
from console.accounts.oidc import IdentityService
from console.alerts import feature as alerts
from console.api import feature as api
from console.api.answers import Problem, answer_problem
from console.audit import feature as audit
from console.auth import attempts, sessions
from console.auth.permissions import ROLES, Role
from console.db import database
from console.dead_letters import feature as dead_letters
from console.dead_letters.redrive_worker import Redriver
from console.feeds import feature as feeds
from console.find import feature as find
from console.live import feature as live
from console.live.change_feed import ChangeFeed
from console.outbox import outbox
from console.outbox.publisher import Publisher
from console.people import feature as people
from console.queue import feature as queue
from console.releases import feature as releases
from console.reports import feature as reports
from console.rules import feature as rules
from console.rules.whatif_worker import Runs
from console.web import system_routes
from console.web.config import ConsoleConfig, real_time
from console.web.data_time import DataTimeHeaders
from console.web.health import Health
from console.web.housekeeping import Housekeeper
from console.web.limits import LimitedBodies
from console.web.metrics import REQUESTS, RequestTimes
from console.web.request import (
    BadForm,
    LoginNeeded,
    NotAllowed,
    NotFound,
    PasswordNeeded,
    TooBusy,
    language_of,
    render_public,
    site_of,
)
from console.web.security import SecurityHeaders, own_path
from console.web.site import Site, make_environment
from handover.calendar import CALENDAR_FILE, load_calendar
from handover.rules.rulebook import load
from sinks.readmodel.database import connect, prepare
from sinks.readmodel.dialect import is_server

log = logging.getLogger(__name__)
_NEVER_KEPT = ("csrf", "key", "p", "p.old", "p.new", "p.again")  # of a form that was sent without a session
_AGAIN_SECONDS = 5
_BUSY_STATES = ("55P03", "57014", "53300")  # lock not available, statement cancelled, too many connections
FEATURES = (
    queue.FEATURE,
    alerts.FEATURE,
    people.FEATURE,
    releases.FEATURE,
    find.FEATURE,
    reports.FEATURE,
    feeds.FEATURE,
    dead_letters.FEATURE,
    rules.FEATURE,
    audit.FEATURE,
    accounts.FEATURE,
    live.FEATURE,
    api.FEATURE,
)  # in the order of the menu; a new page: its folder here
ROUTERS = (system_routes.router, *(router for feature in FEATURES for router in feature.routers))
MENU = tuple(page for feature in FEATURES for page in feature.pages if page.menu)
PAGES: Mapping[Role, frozenset[str]] = {
    role: frozenset(page.name for feature in FEATURES for page in feature.pages if role in page.roles) for role in ROLES
}


def create_app(config: ConsoleConfig) -> FastAPI:
    """The application. Nothing is opened before it starts; then NotMigrated where the tables are too old."""
    app = FastAPI(title="Handover console", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    for router in ROUTERS:
        app.include_router(router, include_in_schema=router.prefix.startswith("/api/"))
    engine = connect(config.database_url, config.patience)
    site = app.state.site = Site(
        config=config,
        engine=engine,
        book=load(config.rules),
        calendar=load_calendar(config.calendar or CALENDAR_FILE),
        templates=make_environment(),
        find_waiting=lambda user_id: outbox.list_undoable(engine, user_id, real_time()),
        menu=MENU,
        pages=PAGES,
    )
    app.state.publisher = Publisher(engine, config.kafka, config.topic_prefix, real_time)
    app.state.redriver = Redriver(app.state.site, app.state.publisher)
    app.state.live = ChangeFeed(
        engine,
        config.poll.total_seconds(),
        lambda tokens: sessions.find_living(engine, tokens, real_time(), config.idle, config.longest),
    )
    ended = partial(sessions.forget_old, idle=config.idle, longest=config.longest)
    app.state.housekeeper = Housekeeper(engine, real_time, (ended, attempts.forget_old, oidc.forget_old))
    parts = {name: getattr(app.state, name) for name in ("publisher", "redriver", "live", "housekeeper")}
    alive = {name: part.is_alive for name, part in parts.items()}
    app.state.health = Health(config.database_url, alive, site.processed.refresh)
    app.state.runs = Runs(engine, config.database_url, config.rules, config.calendar, real_time)
    app.state.database_away = None
    app.state.logins = CapacityLimiter(AT_ONCE)
    app.state.oidc = IdentityService(config.oidc) if config.oidc is not None else None
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(LimitedBodies, answer=_answer_refusal)
    app.add_middleware(SecurityHeaders, secure=config.secure_cookies, names_url=config.names_url)
    app.add_middleware(DataTimeHeaders, processed=site.processed)
    app.add_middleware(RequestTimes, requests=REQUESTS)
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    database.prepare(site.engine)
    if is_server(site.engine):
        prepare(site.engine)  # on SQLite the sink makes the read model; until then pages say that they wait
    if site.config.demo:
        make_demo_users(site.engine)
    async with AsyncExitStack() as running:
        running.callback(site.engine.dispose)
        for part in (app.state.publisher, app.state.redriver, app.state.runs, app.state.housekeeper):
            part.start()
            running.callback(part.stop)
        for feature in FEATURES:
            if feature.keep is not None:
                running.enter_context(feature.keep(app))
        await app.state.live.start()
        running.push_async_callback(app.state.live.stop)
        app.state.health.start()
        running.callback(app.state.health.stop)
        yield


# --- what went wrong, said in the visitor's language


def _answer_problem(
    request: Request, status: int, key: str, values: Mapping[str, Any] | None = None, **more: Any
) -> Response:
    t = site_of(request).words(language_of(request, getattr(request.state, "user", None))).t
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": t(f"problem.{key}.what", **(values or {}))}, status, _retry_headers(status))
    page = {"safe": "", "code": "", "typed": {}, "to": "/", "todo": t("problem.home"), **more}
    answer = render_public(
        request,
        "problem.html",
        status=status,
        title=t(f"problem.{key}"),
        what=t(f"problem.{key}.what", **(values or {})),
        **page,
    )
    answer.headers.update(_retry_headers(status))
    return answer


def _retry_headers(status: int) -> dict[str, str]:
    """When to ask again."""
    return {"Retry-After": str(_AGAIN_SECONDS)} if status in (429, 503) else {}


def _answer_refusal(request: Request, status: int, key: str) -> Response:
    """What is refused before anybody is known."""
    return _answer_problem(request, status, key)


async def _answer_login_needed(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoginNeeded)
    if request.url.path.startswith("/api/") or request.headers.get("accept") == "text/event-stream":
        return JSONResponse({"error": "login"}, 401)
    if request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        to = f"/login?{urlencode({'next': here})}"
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": to})
        return Response(status_code=303, headers={"Location": to})
    typed = {name: value for name, value in error.fields.items() if name not in _NEVER_KEPT}
    back = typed.get("next") or request.url.path.rpartition("/")[0] or "/"
    typed["form"] = request.url.path.rpartition("/")[2]
    return login_page.render_login(request, next_path=own_path(back), status=401, typed=typed, expired=True)


async def _answer_password_needed(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api/") or request.headers.get("accept") == "text/event-stream":
        return JSONResponse({"error": "password"}, 401)
    here = request.url.path if request.method == "GET" else "/"
    return Response(status_code=303, headers={"Location": f"/password?{urlencode({'next': here})}"})


async def _answer_not_found(request: Request, error: Exception) -> Response:
    return _answer_problem(request, 404, "404")


async def _answer_not_allowed(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotAllowed)
    user = request.state.user
    t = site_of(request).words(language_of(request, user)).t
    names = [key for key in (f"nav.{error.what}", f"action.{error.what}") if t.has(key)]
    return _answer_problem(
        request, 403, "403", {"role": t(f"role.{user.role}"), "what": t(names[0]) if names else error.what}
    )


async def _answer_bad_form(request: Request, error: Exception) -> Response:
    return _answer_problem(request, 400, "400")


async def _answer_busy(request: Request, error: Exception) -> Response:
    """Too much is asked at once; the same request works in a moment."""
    words = site_of(request).words(language_of(request))
    to = request.url.path if request.method == "GET" else "/"
    return _answer_problem(request, 503, "busy", code="E-BUSY", to=to, todo=words.t("problem.again"))


async def _answer_database_error(request: Request, error: Exception) -> Response:
    """The database refused or did not answer: a value that it cannot hold, a lock that was not free in time, an outage."""
    if isinstance(error, DataError):
        return _answer_problem(request, 400, "400")
    if isinstance(error, IntegrityError):
        return await _answer_bug(request, error)
    return await (_answer_busy if isinstance(error, DBAPIError) and is_busy(error) else _answer_database_away)(
        request, error
    )


def is_busy(error: DBAPIError) -> bool:
    """Whether the database works, and only somebody else holds what was asked for."""
    state = getattr(error.orig, "sqlstate", None)
    return state in _BUSY_STATES or "database is locked" in str(error.orig)


async def _answer_database_away(request: Request, error: Exception) -> Response:
    since: datetime = request.app.state.database_away or real_time()
    if request.app.state.database_away is None:
        log.error("the database does not answer: %s", type(error).__name__)
    request.app.state.database_away = since
    words = site_of(request).words(language_of(request))
    here = request.url.path if request.method == "GET" else "/"
    return _answer_problem(
        request,
        503,
        "503",
        {"since": words.at(since)},
        safe=words.t("problem.503.safe"),
        code="E-SQL",
        to=here,
        todo=words.t("problem.again"),
    )


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        return _answer_problem(request, error.status_code, "404")
    return _answer_problem(request, error.status_code, "400")


async def _answer_bug(request: Request, error: Exception) -> Response:
    code = f"E-{secrets.token_hex(2).upper()}"
    log.error("bug %s at %s", code, getattr(request.scope.get("route"), "path", "unknown"), exc_info=error)
    return _answer_problem(request, 500, "500", code=code)


_ANSWERS: Mapping[Any, Any] = {
    LoginNeeded: _answer_login_needed,
    PasswordNeeded: _answer_password_needed,
    NotFound: _answer_not_found,
    NotAllowed: _answer_not_allowed,
    BadForm: _answer_bad_form,
    DBAPIError: _answer_database_error,
    NoConnection: _answer_busy,
    TooBusy: _answer_busy,
    HTTPException: _answer_http_error,
    Problem: answer_problem,
    RequestValidationError: answer_problem,
    Exception: _answer_bug,
}
