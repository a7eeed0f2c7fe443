"""What the scoreboard and the five works have in common in the API: what an address asks for, and a share."""

from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel

from console.reports.scoreboard import Share
from console.reports.scoreboard_access import ScoreboardQuery

_PREFIX = Query(description="a place within your scope: 2 or 4 digits", max_length=9)
MONTH = Query(description="month of the deadline, 2026-03; else the last frozen one or the running one", max_length=7)
KIND = Query(description="A (released), B (community corrections) or empty", max_length=2)
AT = Query(description="as known at this instant (RFC 3339); empty: as frozen, else as known now", max_length=40)


def read_scoreboard_query(
    request: Request,
    prefix: Annotated[str, _PREFIX] = "",
    month: Annotated[str, MONTH] = "",
    kind: Annotated[str, KIND] = "",
    at: Annotated[str, AT] = "",
) -> ScoreboardQuery:
    """What the address of a scoreboard or of its figures asks for, as the pages read it."""
    return ScoreboardQuery.read(request.query_params)


class ShareCell(BaseModel):
    """A share of obligations. `percent` is null below twenty; below five all are null outside the county (`hidden`)."""

    top: int | None
    bottom: int | None
    percent: float | None
    hidden: bool


def describe_share(share: Share) -> ShareCell:
    """A share as the API tells it."""
    if share.hidden:
        return ShareCell(top=None, bottom=None, percent=None, hidden=True)
    return ShareCell(top=share.top, bottom=share.bottom, percent=share.percent, hidden=False)
