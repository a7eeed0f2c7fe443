"""/…/export: what a page shows, as a file."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.reports.export_files import make_file
from console.web.request import Visitor, page

router = APIRouter()


@router.get("/today/export")
def export_queue(request: Request, visitor: Annotated[Visitor, Depends(page("export"))]) -> Response:
    """The queue as it is filtered, all of it; ?format=xlsx or csv."""
    return make_file(visitor, request, "queue")


@router.get("/obligations/export")
def export_obligations(request: Request, visitor: Annotated[Visitor, Depends(page("export"))]) -> Response:
    """The obligations behind a figure; ?format=xlsx or csv."""
    return make_file(visitor, request, "duties")


@router.get("/scoreboard/export")
def export_scoreboard(request: Request, visitor: Annotated[Visitor, Depends(page("export"))]) -> Response:
    """The scoreboard as it is seen; ?format=xlsx or csv."""
    return make_file(visitor, request, "scoreboard")


@router.get("/five-works/export")
def export_five_works(request: Request, visitor: Annotated[Visitor, Depends(page("export"))]) -> Response:
    """The five works as they are seen; ?format=xlsx or csv."""
    return make_file(visitor, request, "works")


@router.get("/scoreboard/figures/export")
def export_indicators(request: Request, visitor: Annotated[Visitor, Depends(page("export"))]) -> Response:
    """All figures of a place and month; ?format=xlsx or csv."""
    return make_file(visitor, request, "figures")


@router.get("/audit/export")
def export_audit(request: Request, visitor: Annotated[Visitor, Depends(page("audit"))]) -> Response:
    """The audit as it is filtered; ?person=&by=&action=&format=."""
    return make_file(visitor, request, "audit")
