"""Indicators in words, and the rows behind one that a visitor may see: what the page, the file and the API share."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from console.audit.log import PERSON, Persons
from console.reports.alarms import CONFIRMED_WITHIN
from console.reports.indicator import DrillDownRow, Indicator, IndicatorPart, PartValue
from console.reports.load import LEAST_OFFICERS
from console.reports.month import Month
from console.reports.obligation_base import ObligationBase, read_base
from console.reports.registry import HIDDEN_FROM_STRANGERS, compute_indicators, is_about_few, is_too_few
from console.reports.reoffending import LEAST, WINDOWS
from console.reports.scoreboard import FEW
from console.reports.scoreboard_access import ScoreboardQuery, ScoreboardReader, find_reader
from console.text.formatter import Words
from console.web.request import Visitor
from handover.calendar import DAY
from sinks.readmodel.tables import handover

_MOST_ROWS, _MOST_PARTS = 500, 30


class ReaderIndicators:
    """The figures that one reader asked for."""

    def __init__(self, connection: Connection, visitor: Visitor, asked: ScoreboardQuery) -> None:
        self.reader: ScoreboardReader = find_reader(visitor.scope, asked.prefix)
        self.place = self.reader.own or self.reader.prefix
        self.asked = asked
        self.month = min(asked.month or Month.of(visitor.site.now()), Month.of(visitor.site.now()))
        self.ground: ObligationBase | None = read_base(connection, self.month, asked.at)
        self.found: list[Indicator] = []
        if self.ground is not None:
            self.found = compute_indicators(connection, self.ground, visitor.site.book, self.place, asked.kind)

    def hides(self, figure: Indicator) -> bool:
        """Whether this reader is told only that they are few."""
        return figure.withheld > 0 or (not self.reader.sees_rows and is_too_few(figure))

    def parts(self, figure: Indicator) -> list[IndicatorPart]:
        """The parts of a figure that this reader may see."""
        if self.hides(figure):
            return []
        return [one for one in figure.parts if self.reader.sees_rows or not is_about_few(one)]

    def outside(self, figure: Indicator, mine: Sequence[DrillDownRow]) -> int:
        """How many rows it counts that are not in scope; nothing where they are too few to be told."""
        return 0 if self.hides(figure) else len(figure.rows) - len(mine)

    def query(self, **changes: str) -> str:
        """As it stands in an address."""
        at = self.asked.at.isoformat() if self.asked.at else ""
        values = {"prefix": self.reader.prefix, "month": str(self.month), "kind": self.asked.kind, "at": at} | changes
        return urlencode({name: value for name, value in values.items() if value})


def list_drill_down_persons(rows: Sequence[DrillDownRow]) -> Persons:
    """The persons that rows behind a figure name."""
    return [(row.subject, row.place) for row in rows if row.subject.startswith(PERSON)]


def keep_visible(connection: Connection, visitor: Visitor, rows: Sequence[DrillDownRow]) -> list[DrillDownRow]:
    """Rows about people and disputes that the visitor may see."""
    if not visitor.scope.handovers:
        return []
    subjects = sorted({row.subject for row in rows if row.subject.startswith("p1_")})
    seen: set[str] = set()
    for first in range(0, len(subjects), _MOST_ROWS):
        wanted = handover.c.subject.in_(subjects[first : first + _MOST_ROWS])
        mine = select(handover.c.subject).where(wanted, visitor.scope.filter_handovers(handover))
        seen.update(connection.execute(mine).scalars())
    prefix = visitor.scope.prefix
    return [row for row in rows if row.subject in seen or (row.subject.startswith("d1_") and row.place.startswith(prefix))]  # fmt: skip


def present_indicator(
    words: Words, figures: ReaderIndicators, figure: Indicator, most: int | None = None
) -> dict[str, Any]:
    """A figure as a page shows it: its value in words, its definition, where its rows are; so many of its parts."""
    parts = figures.parts(figure)
    if figure.name == "publishers":
        parts.sort(key=_sort_key)
    return {
        "name": words.t(f"figure.{figure.name}"),
        "definition": describe_definition(words, figures, figure),
        "value": describe_value(words, figures, figure),
        "of": words.t(f"figure.part.{_OF.get(figure.name, 'rule')}"),
        "columns": [words.t(f"figure.part.{name}") for name in (parts[0].values if parts else ())],
        "parts": [_present_part(words, figure, one) for one in parts[:most]],
        "parts_more": len(parts[most:]) if most is not None else 0,
        "href": _link(figures, figure),
    }


_OF = {
    "publishers": "publisher", "notice_lead": "prison", "stock": "county", "load": "office", "overdue": "step", "disputes_overdue": "step",
    "settled": "need", "alarms": "result", "disputes_time": "level", "disputes_moved": "move",
    "legal_aid": "whom", "works_held": "work", "screening": "office", "reoffended_by_county": "county", "found_again": "whom",
}  # fmt: skip
_CENSORED = ("answer_time", "alarms", "disputes_time", "found_again")


def describe_definition(words: Words, figures: ReaderIndicators, figure: Indicator) -> str:
    """What a figure counts, in words."""
    first = None if figures.hides(figure) else figure.oldest
    since = words.long_day(first.date()) if first is not None else words.t("none")
    values = {
        "least": LEAST,
        "since": since,
        "officers": LEAST_OFFICERS,
        "days": CONFIRMED_WITHIN // DAY,
        "few": FEW,
        **figure.more,
    }
    wanted = {name: values[name] for name in _VALUES.get(figure.name, ())}
    return words.t(f"figure.{figure.name}.what", **wanted)


_VALUES: Mapping[str, Sequence[str]] = {
    "returns": ("most",),
    "load": ("officers",),
    "alarms": ("days",),
    "reoffended_by_county": ("least", "few"),
    **{f"reoffended_{months}": ("least", "since") for months in WINDOWS},
}


def _sort_key(part: IndicatorPart) -> tuple[timedelta, str]:
    high = part.values["p95"]
    return (-high if isinstance(high, timedelta) else timedelta(), part.name)


def describe_value(words: Words, figures: ReaderIndicators, figure: Indicator) -> str:
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


def _present_part(words: Words, figure: Indicator, part: IndicatorPart) -> dict[str, Any]:
    return {
        "name": name_part(words, figure, part),
        "values": [describe_cell(words, figure, column, value) for column, value in part.values.items()],
    }


def name_part(words: Words, figure: Indicator, part: IndicatorPart) -> str:
    """A rule, office, place, publisher or code in words."""
    names: Mapping[str, Callable[[str], str]] = {
        "publishers": words.source,
        "notice_lead": words.agency,
        "stock": words.place,
        "legal_aid": lambda whom: words.t(f"figure.legal_aid.{whom}" if whom else "figure.together"),
        "found_again": lambda _: words.t("figure.together"),
        "works_held": partial(words.code, "work.reported", "kind"),
        "screening": words.agency,
        "reoffended_by_county": lambda county: words.place(county) if county else words.t("figure.together"),
        "load": lambda office: words.agency(office) if office else words.t("figure.load.nobody"),
        "overdue": partial(_name_step, words),
        "disputes_overdue": partial(_name_step, words),
        "settled": partial(words.code, "intake.help_referred", "kind"),
        "alarms": lambda result: words.code("checkin.location_checked", "result", result) or words.t("figure.together"),
        "disputes_time": lambda level: words.code("dispute.reported", "level", level) or words.t("figure.together"),
        "disputes_moved": lambda move: " → ".join(
            words.code("dispute.escalated", "to_level", level) for level in move.split()
        ),
    }
    named = names.get(figure.name)
    return named(part.name) if named is not None else f"{part.name} {words.rule(part.name)}"


def _name_step(words: Words, step: str) -> str:
    return words.t("figure.step", n=step) if step else words.t("figure.step.none")


def describe_cell(words: Words, figure: Indicator, column: str, value: PartValue) -> str:
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


def _link(figures: ReaderIndicators, figure: Indicator) -> str:
    if figure.obligations is None:
        return f"/scoreboard/figures/{figure.name}?{figures.query()}" if figure.rows or figure.parts else ""
    result, rules, of_month = figure.obligations
    values = {
        "rule": ",".join(rules), "county": figures.place, "month": str(figures.month) if of_month else "", "result": result,
        "kind": figures.asked.kind, "work": figure.work, "at": figures.asked.at.isoformat() if figures.asked.at else "",
    }  # fmt: skip
    return f"/obligations?{urlencode({name: value for name, value in values.items() if value})}"
