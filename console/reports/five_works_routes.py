"""/five-works: which work, which county, which prison stays behind?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.reports.five_works_access import read_five_works
from console.reports.five_works_view import present_five_works
from console.reports.scoreboard_access import ScoreboardQuery
from console.web.request import Visitor, page, render

router = APIRouter()


@router.get("/five-works")
def show_five_works(request: Request, visitor: Annotated[Visitor, Depends(page("five_works"))]) -> Response:
    """Works and counties; ?prefix=&month=&sort=&at=."""
    site, words = visitor.site, visitor.words
    asked = ScoreboardQuery.read(request.query_params)
    with site.engine.connect() as connection:
        view = read_five_works(connection, visitor.scope, site.book.policies.works, asked, site.now())
    if view is None:
        return render(visitor, "no_ledger.html")
    return render(visitor, "five_works.html", **present_five_works(words, view))
