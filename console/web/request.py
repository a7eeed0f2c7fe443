"""From a request to whoever asks, and from values to a page. Every route names what it needs; without that it is refused."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.auth import sessions
from console.auth.permissions import Scope
from console.auth.sessions import Session
from console.auth.users import User
from console.text.formatter import Words
from console.text.i18n import LANGUAGES, TAGS, Language, choose_language
from console.web.feature import Page
from console.web.security import form_token, is_token
from console.web.site import Site
from sinks.readmodel.data_time import DataTime

COOKIE, LANGUAGE_COOKIE, LOGIN_COOKIE = "console_session", "console_language", "console_login"
LONGEST_FORM = 64 * 1024  # bytes


class LoginNeeded(Exception):
    """Nobody is logged in, or the session has ended; `fields` is what was typed."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        super().__init__("log in first")
        self.fields = dict(fields or {})


class PasswordNeeded(Exception):
    """The password was given for one login: another one comes first."""


class NotFound(Exception):
    """There is no such thing, or none that may be known of."""


class NotAllowed(Exception):
    """The role lacks this page or action."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class BadForm(Exception):
    """The form did not come from our page: too old, too long, or from elsewhere."""


class TooBusy(Exception):
    """Too many ask for the same at once."""


@dataclass(frozen=True)
class Visitor:
    """Who asks, and how to speak to them."""

    site: Site
    request: Request
    session: Session
    words: Words

    @property
    def user(self) -> User:
        """The user."""
        return self.session.user

    @property
    def scope(self) -> Scope:
        """What they see and may do."""
        return replace(self.session.user.scope, audience=self.site.audience)

    @property
    def pages(self) -> frozenset[str]:
        """The kinds of pages that their role has."""
        return self.site.pages.get(self.user.role, frozenset())

    def menu(self) -> list[Page]:
        """The pages that the menu leads them to."""
        return [page for page in self.site.menu if page.name in self.pages]

    def may(self, action: str, row: Mapping[str, object] | None = None) -> bool:
        """Whether an action is allowed, on a row if one is given."""
        return self.scope.may(action, row)

    def take_draft(self) -> Mapping[str, str]:
        """What was typed on this page when an earlier session ended: once."""
        draft = self.session.draft
        if not draft or draft.get("page") != self.request.url.path:
            return {}
        sessions.take_draft(self.site.engine, self.request.cookies.get(cookie_name(self.request, COOKIE), ""))
        return cast("Mapping[str, str]", draft.get("fields", {}))


def site_of(request: Request) -> Site:
    """What all requests share."""
    return cast("Site", request.app.state.site)


def language_of(request: Request, user: User | None = None) -> Language:
    """The language that was switched to, else the user's own, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    if user is not None and user.language is not None:
        return user.language
    return choose_language(request.headers.get("accept-language", ""))


def cookie_name(request: Request, name: str) -> str:
    """`__Host-` where cookies are secure: then no other host can set it."""
    return f"__Host-{name}" if site_of(request).config.secure_cookies else name


def address_of(request: Request) -> str:
    """The network address that a request comes from; empty where it is not known."""
    return request.client.host if request.client else ""


def session_of(request: Request) -> Session | None:
    """The living session of a request."""
    site, token = site_of(request), request.cookies.get(cookie_name(request, COOKIE), "")
    if not token:
        return None
    listens = request.url.path == "/events"
    return sessions.find(site.engine, token, site.wall(), site.config.idle, site.config.longest, touch=not listens)


def read_visitor(request: Request) -> Visitor:
    """Whoever is logged in. Raise LoginNeeded, PasswordNeeded."""
    found = with_any_password(request)
    if found.user.once:
        raise PasswordNeeded
    return found


def with_any_password(request: Request) -> Visitor:
    """What the page depends on that changes a password given for once. Raise LoginNeeded."""
    found = session_of(request)
    if found is None:
        raise LoginNeeded
    request.state.user = found.user
    return Visitor(site_of(request), request, found, site_of(request).words(language_of(request, found.user)))


with_any_password.needs = "login"  # type: ignore[attr-defined]


def page(kind: str) -> Callable[[Request], Visitor]:
    """What a route of this kind of page depends on. Raise LoginNeeded, NotAllowed."""

    def read_allowed(request: Request) -> Visitor:
        found = read_visitor(request)
        if kind not in found.pages:
            raise NotAllowed(kind)
        return found

    read_allowed.needs = kind  # type: ignore[attr-defined]
    return read_allowed


def any_user(request: Request) -> Visitor:
    """What a route depends on that every user has: settings, logging out."""
    return read_visitor(request)


