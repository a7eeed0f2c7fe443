"""/people: what should have happened to this person, and what did?"""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.audit import log
from console.audit import log as audit
from console.auth.sealed_files import count_sealed
from console.db.rows import HandoverRow
from console.feeds.status import find_silent
from console.people import name_reveal, timeline
from console.people import query as people
from console.people.service import record_read, refuse_person
from console.text.formatter import Words
from console.web.request import Visitor, page, redirect, render
from console.web.site import Site
from console.web.values import read_time

router = APIRouter()


@router.get("/people")
def list_people(request: Request, visitor: Annotated[Visitor, Depends(page("people"))]) -> Response:
    """People in handover, found by the beginning of their reference; ?q=&after=."""
    q, most = request.query_params.get("q", "").strip()[:64], visitor.site.config.page_rows
    with visitor.site.engine.connect() as connection:
        rows = people.list_people(
            connection, visitor.scope, q, _read_place(request.query_params.get("after", "")), most + 1
        )
        total, sealed = people.count_people(connection, visitor.scope), count_sealed(connection, visitor.scope)
        feeds = find_silent(connection, visitor)
    if q and len({row["subject"] for row in rows}) == 1 and len(q) > 8:
        return redirect(f"/people/{rows[0]['subject']}")
    more, rows = len(rows) > most, rows[:most]
    audit.record_list(visitor, audit.list_persons(rows))
    following = ""
    if more:
        last = rows[-1]
        place = f"{last['opened_at'].isoformat()}~{last['subject']}"
        following = f"/people?{urlencode({'q': q, 'after': place})}"
    return render(visitor, "people.html", rows=rows, total=total, sealed=sealed, q=q, following=following, feeds=feeds)


def _read_place(text: str) -> tuple[datetime, str] | None:
    at, _, subject = text.partition("~")
    found = read_time(at)
    return (found, subject) if found is not None else None


@router.get("/people/{person_ref}")
def show_person(person_ref: str, visitor: Annotated[Visitor, Depends(page("people"))]) -> Response:
    """One person: handovers, the whole way as a chart, and step by step."""
    site, words = visitor.site, visitor.words
    with site.engine.connect() as connection:
        found = people.find_person(connection, visitor.scope, person_ref)
        seconds = name_reveal.count_seconds_left(connection, visitor.user.user_id, person_ref, site.wall())
        feeds = find_silent(connection, visitor)
    if found is None:
        raise refuse_person(visitor, person_ref)
    record_read(visitor, found)
    return render(
        visitor,
        "person.html",
        feeds=feeds,
        person=found,
        names_url=site.config.names_url,
        seconds=seconds if site.config.names_url and visitor.may("reveal") else 0,
        purposes=log.PURPOSES if visitor.may("reveal") else (),
        latest=found.handovers[-1],
        say=timeline.describe_state(site, words, found),
        sums=timeline.summarize(words, found.obligations),
        chart=timeline.draw_chart(site, words, found),
        steps=timeline.list_steps(site, words, found),
        tags=_list_tags(words, found.handovers[-1]),
        release=_describe_release(site, words, found.handovers[-1]),
    )


def _list_tags(words: Words, handover: HandoverRow) -> list[str]:
    key = f"handover.{handover['state']}"
    state = words.t(key) if words.t.has(key) else handover["state"]
    return [words.kind(handover["kind"]), state] + ([words.t("person.key")] if handover["key_person"] else [])


def _describe_release(site: Site, words: Words, handover: HandoverRow) -> str:
    if not handover["release_date"]:
        return words.t("none")
    return words.long_day(datetime.fromisoformat(handover["release_date"]).date())
