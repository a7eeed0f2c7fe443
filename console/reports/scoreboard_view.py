"""The scoreboard in words: what its template and its file need."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from console.reports.month import Month
from console.reports.scoreboard import FEW, HIDDEN, MONTHS, ScoreboardLine, Share
from console.reports.scoreboard_access import ORDERS, ScoreboardView
from console.reports.stages import KINDS, ScoreboardStage
from console.text import deadline_text, svg_charts
from console.text.formatter import Words
from console.web.site import Site
from handover.calendar import due_day_of

_MOST_CORRECTIONS = 50


def write_query(view: ScoreboardView, **changes: str) -> str:
    """The view as it stands in an address."""
    asked = view.asked
    values = {
        "prefix": view.reader.prefix,
        "month": str(view.month),
        "kind": asked.kind,
        "sort": asked.order if asked.order != ORDERS[0] else "",
        "at": asked.at.isoformat() if asked.at else "",
    } | changes
    return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class ScoreboardCell:
    """One cell: its class, two lines, where it leads (empty: nowhere), what it says aloud."""

    cls: str
    top: str
    below: str
    href: str
    say: str


def present_scoreboard(site: Site, words: Words, view: ScoreboardView) -> dict[str, Any]:
    """The scoreboard with everything its template needs."""
    board, t = view.board, words.t
    place = words.place(view.reader.prefix)
    return {
        "view": view,
        "board": board,
        "place": place,
        "month_name": words.month(view.month.first, year=True),
        "line": summarize(words, view),
        "kinds": [_make_link(view, t(f"board.kind.{kind or 'all'}"), current=kind == view.asked.kind, kind=kind) for kind in ("", *KINDS)],
        "months": [_present_month(words, view, month) for month in _list_months(view)],
        "orders": [{"href": f"/scoreboard?{write_query(view, sort=name if name != ORDERS[0] else '')}", "name": name} for name in ORDERS],
        "stages": [{"name": t(f"stage.{stage.name}"), "rules": " ".join(stage.rules), "prison": not stage.of_county} for stage in board.stages],
        "lines": [_present_line(site, words, view, line) for line in board.lines],
        "all": _present_line(site, words, view, board.all),
        "left_out": [(t(f"duties.result.{name}"), n, _link_to_obligations(view, view.reader.own or view.reader.prefix, board.stages, name))
                     for name, n in board.left_out.items() if n],
        "contested": [(rule, words.rule(rule), n) for rule, n in sorted(board.contested.items())],
        "contested_href": _link_to_obligations(view, view.reader.own or view.reader.prefix, board.stages, "contested"),
        "corrected": _present_corrections(words, view),
        "corrected_n": len(view.corrected),
        "figures_href": f"/scoreboard/figures?{write_query(view, sort='')}",
        "export": f"/scoreboard/export?{write_query(view)}",
        "few": FEW,
        "hidden": HIDDEN,
    }  # fmt: skip


def summarize(words: Words, view: ScoreboardView) -> str:
    """The first line: how many in time, more or less than the month before, how far apart the places are."""
    t, board = words.t, view.board
    share = board.all.total
    parts = [t("board.line", place=words.place(view.reader.prefix), month=words.month(view.month.first, year=True))]
    if share.percent is None:
        parts.append(t("board.line.few"))
    elif board.change is None:
        parts.append(t("board.line.share", percent=format_percent(share)))
    else:
        key = "more" if round(board.change, 1) > 0 else "less" if round(board.change, 1) < 0 else "same"
        before = words.month(view.month.on(-1).first)
        parts.append(
            t(f"board.line.{key}", percent=format_percent(share), month=before, points=f"{abs(board.change):.1f}")
        )
    if board.spread is not None and not view.reader.alone:
        parts.append(t("board.line.spread", points=f"{board.spread:.1f}"))
    return t("board.stop").join(parts) + t("board.end")


def format_percent(share: Share) -> str:
    """93.5%."""
    return f"{share.percent:.1f}%" if share.percent is not None else ""


def _list_months(view: ScoreboardView) -> list[Month]:
    last = min(view.month.on(1), view.now)
    return [last.on(back) for back in (-2, -1, 0)]


def _make_link(view: ScoreboardView, label: str, *, current: bool, **changes: str) -> dict[str, Any]:
    return {"label": label, "current": current, "href": f"/scoreboard?{write_query(view, **changes)}"}


def _present_month(words: Words, view: ScoreboardView, month: Month) -> dict[str, Any]:
    name = words.month(month.first)
    label = words.t("board.month.running", month=name) if month == view.now else name
    return _make_link(view, label, current=month == view.month, month=str(month), at="")


def _link_to_obligations(view: ScoreboardView, county: str, stages: Any, result: str, *, month: bool = True) -> str:
    values = {
        "rule": ",".join(rule for stage in stages for rule in stage.rules),
        "county": county,
        "month": str(view.month) if month else "",
        "result": result,
        "kind": view.asked.kind,
        "at": view.asked.at.isoformat() if view.asked.at else "",
    }
    return f"/obligations?{urlencode({name: value for name, value in values.items() if value})}"


def _present_line(site: Site, words: Words, view: ScoreboardView, line: ScoreboardLine) -> dict[str, Any]:
    t, stages = words.t, view.board.stages
    name = words.place(line.place) if line.place else t("board.all", place=words.place(view.reader.prefix))
    county = line.place or view.reader.prefix
    of_county = [stage for stage in stages if stage.of_county]
    cells = [
        (_present_share(words, view, name, t(f"stage.{stage.name}"), county, [stage], share), not stage.of_county)
        for stage, share in zip(stages, line.shares, strict=True)
    ]
    is_city = len(line.place) == 4
    counted = _link_to_obligations(view, county, of_county, "counted")
    return {
        "place": name,
        "href": f"/scoreboard?{write_query(view, prefix=line.place)}" if is_city else counted,
        "cells": cells,
        "total": _present_share(words, view, name, t("board.total"), county, of_county, line.total),
        "overdue": _present_overdue(site, words, view, line, county, of_county),
        "spark": _draw_months(words, view, line),
    }  # fmt: skip


def _present_share(
    words: Words, view: ScoreboardView, place: str, stage: str, county: str, stages: list[ScoreboardStage], share: Share
) -> ScoreboardCell:
    return make_share_cell(words, share, place, stage, _link_to_obligations(view, county, stages, "counted"))


def make_share_cell(words: Words, share: Share, place: str, stage: str, href: str) -> ScoreboardCell:
    """A share as a cell that leads to its rows, unless it has none or is hidden."""
    t = words.t
    if share.hidden:
        say = t("board.say.hidden", place=place, stage=stage, n=HIDDEN)
        return ScoreboardCell("few", t("board.cell.hidden", n=HIDDEN), t("board.cell.few", n=HIDDEN), "", say)
    if not share.bottom:
        return ScoreboardCell("", "–", "", "", t("board.say.none", place=place, stage=stage))
    say = t("board.say", place=place, stage=stage, top=share.top, n=share.bottom)
    if share.percent is None:
        return ScoreboardCell("few", f"{share.top}/{share.bottom}", t("board.cell.few", n=FEW), href, say)
    return ScoreboardCell(share.heat, format_percent(share), f"n={share.bottom}", href, say)


def _present_overdue(
    site: Site, words: Words, view: ScoreboardView, line: ScoreboardLine, county: str, stages: list[ScoreboardStage]
) -> ScoreboardCell:
    t, overdue = words.t, line.overdue
    if overdue.hidden:
        return ScoreboardCell("", t("board.cell.hidden", n=HIDDEN), "", "", t("board.overdue"))
    if not overdue.n or overdue.oldest is None:
        return ScoreboardCell("", "0", "", "", t("board.overdue"))
    today = view.board.ground.at.date()
    age = t("board.age", n=deadline_text.count_working_days(site.calendar, due_day_of(overdue.oldest), today))
    href = _link_to_obligations(view, county, stages, "overdue", month=False)
    return ScoreboardCell("", str(overdue.n), age, href, t("board.say.overdue", n=overdue.n, age=age))


def _draw_months(words: Words, view: ScoreboardView, line: ScoreboardLine) -> Markup:
    names = [words.month(view.month.on(index - MONTHS + 1).first) for index in range(MONTHS)]
    known = [f"{name} {format_percent(share)}" for name, share in zip(names, line.months, strict=True) if share.percent is not None]  # fmt: skip
    say = words.t("board.spark", months=", ".join(known) or words.t("none"))
    return svg_charts.draw_spark([share.percent for share in line.months], say)


def _present_corrections(words: Words, view: ScoreboardView) -> list[dict[str, Any]]:
    """What became known since: how many obligations of a place and rule stand otherwise, and how."""
    grouped = Counter((one.county, one.rule_id, one.before, one.now) for one in view.corrected)
    found = []
    for (county, rule, before, now), n in sorted(grouped.items(), key=str)[:_MOST_CORRECTIONS]:
        query = urlencode(
            {"rule": rule, "county": county, "month": str(view.month), "at": view.board.ground.at.isoformat()}
        )
        found.append({
            "place": words.place(county), "rule_id": rule, "rule": words.rule(rule), "n": n, "href": f"/obligations?{query}",
            "before": words.t(f"standing.{before}") if before else words.t("standing.none"),
            "now": words.t(f"standing.{now}") if now else words.t("standing.none"),
        })  # fmt: skip
    return found
