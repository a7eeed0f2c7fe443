"""/scoreboard/figures: every other figure of a place and month, with its definition and the rows behind it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, select
from starlette.responses import Response

from console.audit.log import PERSON, Persons
from console.reports.alarms import CONFIRMED_WITHIN
from console.reports.indicator import Behind, Figure, Part, Value
from console.reports.load import LEAST_OFFICERS
from console.reports.month import Month
from console.reports.obligation_base import Ground, ground_of
from console.reports.registry import HIDDEN_FROM_STRANGERS, NAMES, about_few, figures_of, too_few
from console.reports.reoffending import LEAST, WINDOWS
from console.reports.scoreboard_access import Asked, Reader, reader_of
from console.reports.scoreboard_routes import asked_of, month_name
from console.text.formatter import Words
from console.web.request import NotFound, Visitor, page, render
from handover.calendar import DAY
from sinks.readmodel.tables import handover

router = APIRouter()
_MOST_ROWS, _MOST_PARTS = 500, 30


class Figures:
    """The figures that one reader asked for."""

    def __init__(self, connection: Connection, visitor: Visitor, asked: Asked) -> None:
        self.reader: Reader = reader_of(visitor.scope, asked.prefix)
        self.place = self.reader.own or self.reader.prefix
        self.asked = asked
        self.month = min(asked.month or Month.of(visitor.site.now()), Month.of(visitor.site.now()))
        self.ground: Ground | None = ground_of(connection, self.month, asked.at)
        self.found: list[Figure] = []
        if self.ground is not None:
            self.found = figures_of(connection, self.ground, self.place, asked.kind)

    def hides(self, figure: Figure) -> bool:
        """Whether this reader is told only that they are few."""
        return figure.withheld > 0 or (not self.reader.sees_rows and too_few(figure))

    def parts(self, figure: Figure) -> list[Part]:
        """The parts of a figure that this reader may see."""
        if self.hides(figure):
            return []
        return [one for one in figure.parts if self.reader.sees_rows or not about_few(one)]

    def outside(self, figure: Figure, mine: Sequence[Behind]) -> int:
        """How many rows it counts that are not in scope; nothing where they are too few to be told."""
        return 0 if self.hides(figure) else len(figure.rows) - len(mine)

    def query(self, **changes: str) -> str:
        """As it stands in an address."""
        at = self.asked.at.isoformat() if self.asked.at else ""
        values = {"prefix": self.reader.prefix, "month": str(self.month), "kind": self.asked.kind, "at": at} | changes
        return urlencode({name: value for name, value in values.items() if value})


@router.get("/scoreboard/figures")
def all_of_them(request: Request, visitor: Annotated[Visitor, Depends(page("scoreboard"))]) -> Response:
    """All figures with their definitions; ?prefix=&month=&kind=&at=."""
    with visitor.site.engine.connect() as connection:
        figures = Figures(connection, visitor, asked_of(request))
    if figures.ground is None:
        return render(visitor, "no_ledger.html")
    words = visitor.words
    last = min(figures.month.on(1), Month.of(visitor.site.now()))
    months = [last.on(back) for back in (-2, -1, 0)]
    return render(
        visitor,
        "figures.html",
        place=words.place(figures.place),
        month_name=month_name(words, figures.month, year=True),
        at=figures.ground.at,
        frozen=figures.ground.frozen,
        figures=[shown(words, figures, one, _MOST_PARTS) for one in figures.found],
        months=[
            {"label": month_name(words, one), "href": f"/scoreboard/figures?{figures.query(month=str(one), at='')}", "current": one == figures.month}
            for one in months
        ],
        board_href=f"/scoreboard?{figures.query()}",
        export=f"/scoreboard/figures/export?{figures.query()}" if "export" in visitor.scope.pages else "",
    )  # fmt: skip


@router.get("/scoreboard/figures/{figure}")
def one_of_them(request: Request, figure: str, visitor: Annotated[Visitor, Depends(page("scoreboard"))]) -> Response:
    """One figure and the rows behind it that are in scope. 404 for a name that is none."""
    if figure not in NAMES:
        raise NotFound
    with visitor.site.engine.connect() as connection:
        figures = Figures(connection, visitor, asked_of(request))
        known = {one.name: one for one in figures.found}
        if figures.ground is None or figure not in known:
            return render(visitor, "no_ledger.html")
        rows = in_scope(connection, visitor, known[figure].rows)
    visitor.tell_listed(persons_behind(rows[:_MOST_ROWS]))
    words = visitor.words
    return render(
        visitor,
        "figure.html",
        place=words.place(figures.place),
        month_name=month_name(words, figures.month, year=True),
        at=figures.ground.at,
        figure=shown(words, figures, known[figure]),
        rows=[_row(words, one) for one in rows[:_MOST_ROWS]],
        more=max(0, len(rows) - _MOST_ROWS),
        outside=figures.outside(known[figure], rows),
        back=f"/scoreboard/figures?{figures.query()}",
    )


def persons_behind(rows: Sequence[Behind]) -> Persons:
    """The persons that rows behind a figure name."""
    return [(row.subject, row.place) for row in rows if row.subject.startswith(PERSON)]


def in_scope(connection: Connection, visitor: Visitor, rows: Sequence[Behind]) -> list[Behind]:
    """Rows about people and disputes that the visitor may see."""
    if not visitor.scope.handovers:
        return []
    subjects = sorted({row.subject for row in rows if row.subject.startswith("p1_")})
    seen: set[str] = set()
    for first in range(0, len(subjects), _MOST_ROWS):
        wanted = handover.c.subject.in_(subjects[first : first + _MOST_ROWS])
        mine = select(handover.c.subject).where(wanted, visitor.scope.of_handovers(handover))
        seen.update(connection.execute(mine).scalars())
    prefix = visitor.scope.prefix
    return [row for row in rows if row.subject in seen or (row.subject.startswith("d1_") and row.place.startswith(prefix))]  # fmt: skip


def shown(words: Words, figures: Figures, figure: Figure, most: int | None = None) -> dict[str, Any]:
    """A figure as a page shows it: its value in words, its definition, where its rows are; so many of its parts."""
    parts = figures.parts(figure)
    if figure.name == "publishers":
        parts.sort(key=_slowest)
    return {
        "name": words.t(f"figure.{figure.name}"),
        "definition": definition_of(words, figures, figure),
        "value": value_of(words, figures, figure),
        "of": words.t(f"figure.part.{_OF.get(figure.name, 'rule')}"),
        "columns": [words.t(f"figure.part.{name}") for name in (parts[0].values if parts else ())],
        "parts": [_part(words, figure, one) for one in parts[:most]],
        "parts_more": len(parts[most:]) if most is not None else 0,
        "href": _href(figures, figure),
    }


_OF = {
    "publishers": "publisher", "notice_lead": "prison", "stock": "county", "load": "office", "overdue": "step", "disputes_overdue": "step",
    "settled": "need", "alarms": "result", "disputes_time": "level", "disputes_moved": "move",
}  # fmt: skip
_CENSORED = ("answer_time", "alarms", "disputes_time")


def definition_of(words: Words, figures: Figures, figure: Figure) -> str:
    """What a figure counts, in words."""
    first = None if figures.hides(figure) else figure.oldest
    since = words.long_day(first.date()) if first is not None else words.t("none")
    values = {
        "least": LEAST,
        "since": since,
        "officers": LEAST_OFFICERS,
        "days": CONFIRMED_WITHIN // DAY,
        **figure.more,
    }
    wanted = {name: values[name] for name in _VALUES.get(figure.name, ())}
    return words.t(f"figure.{figure.name}.what", **wanted)


_VALUES: Mapping[str, Sequence[str]] = {
    "returns": ("most",),
    "load": ("officers",),
    "alarms": ("days",),
    **{f"reoffended_{months}": ("least", "since") for months in WINDOWS},
}


def _slowest(part: Part) -> tuple[timedelta, str]:
    high = part.values["p95"]
    return (-high if isinstance(high, timedelta) else timedelta(), part.name)


def value_of(words: Words, figures: Figures, figure: Figure) -> str:
    """A figure's value in words: `<5` where it is not told."""
    t = words.t
    if figures.hides(figure):
        return t("board.cell.hidden", n=figure.withheld or HIDDEN_FROM_STRANGERS)
    if figure.top is None:
        return ""
    if figure.bottom is not None:
        if not figure.bottom:
            return ""
        if figure.percent is None:
            return f"{figure.top}/{figure.bottom}"
        return f"{figure.percent:.1f}% ({figure.top}/{figure.bottom})"
    if figure.oldest is not None:
        return t("figure.oldest", n=figure.top, at=words.limit(figure.oldest))
    return str(figure.top)


