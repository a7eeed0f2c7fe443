"""/api/v1: the scoreboard, the obligations behind a figure and exports, for the same users with the same scope."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from console.api import answers
from console.api.answers import PREFIX
from console.api.shares import AT, KIND, MONTH, ShareCell, describe_share, read_scoreboard_query
from console.audit.log import list_persons, record_list
from console.queue.query import RowKey
from console.reports.export_files import make_file
from console.reports.indicator import Indicator, IndicatorPart
from console.reports.indicator_view import ReaderIndicators, keep_visible, list_drill_down_persons, present_indicator
from console.reports.obligation_base import RESULTS, read_base
from console.reports.obligation_query import ObligationQuery
from console.reports.obligation_query import read_rows as read_duties
from console.reports.scoreboard import ScoreboardLine
from console.reports.scoreboard_access import ScoreboardQuery, read_view
from console.reports.sheets import MEDIA
from console.web.request import NotFound, Visitor, page
from handover.rules.works import LINES, OWN, WORKS

router = APIRouter(prefix=PREFIX, tags=["reports"])
_ERRORS: dict[int | str, dict[str, Any]] = {code: answers.ERRORS[code] for code in (401, 403, 404)}


class PlaceLine(BaseModel):
    """A line of the scoreboard; `cells` in the order of `stages`, `months` the total of the last six, the last this one."""

    place: str
    cells: list[ShareCell]
    total: ShareCell
    overdue: int | None
    oldest: datetime | None
    months: list[ShareCell]


class StageColumn(BaseModel):
    """A column: its rules; `of_county` false: not in the county's total."""

    name: str
    rules: list[str]
    of_county: bool


class CorrectedObligation(BaseModel):
    """An obligation of a frozen month that stands otherwise now."""

    obligation_id: str
    rule_id: str
    county: str
    before: str | None
    now: str | None


class Scoreboard(answers.WithDataTime):
    """The scoreboard of a month as known at an instant."""

    month: str
    prefix: str
    known_at: datetime
    frozen: bool
    stages: list[StageColumn]
    places: list[PlaceLine]
    all: PlaceLine
    change: float | None = Field(description="percentage points above the month before")
    spread: float | None = Field(description="P90 - P10 of the places' totals")
    left_out: dict[str, int]
    corrected: list[CorrectedObligation]


class ObligationItem(BaseModel):
    """An obligation behind a figure."""

    model_config = ConfigDict(extra="ignore")

    obligation_id: str
    alert_id: str
    subject: str
    handover_kind: str
    rule_id: str
    occurrence: str
    owner_agency: str
    jurisdiction: str
    county: str
    anchor_at: datetime
    due_at: datetime
    met_at: datetime | None
    standing: str
    contest: str | None
    provisional: bool


class ObligationPage(answers.WithDataTime):
    """Obligations by deadline, and where to go on. `counted` may be more than `in_scope`: the figure counts what you may not see."""

    known_at: datetime
    frozen: bool
    counted: int
    in_scope: int
    rows: list[ObligationItem]
    after: str | None


@router.get("/scoreboard", responses=_ERRORS)
def scoreboard(
    visitor: Annotated[Visitor, Depends(page("scoreboard"))],
    asked: Annotated[ScoreboardQuery, Depends(read_scoreboard_query)],
    sort: Annotated[str, Query(description="rank or name", max_length=4)] = "",
) -> Scoreboard:
    """The scoreboard as the page shows it. 404 where no ledger has been reckoned yet."""
    with visitor.site.engine.connect() as connection:
        view = read_view(connection, visitor.scope, visitor.site.book, asked, visitor.site.now())
    if view is None:
        raise NotFound
    board = view.board
    return Scoreboard(
        **answers.data_time_fields(visitor.site),
        month=str(view.month),
        prefix=view.reader.prefix,
        known_at=board.ground.at,
        frozen=board.ground.frozen,
        stages=[StageColumn(name=one.name, rules=list(one.rules), of_county=one.of_county) for one in board.stages],
        places=[_describe_line(line) for line in board.lines],
        all=_describe_line(board.all),
        change=board.change,
        spread=board.spread if not view.reader.alone else None,
        left_out=dict(board.left_out),
        corrected=[
            CorrectedObligation(**{name: getattr(one, name) for name in CorrectedObligation.model_fields})
            for one in view.corrected
        ],
    )


def _describe_line(line: ScoreboardLine) -> PlaceLine:
    return PlaceLine(
        place=line.place,
        cells=[describe_share(share) for share in line.shares],
        total=describe_share(line.total),
        overdue=None if line.overdue.hidden else line.overdue.n,
        oldest=line.overdue.oldest,
        months=[describe_share(share) for share in line.months],
    )


