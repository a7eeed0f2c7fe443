"""/api/v1/five-works: works, counties and prisons as the page shows them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from console.api import answers
from console.api.answers import PREFIX
from console.api.shares import ShareCell, describe_share, read_scoreboard_query
from console.reports.five_works import PlaceColumn
from console.reports.five_works_access import read_five_works
from console.reports.scoreboard_access import ScoreboardQuery
from console.web.request import NotFound, Visitor, page

router = APIRouter(prefix=PREFIX, tags=["reports"])


class WorkImbalance(BaseModel):
    """How far the best work of a county is ahead of its worst, in percentage points."""

    worst: str
    best: str
    points: float


class PlaceWorks(BaseModel):
    """One county, or all together (`place` empty); `total` is without the prisons' work."""

    place: str
    works: dict[str, ShareCell]
    total: ShareCell
    imbalance: WorkImbalance | None


class PrisonWorks(BaseModel):
    """One prison: what it owed, and the surveys that it asked for."""

    agency: str
    lines: dict[str, ShareCell]


class FiveWorks(answers.WithDataTime):
    """The five works of a month as known at an instant, the worst county first."""

    month: str
    prefix: str
    known_at: datetime
    frozen: bool
    places: list[PlaceWorks]
    all: PlaceWorks
    spread: dict[str, float | None] = Field(description="P90 - P10 of each work between the counties")
    prisons: list[PrisonWorks]
    left_out: dict[str, int]


@router.get("/five-works", responses={code: answers.ERRORS[code] for code in (401, 403, 404)})
def five_works(
    visitor: Annotated[Visitor, Depends(page("five_works"))],
    asked: Annotated[ScoreboardQuery, Depends(read_scoreboard_query)],
) -> FiveWorks:
    """The five works as the page shows them. 404 where no ledger has been reckoned yet."""
    site = visitor.site
    with site.engine.connect() as connection:
        view = read_five_works(connection, visitor.scope, site.book.policies.works, asked, site.now())
    if view is None:
        raise NotFound
    found = view.found
    return FiveWorks(
        **answers.data_time_fields(site),
        month=str(view.month),
        prefix=view.reader.prefix,
        known_at=found.ground.at,
        frozen=found.ground.frozen,
        places=[_describe_place(one) for one in found.places],
        all=_describe_place(found.all),
        spread={work: found.spread(work) for work in found.works},
        prisons=[
            PrisonWorks(agency=one.agency, lines={line: describe_share(share) for line, share in one.shares.items()})
            for one in found.prisons
        ],
        left_out=dict(found.left_out),
    )


def _describe_place(one: PlaceColumn) -> PlaceWorks:
    apart = one.imbalance
    return PlaceWorks(
        place=one.place,
        works={work: describe_share(share) for work, share in one.shares.items()},
        total=describe_share(one.total),
        imbalance=WorkImbalance(worst=apart.worst, best=apart.best, points=apart.points) if apart else None,
    )