def _part(words: Words, figure: Figure, part: Part) -> dict[str, Any]:
    return {
        "name": part_name(words, figure, part),
        "values": [cell(words, figure, column, value) for column, value in part.values.items()],
    }


def part_name(words: Words, figure: Figure, part: Part) -> str:
    """A rule, office, place, publisher or code in words."""
    names: Mapping[str, Callable[[str], str]] = {
        "publishers": words.source,
        "notice_lead": words.agency,
        "stock": words.place,
        "load": lambda office: words.agency(office) if office else words.t("figure.load.nobody"),
        "overdue": partial(_step, words),
        "disputes_overdue": partial(_step, words),
        "settled": partial(words.code, "intake.help_referred", "kind"),
        "alarms": lambda result: words.code("checkin.location_checked", "result", result) or words.t("figure.together"),
        "disputes_time": lambda level: words.code("dispute.reported", "level", level) or words.t("figure.together"),
        "disputes_moved": lambda move: " → ".join(
            words.code("dispute.escalated", "to_level", level) for level in move.split()
        ),
    }
    named = names.get(figure.name)
    return named(part.name) if named is not None else f"{part.name} {words.rule(part.name)}"


def _step(words: Words, step: str) -> str:
    return words.t("figure.step", n=step) if step else words.t("figure.step.none")


