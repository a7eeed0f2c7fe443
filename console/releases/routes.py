"""/releases: the list, and the calendar feed of an office."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from console.audit import log as audit
from console.auth.permissions import Scope
from console.feeds.status import find_silent
from console.releases import feed_token
from console.releases.calendar_feed import write_calendar
from console.text.formatter import Words
from console.web.request import Form, NotFound, Visitor, form, language_of, page, redirect, render, site_of
from console.web.site import Site
from schemas.instants import CHINA
from sinks.readmodel.releases import WEEKS_AHEAD_DAYS, Missing, Release, read_releases
from sinks.readmodel.tables import handover

router = APIRouter()
_MOST = 500


def _read(connection: Connection, site: Site, scope: Scope) -> Sequence[Release]:
    today = site.now().astimezone(CHINA).date()
    last = today + timedelta(days=WEEKS_AHEAD_DAYS)
    return read_releases(connection, scope.filter_handovers(handover), today, last, _MOST + 1)


@router.get("/releases")
def list_releases(visitor: Annotated[Visitor, Depends(page("releases"))]) -> Response:
    """Who is released in the next 28 days, the next first, with what is still missing."""
    return _show(visitor, "")


def _show(visitor: Visitor, token: str) -> Response:
    site = visitor.site
    with site.engine.connect() as connection:
        found = _read(connection, site, visitor.scope)
        made_at = feed_token.find_made_at(connection, visitor.user)
        feeds = find_silent(connection, visitor)
    releases = found[:_MOST]
    audit.record_list(visitor, [(one.subject, one.jurisdiction) for one in releases])
    return render(
        visitor,
        "releases.html",
        rows=[_present(visitor, one) for one in releases],
        ready=sum(not one.missing for one in releases),
        more=len(found) > _MOST,
        days=WEEKS_AHEAD_DAYS,
        feeds=feeds,
        feed_made=visitor.words.at(made_at) if made_at is not None else "",
        feed_url=f"{visitor.request.base_url}releases/{token}.ics" if token else "",
    )


def _present(visitor: Visitor, one: Release) -> dict[str, Any]:
    words = visitor.words
    key = f"handover.{one.state}"
    return {
        "subject": one.subject,
        "number": words.alert_no(one.handover_id),
        "iso": one.released_on.isoformat(),
        "day": words.day_wd(one.released_on),
        "kind": words.kind(one.kind),
        "key_person": one.key_person,
        "state": words.t(key) if words.t.has(key) else one.state,
        "sending": words.agency(one.sending),
        "place": words.place(one.jurisdiction),
        "missing": [_present_missing(words, each) for each in one.missing],
    }


def _present_missing(words: Words, one: Missing) -> dict[str, Any]:
    return {
        "rule": f"{one.rule_id} {words.rule(one.rule_id, one.occurrence)}",
        "owner": words.agency(one.owner_agency),
        "due": words.before(one.due_at),
        "late": one.state == "overdue",
    }


@router.post("/releases/feed")
def make_feed(sent: Annotated[Form, Depends(form("releases"))]) -> Response:
    """Make the feed's address, shown this once, or end the feed."""
    visitor = sent.visitor
    user, site = visitor.user, visitor.site
    with site.engine.begin() as connection:
        if sent["do"] == "end":
            token = ""
            feed_token.remove_token(connection, user)
        else:
            token = feed_token.replace_token(connection, user, site.wall())
    audit.record(site, user, "export", about="/releases/feed", details={"feed": "made" if token else "ended"})
    return _show(visitor, token) if token else redirect("/releases")


@router.get("/releases/{token}.ics")
def read_feed(token: str, request: Request) -> Response:
    """The feed of whoever knows its address: no login, and no reference to a person."""
    site = site_of(request)
    with site.engine.connect() as connection:
        scope = feed_token.find_scope(connection, token)
        if scope is None:
            raise NotFound
        releases = _read(connection, site, scope)[:_MOST]
    body = write_calendar(site.words(language_of(request)), releases, scope.agency, site.now())
    return Response(body, media_type="text/calendar; charset=utf-8", headers={"Cache-Control": "private, max-age=300"})
