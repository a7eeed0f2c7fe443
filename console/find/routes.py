"""/find: where does this reference, number, office or place stand?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.find.service import LONGEST, search
from console.web.request import Visitor, page, render

router = APIRouter()


@router.get("/find")
def show_hits(request: Request, visitor: Annotated[Visitor, Depends(page("find"))]) -> Response:
    """One search over references, case and alert numbers, offices and places, whatever their state; ?q=."""
    q = request.query_params.get("q", "").strip()[:LONGEST]
    return render(visitor, "find.html", q=q, **search(visitor, q))
