"""/scoreboard/figures: every other figure of a place and month, with its definition and the rows behind it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.audit.log import record_list
from console.reports.indicator import DrillDownRow
from console.reports.indicator_view import (
    _MOST_PARTS,
    _MOST_ROWS,
    ReaderIndicators,
    keep_visible,
    list_drill_down_persons,
    present_indicator,
)
from console.reports.month import Month
from console.reports.registry import NAMES
from console.reports.scoreboard_access import ScoreboardQuery
from console.text.formatter import Words
from console.web.request import NotFound, Visitor, page, render

router = APIRouter()


@router.get("/scoreboard/figures")
def show_indicators(request: Request, visitor: Annotated[Visitor, Depends(page("scoreboard"))]) -> Response:
    """All figures with their definitions; ?prefix=&month=&kind=&at=."""
    with visitor.site.engine.connect() as connection:
        figures = ReaderIndicators(connection, visitor, ScoreboardQuery.read(request.query_params))
    if figures.ground is None:
        return render(visitor, "no_ledger.html")
    words = visitor.words
    last = min(figures.month.on(1), Month.of(visitor.site.now()))
    months = [last.on(back) for back in (-2, -1, 0)]
    return render(
        visitor,
        "figures.html",
        place=words.place(figures.place),
        month_name=words.month(figures.month.first, year=True),
        at=figures.ground.at,
        frozen=figures.ground.frozen,
        figures=[present_indicator(words, figures, one, _MOST_PARTS) for one in figures.found],
        months=[
            {"label": words.month(one.first), "href": f"/scoreboard/figures?{figures.query(month=str(one), at='')}", "current": one == figures.month}
            for one in months
        ],
        board_href=f"/scoreboard?{figures.query()}",
        export=f"/scoreboard/figures/export?{figures.query()}" if "export" in visitor.pages else "",
    )  # fmt: skip


@router.get("/scoreboard/figures/{figure}")
def show_indicator(request: Request, figure: str, visitor: Annotated[Visitor, Depends(page("scoreboard"))]) -> Response:
    """One figure and the rows behind it that are in scope. 404 for a name that is none."""
    if figure not in NAMES:
        raise NotFound
    with visitor.site.engine.connect() as connection:
        figures = ReaderIndicators(connection, visitor, ScoreboardQuery.read(request.query_params))
        known = {one.name: one for one in figures.found}
        if figures.ground is None or figure not in known:
            return render(visitor, "no_ledger.html")
        rows = keep_visible(connection, visitor, known[figure].rows)
    record_list(visitor, list_drill_down_persons(rows[:_MOST_ROWS]))
    words = visitor.words
    return render(
        visitor,
        "figure.html",
        place=words.place(figures.place),
        month_name=words.month(figures.month.first, year=True),
        at=figures.ground.at,
        figure=present_indicator(words, figures, known[figure]),
        rows=[_present_row(words, one) for one in rows[:_MOST_ROWS]],
        more=max(0, len(rows) - _MOST_ROWS),
        outside=figures.outside(known[figure], rows),
        back=f"/scoreboard/figures?{figures.query()}",
    )


def _present_row(words: Words, one: DrillDownRow) -> dict[str, Any]:
    return {
        "who": words.person(one.subject),
        "href": f"/people/{one.subject}" if one.subject.startswith("p1_") else "",
        "place": words.place(one.place),
        "office": words.agency(one.office),
        "at": _format_day(words, one.at),
        "fact": words.rule(words.fact(one.fact)),
        "holds": one.holds,
    }


def _format_day(words: Words, at: datetime) -> str:
    return words.day(at.date()) if at.hour == at.minute == 0 else words.at(at)
