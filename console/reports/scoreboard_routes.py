"""/scoreboard: which county, which stage, is it getting better?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.reports.scoreboard_access import ScoreboardQuery, read_view
from console.reports.scoreboard_view import present_scoreboard
from console.web.request import Visitor, page, render

router = APIRouter()


@router.get("/scoreboard")
def show_scoreboard(request: Request, visitor: Annotated[Visitor, Depends(page("scoreboard"))]) -> Response:
    """Counties and stages; ?prefix=&month=&kind=&sort=&at=."""
    site, words = visitor.site, visitor.words
    asked = ScoreboardQuery.read(request.query_params)
    with site.engine.connect() as connection:
        view = read_view(connection, visitor.scope, site.book, asked, site.now())
    if view is None:
        return render(visitor, "no_ledger.html")
    return render(visitor, "scoreboard.html", **present_scoreboard(site, words, view))
