"""/dead-letters: what did we fail to understand? Paths and reasons, never values."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.db.rows import LetterRow, ListedRedrive
from console.dead_letters import query as dead_letters
from console.dead_letters import redrive_store
from console.dead_letters.query import LetterGroup, describe_fault, describe_publisher, describe_reason
from console.web.request import NotFound, Visitor, page, render
from schemas.dead_letter import TRIES
from sinks.readmodel.dead_letters import count_quarantined

router = APIRouter()
_REDRIVES_SHOWN = 8


@router.get("/dead-letters")
def show_groups(request: Request, visitor: Annotated[Visitor, Depends(page("dead_letters"))]) -> Response:
    """What is wrong in the same way stands together, the oldest first; ?reason=&source=."""
    asked = {name: request.query_params.get(name, "").strip()[:256] for name in ("reason", "source")}
    with visitor.site.engine.connect() as connection:
        every = dead_letters.list_groups(connection)
        latest = redrive_store.list_latest(connection, _REDRIVES_SHOWN)
        aside = len(count_quarantined(connection))
    shown = [one for one in every if asked["reason"] in ("", one.reason) and asked["source"] in ("", one.source or "-")]
    words = visitor.words
    sources = sorted({one.source for one in every})
    return render(
        visitor,
        "dead_letters.html",
        groups=[present_group(visitor, one) for one in shown],
        asked=asked,
        reasons=[(one, describe_reason(words, one)) for one in sorted({one.reason for one in every})],
        sources=[(one or "-", describe_publisher(words, one)) for one in sources],
        total=sum(one.n for one in every),
        aside=aside,
        oldest=_describe_oldest(visitor, every),
        nothing="none" in request.query_params,
        redrives=[present_redrive(visitor, one) for one in latest],
    )


def _describe_oldest(visitor: Visitor, every: list[LetterGroup]) -> str:
    if not every:
        return ""
    return visitor.words.ago(visitor.site.now() - min(one.oldest for one in every))


def present_group(visitor: Visitor, one: LetterGroup) -> dict[str, Any]:
    """A group as the page shows it."""
    words = visitor.words
    return {
        "id": one.group_id,
        "href": f"/dead-letters/{one.group_id}",
        "reason": one.reason,
        "reason_text": describe_reason(words, one.reason),
        "source": describe_publisher(words, one.source),
        "wrong": describe_fault(words, one),
        "path": " · ".join(filter(None, (one.type, one.field))),
        "message": one.message,
        "n": one.n,
        "oldest": words.log_at(one.oldest),
        "iso": words.iso(one.oldest),
    }


def present_redrive(visitor: Visitor, row: ListedRedrive) -> dict[str, Any]:
    """A redrive in a list."""
    words = visitor.words
    return {
        "href": f"/redrive/{row['redrive_id']}",
        "state": words.t(f"redrive.state.{row['state']}"),
        "at": words.log_at(row["asked_at"]),
        "by": row["asked_by"],
        "n": row["n"],
        "sent": row["sent"],
    }


@router.get("/dead-letters/{group}")
def show_group(request: Request, group: str, visitor: Annotated[Visitor, Depends(page("dead_letters"))]) -> Response:
    """The dead letters of one group, without their values; ?after=."""
    most, words = visitor.site.config.page_rows, visitor.words
    after = dead_letters.read_place(request.query_params.get("after", ""))
    with visitor.site.engine.connect() as connection:
        found = dead_letters.find_group(connection, group)
        if found is None:
            raise NotFound
        rows = dead_letters.list_letters(connection, found, after, most + 1)
    more, rows = len(rows) > most, rows[:most]
    following = ""
    if more:
        following = f"{request.url.path}?{urlencode({'after': _format_place(rows[-1])})}"
    return render(
        visitor,
        "dead_letter_group.html",
        group=present_group(visitor, found),
        letters=[
            {
                "place": _format_place(row),
                "at": words.log_at(row["received_at"]),
                "iso": words.iso(row["received_at"]),
                "where": f"{row['original_topic']} [{row['original_partition']}] @ {row['original_offset']}",
                "message": row["message"],
                "bytes": row["bytes"] if row["bytes"] is not None else "null",
                "redrives": words.t("dead.tries.n", n=row["redrives"], most=TRIES),
            }
            for row in rows
        ],
        following=following,
    )


def _format_place(row: LetterRow) -> str:
    return f"{row['partition']}:{row['offset']}"
