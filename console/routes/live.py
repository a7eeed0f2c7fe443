"""GET /events: what changes while a page is open."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import StreamingResponse

from console.live import Page
from console.routes.today import filters_of
from console.values import whole_number
from console.web import COOKIE, Visitor, cookie_name, page

router = APIRouter()


@router.get("/events")
async def events(request: Request, visitor: Annotated[Visitor, Depends(page("today"))]) -> StreamingResponse:
    """Server-sent events for the queue with these filters; `Last-Event-ID` goes on from there."""
    since = request.headers.get("last-event-id", request.query_params.get("since", ""))
    token = request.cookies.get(cookie_name(request, COOKIE), "")
    open_page = Page(visitor.scope, visitor.user.staff, filters_of(request), token=token)
    return StreamingResponse(
        request.app.state.live.follow(open_page, whole_number(since)),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