any_user.needs = "login"  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Form:
    """What a page of ours sent: fields with their first value, all values by `many`."""

    visitor: Visitor
    fields: Mapping[str, str]
    many: Mapping[str, list[str]]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def form(kind: str) -> Callable[[Request], Awaitable[Form]]:
    """What a route depends on that changes something. Raise LoginNeeded with what was typed, NotAllowed, BadForm."""

    async def read_form(request: Request) -> Form:
        fields, many = await read_fields(request)
        found = await run_in_threadpool(session_of, request)
        if found is None:
            raise LoginNeeded(fields)
        request.state.user = found.user
        one = Visitor(site_of(request), request, found, site_of(request).words(language_of(request, found.user)))
        token = request.headers.get("x-csrf-token") or fields.get("csrf")
        if not is_token(found.csrf, token):
            raise BadForm
        if found.user.once and kind not in ("password", "logout"):
            raise PasswordNeeded
        if kind not in ("login", "password", "logout", *one.pages):
            raise NotAllowed(kind)
        return Form(one, fields, many)

    read_form.needs = kind  # type: ignore[attr-defined]
    return read_form


def sender(kind: str) -> Callable[[Request], Visitor]:
    """What a route of the API depends on that changes something: its token comes in `X-CSRF-Token`. Raise as `form`."""

    def read_sender(request: Request) -> Visitor:
        found = read_visitor(request)
        if not is_token(found.session.csrf, request.headers.get("x-csrf-token")):
            raise BadForm
        if kind not in found.pages:
            raise NotAllowed(kind)
        return found

    read_sender.needs = kind  # type: ignore[attr-defined]
    return read_sender


async def read_fields(request: Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The fields of a form. Raise BadForm where it is too long or from another site."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise BadForm
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LONGEST_FORM:
        raise BadForm
    many: dict[str, list[str]] = {}
    async with request.form(max_fields=500, max_files=0) as sent:
        for name, value in sent.multi_items():
            if not isinstance(value, UploadFile):
                many.setdefault(name, []).append(value)
    if any("\0" in text for name, values in many.items() for text in (name, *values)):
        raise BadForm
    return {name: values[0] for name, values in many.items()}, many


def render(visitor: Visitor, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for somebody who is logged in."""
    site, request = visitor.site, visitor.request
    data = site.data_time()
    request.app.state.database_away = None
    shared = {
        **_shared_values(site, request, visitor.words, data),
        "user": visitor.user,
        "scope": visitor.scope,
        "pages": visitor.pages,
        "may": visitor.may,
        "csrf": lambda: form_token(visitor.session.csrf),
        "new_key": lambda: secrets.token_urlsafe(12),
        "menu": visitor.menu(),
        "waiting": site.find_waiting(visitor.user.user_id),
        "calendar_year": max(site.calendar.years, default=0),
    }
    return HTMLResponse(site.templates.get_template(template).render({**shared, **values}), status)


def render_public(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for somebody who may not be known: nothing about persons stands on it. The database is not asked."""
    site = site_of(request)
    words = site.words(language_of(request, getattr(request.state, "user", None)))
    shared = {**_shared_values(site, request, words, site.processed.last()), "user": None, "menu": [], "waiting": []}
    return HTMLResponse(site.templates.get_template(template).render({**shared, **values}), status)


def _shared_values(site: Site, request: Request, words: Words, data: DataTime) -> dict[str, Any]:
    other: Language = "en" if words.language == "zh" else "zh"
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return {
        "t": words.t,
        "words": words,
        "lang": TAGS[words.language],
        "other": other,
        "other_tag": TAGS[other],
        "switch": f"/language?{urlencode({'to': other, 'next': here if request.method == 'GET' else '/'})}",
        "path": request.url.path,
        "now": site.now(),
        "data": present_data_time(words, data, site.now()),
        "book": site.book.book,
        "demo": site.config.demo,
    }


@dataclass(frozen=True, slots=True)
class DataTimeText:
    """How far alerts are processed, in words: `line` for the header, `until` for sentences, `warning` where that is too long ago."""

    line: str
    until: str
    warning: str
    late: bool


def present_data_time(words: Words, data: DataTime, now: datetime) -> DataTimeText:
    """It as a page says it."""
    t = words.t
    if data.processed_until is None or data.behind is None:
        return DataTimeText(t("data.never"), t("none"), t("data.warning.never"), True)
    until = words.until(data.processed_until, now)
    warning = t("data.warning", until=until, behind=words.length(data.behind)) if data.is_late else ""
    return DataTimeText(t("data.line", until=until), until, warning, data.is_late)


def redirect(path: str) -> Response:
    """See another page, by GET."""
    return RedirectResponse(path, 303)
