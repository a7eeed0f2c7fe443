"""The five works in words: what their template and their file need."""

from typing import Any
from urllib.parse import urlencode

from console.reports.five_works import PlaceColumn, PrisonColumn
from console.reports.five_works_access import FiveWorksView
from console.reports.month import Month
from console.reports.scoreboard import FEW, HIDDEN, Share
from console.reports.scoreboard_access import ORDERS
from console.reports.scoreboard_view import ScoreboardCell, make_share_cell
from console.text.formatter import Words
from handover.rules.works import OWN, PRISON


def write_query(view: FiveWorksView, **changes: str) -> str:
    """The view as it stands in an address."""
    asked = view.asked
    values = {
        "prefix": view.reader.prefix,
        "month": str(view.month),
        "sort": asked.order if asked.order != ORDERS[0] else "",
        "at": asked.at.isoformat() if asked.at else "",
    } | changes
    return urlencode({name: value for name, value in values.items() if value})


def present_five_works(words: Words, view: FiveWorksView) -> dict[str, Any]:
    """The five works with everything their template needs."""
    found, t = view.found, words.t
    columns = [*found.places, found.all]
    last = min(view.month.on(1), view.now)
    return {
        "view": view,
        "found": found,
        "place": words.place(view.reader.prefix),
        "month_name": words.month(view.month.first, year=True),
        "months": [_present_month(words, view, last.on(back)) for back in (-2, -1, 0)],
        "order": f"/five-works?{write_query(view, sort='' if view.asked.order == 'name' else 'name')}",
        "order_name": t("board.sort.rank" if view.asked.order == "name" else "board.sort.name"),
        "columns": [_present_head(words, view, column) for column in columns],
        "rows": [
            {
                "name": t(f"work.{work}"), "prison": work == PRISON,
                "cells": [_present_share(words, view, column, work) for column in columns], "spread": format_points(found.spread(work)),
            }
            for work in found.works
        ],
        "totals": [_present_total(words, view, column) for column in columns],
        "imbalances": [describe_imbalance(words, column) for column in columns],
        "prisons": [words.agency(one.agency) for one in found.prisons],
        "lines": [
            {"name": t(f"prison_line.{line}"), "cells": [_present_line(words, view, one, line) for one in found.prisons]}
            for line in found.lines
        ],
        "export": f"/five-works/export?{write_query(view)}",
        "few": FEW,
        "hidden": HIDDEN,
    }  # fmt: skip


def format_points(points: float | None) -> str:
    """12.3, or – where it is not known."""
    return f"{points:.1f}" if points is not None else "–"


def name_column(words: Words, view: FiveWorksView, column: PlaceColumn) -> str:
    """A county, or all together."""
    if column.place:
        return words.place(column.place)
    return words.t("board.all", place=words.place(view.reader.prefix))


def describe_imbalance(words: Words, column: PlaceColumn) -> tuple[str, str]:
    """In percentage points, and between which works; "–" and nothing where it is not known."""
    apart = column.imbalance
    if apart is None:
        return "–", ""
    names = {"worst": words.t(f"work.{apart.worst}"), "best": words.t(f"work.{apart.best}")}
    return format_points(apart.points), words.t("works.imbalance.between", **names)


def _present_head(words: Words, view: FiveWorksView, column: PlaceColumn) -> dict[str, str]:
    is_city = len(column.place) == 4
    return {
        "name": name_column(words, view, column),
        "href": f"/five-works?{write_query(view, prefix=column.place)}" if is_city else "",
    }


def _present_month(words: Words, view: FiveWorksView, month: Month) -> dict[str, Any]:
    name = words.month(month.first)
    label = words.t("board.month.running", month=name) if month == view.now else name
    href = f"/five-works?{write_query(view, month=str(month), at='')}"
    return {"label": label, "current": month == view.month, "href": href}


def _link(view: FiveWorksView, **values: str) -> str:
    asked = view.asked
    values = {
        "month": str(view.month),
        "result": "counted",
        "at": asked.at.isoformat() if asked.at else "",
        **values,
    }
    return f"/obligations?{urlencode({name: value for name, value in values.items() if value})}"


def _present_share(words: Words, view: FiveWorksView, column: PlaceColumn, work: str) -> ScoreboardCell:
    href = _link(view, work=work, county=column.place or view.reader.prefix)
    return make_share_cell(words, column.shares[work], name_column(words, view, column), words.t(f"work.{work}"), href)


def _present_total(words: Words, view: FiveWorksView, column: PlaceColumn) -> ScoreboardCell:
    href = _link(view, work=OWN, county=column.place or view.reader.prefix)
    return make_share_cell(words, column.total, name_column(words, view, column), words.t("works.total"), href)


def _present_line(words: Words, view: FiveWorksView, prison: PrisonColumn, line: str) -> ScoreboardCell:
    href = _link(view, line=line, owner=prison.agency, county=view.reader.own or view.reader.prefix)
    return make_share_cell(
        words, prison.shares[line], words.agency(prison.agency), words.t(f"prison_line.{line}"), href
    )


def list_head(words: Words) -> list[str]:
    """The head of the file's table."""
    t = words.t
    numbers = [t(f"figure.{name}") for name in ("top", "bottom", "percent")]
    places = [t("export.col.code"), t("export.col.place")]
    return [t("works.file.table"), t("works.work"), *places, *numbers, t("works.file.points")]


def list_rows(words: Words, view: FiveWorksView) -> list[list[Any]]:
    """The rows of the file's table: each cell, then the spread of each work and the imbalance of each county."""
    t, found = words.t, view.found
    columns = [*found.places, found.all]
    works, prisons = t("works.title"), t("works.prisons")
    rows = [
        [
            works,
            t(f"work.{work}"),
            column.place,
            name_column(words, view, column),
            *list_share(column.shares[work]),
            None,
        ]
        for work in found.works
        for column in columns
    ]
    rows += [
        [works, t("works.total"), one.place, name_column(words, view, one), *list_share(one.total), None]
        for one in columns
    ]
    rows += [
        [prisons, t(f"prison_line.{line}"), one.agency, words.agency(one.agency), *list_share(one.shares[line]), None]
        for line in found.lines
        for one in found.prisons
    ]
    rows += [
        [t("works.spread"), t(f"work.{work}"), "", "", None, None, None, _round(found.spread(work))]
        for work in found.works
    ]
    for one in columns:
        points, between = one.imbalance.points if one.imbalance else None, describe_imbalance(words, one)[1]
        rows.append(
            [t("works.imbalance"), between, one.place, name_column(words, view, one), None, None, None, _round(points)]
        )
    return rows


def list_share(share: Share) -> list[Any]:
    """Numerator, denominator and percentage as cells of a file."""
    if share.hidden:
        return [None, f"<{HIDDEN}", None]
    return [share.top, share.bottom, _round(share.percent)]


def _round(value: float | None) -> float | None:
    return round(value, 1) if value is not None else None