def cell(words: Words, figure: Figure, column: str, value: Value) -> str:
    """A value of a part in words."""
    match value:
        case None:
            return words.t("figure.not_reached" if figure.name in _CENSORED else "figure.not_known")
        case timedelta() if figure.name == "notice_lead":
            return words.t("figure.days", n=value // DAY)
        case timedelta():
            return words.length(value)
        case float():
            return f"{value:.1f}"
        case _ if column == "differs" and value:
            return words.t("figure.differs", n=f"{value:+d}")
        case _:
            return str(value)


def _href(figures: Figures, figure: Figure) -> str:
    if figure.duties is None:
        return f"/scoreboard/figures/{figure.name}?{figures.query()}" if figure.rows or figure.parts else ""
    result, rules, of_month = figure.duties
    values = {
        "rule": ",".join(rules), "county": figures.place, "month": str(figures.month) if of_month else "", "result": result,
        "kind": figures.asked.kind, "at": figures.asked.at.isoformat() if figures.asked.at else "",
    }  # fmt: skip
    return f"/obligations?{urlencode({name: value for name, value in values.items() if value})}"


def _row(words: Words, one: Behind) -> dict[str, Any]:
    return {
        "who": words.person(one.subject),
        "href": f"/people/{one.subject}" if one.subject.startswith("p1_") else "",
        "place": words.place(one.place),
        "office": words.agency(one.office),
        "at": _day(words, one.at),
        "fact": words.rule(words.fact(one.fact)),
        "holds": one.holds,
    }


def _day(words: Words, at: datetime) -> str:
    return words.day(at.date()) if at.hour == at.minute == 0 else words.at(at)