@router.get("/obligations", responses=_ERRORS)
def obligations(
    request: Request,
    visitor: Annotated[Visitor, Depends(page("obligations"))],
    rule: Annotated[str, Query(description="rule ids, separated by commas", max_length=160)] = "",
    county: Annotated[str, Query(description="beginning of the code of the place where they count", max_length=9)] = "",
    month: Annotated[str, MONTH] = "",
    result: Annotated[str, Query(description=", ".join(RESULTS), max_length=16)] = "",
    kind: Annotated[str, KIND] = "",
    at: Annotated[str, AT] = "",
    after: Annotated[str, Query(description="`after` of the page before", max_length=128)] = "",
    work: Annotated[
        str, Query(description=f"a work: {', '.join((*WORKS, OWN))} (all but the prisons')", max_length=16)
    ] = "",
    line: Annotated[str, Query(description=f"a line of a prison: {', '.join(LINES)}", max_length=16)] = "",
    owner: Annotated[str, Query(description="the office that owes; with surveys: that asked", max_length=64)] = "",
) -> ObligationPage:
    """The obligations behind a figure, those answered in time too. 404 where no ledger has been reckoned yet."""
    asked, most = ObligationQuery.read(request.query_params), visitor.site.config.page_rows
    with visitor.site.engine.connect() as connection:
        ground = read_base(connection, asked.month, asked.at)
        found = read_duties(connection, visitor, ground, asked, RowKey.read(after), most)
    if ground is None:
        raise NotFound
    record_list(visitor, list_persons(found.rows))
    last = found.rows[-1] if len(found.rows) == most else None
    return ObligationPage(
        **answers.data_time_fields(visitor.site),
        known_at=ground.at,
        frozen=ground.frozen,
        counted=found.counted,
        in_scope=found.in_scope,
        rows=[ObligationItem.model_validate(row) for row in found.rows],
        after=str(RowKey(1, last["due_at"], last["alert_id"])) if last is not None else None,
    )


class IndicatorPartItem(BaseModel):
    """A figure of one rule, office, county or publisher: numbers by name, lengths in seconds; null: not reached, not known or of one."""

    name: str
    values: dict[str, float | None]


class IndicatorItem(BaseModel):
    """A figure with its definition. Numbers are null where they are too few to be told (`hidden`)."""

    name: str
    title: str
    definition: str
    numerator: int | None
    denominator: int | None
    percent: float | None
    hidden: bool
    oldest: datetime | None
    parts: list[IndicatorPartItem]


class DrillDownItem(BaseModel):
    """A row behind a figure."""

    subject: str
    place: str
    office: str
    at: datetime
    fact: str
    in_numerator: bool


class IndicatorPage(answers.WithDataTime):
    """All figures of a place and month as known at an instant."""

    month: str
    place: str
    known_at: datetime
    frozen: bool
    figures: list[IndicatorItem]


class DrillDownPage(answers.WithDataTime):
    """The rows behind a figure that are in your scope; `outside`: how many more it counts."""

    name: str
    rows: list[DrillDownItem]
    outside: int


@router.get("/figures", responses=_ERRORS)
def figures(
    visitor: Annotated[Visitor, Depends(page("scoreboard"))],
    asked: Annotated[ScoreboardQuery, Depends(read_scoreboard_query)],
) -> IndicatorPage:
    """Every other figure with numerator, denominator and definition. 404 where no ledger has been reckoned yet."""
    with visitor.site.engine.connect() as connection:
        found = ReaderIndicators(connection, visitor, asked)
    if found.ground is None:
        raise NotFound
    return IndicatorPage(
        **answers.data_time_fields(visitor.site),
        month=str(found.month),
        place=found.place,
        known_at=found.ground.at,
        frozen=found.ground.frozen,
        figures=[_describe_indicator(visitor, found, one) for one in found.found],
    )


def _describe_indicator(visitor: Visitor, found: ReaderIndicators, one: Indicator) -> IndicatorItem:
    said, hidden = present_indicator(visitor.words, found, one), found.hides(one)
    return IndicatorItem(
        name=one.name,
        title=said["name"],
        definition=said["definition"],
        numerator=None if hidden else one.top,
        denominator=None if hidden else one.bottom,
        percent=None if hidden else one.percent,
        hidden=hidden,
        oldest=None if hidden else one.oldest,
        parts=[_describe_part(part) for part in found.parts(one)],
    )


def _describe_part(part: IndicatorPart) -> IndicatorPartItem:
    values = {
        name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in part.values.items()
    }
    return IndicatorPartItem(name=part.name, values=values)


@router.get("/figures/{figure}", responses=_ERRORS)
def figure_rows(
    figure: str,
    visitor: Annotated[Visitor, Depends(page("scoreboard"))],
    asked: Annotated[ScoreboardQuery, Depends(read_scoreboard_query)],
) -> DrillDownPage:
    """The rows behind a figure; figures of obligations have theirs under /obligations. 404 for a name that is none."""
    with visitor.site.engine.connect() as connection:
        found = ReaderIndicators(connection, visitor, asked)
        known = {one.name: one for one in found.found}
        if figure not in known:
            raise NotFound
        rows = keep_visible(connection, visitor, known[figure].rows)
    record_list(visitor, list_drill_down_persons(rows))
    told = [
        DrillDownItem(subject=one.subject, place=one.place, office=one.office, at=one.at, fact=one.fact, in_numerator=one.holds)
        for one in rows
    ]  # fmt: skip
    return DrillDownPage(
        **answers.data_time_fields(visitor.site), name=figure, rows=told, outside=found.outside(known[figure], rows)
    )


@router.get(
    "/exports/{what}",
    response_class=Response,
    responses={
        **_ERRORS,
        200: {"description": "The file.", "content": {one.partition(";")[0]: {} for one in MEDIA.values()}},
    },
)
def export(
    request: Request,
    what: Literal["queue", "duties", "scoreboard", "works", "figures"],
    visitor: Annotated[Visitor, Depends(page("export"))],
    format: Annotated[Literal["xlsx", "csv"], Query(description="xlsx or csv")] = "xlsx",  # noqa: A002 the name in the address
) -> Response:
    """A file with a number of its own; filters as those of the page or route of that name."""
    return make_file(visitor, request, what)
