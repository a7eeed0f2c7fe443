"""GET /events: what changes while a page is open."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import StreamingResponse

from console.live.change_feed import OpenPage
from console.queue.filters import QueueFilters
from console.web.request import COOKIE, Visitor, any_user, cookie_name, present_data_time
from console.web.values import read_number

router = APIRouter()


@router.get("/events")
async def stream_events(request: Request, visitor: Annotated[Visitor, Depends(any_user)]) -> StreamingResponse:
    """Server-sent events for the queue with these filters; `Last-Event-ID` goes on from there.

    Roles without a queue hear only how far alerts are processed.
    """
    since = request.headers.get("last-event-id", request.query_params.get("since", ""))
    token = request.cookies.get(cookie_name(request, COOKIE), "")

    def dated() -> Mapping[str, Any]:
        shown = present_data_time(visitor.words, visitor.site.processed.last(), visitor.site.now())
        return {"line": shown.line, "warning": shown.warning, "late": shown.late}

    beats_only = "today" not in visitor.pages
    open_page = OpenPage(
        visitor.scope,
        visitor.user.staff,
        QueueFilters.read(request.query_params),
        token=token,
        dated=dated,
        beats_only=beats_only,
    )
    return StreamingResponse(
        request.app.state.live.follow(open_page, read_number(since)),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
