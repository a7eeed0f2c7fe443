"""/whatif: what would the recorded history have raised under another rule book?"""

import csv
import io
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.audit import log as audit
from console.db.rows import RunRow, WhatIfAlertRow
from console.rules import whatif_store
from console.rules.book_view import group_differences, list_books
from console.rules.books import list_tryable, read_books
from console.rules.whatif_service import (
    KB,
    describe_refusal,
    find_run,
    hide_few,
    may_know_person,
    may_see_alerts,
    read_place,
    start_run,
)
from console.rules.whatif_store import FIGURES, OPEN, TooMany
from console.text import svg_charts
from console.text.formatter import Words
from console.web.forms import InvalidForm
from console.web.request import Form, Visitor, form, page, redirect, render
from console.web.uploads import LARGEST, InvalidBook, UploadForm, upload
from handover.analysis.whatif import KINDS, Cell
from handover.rules.diff import Difference, differences
from handover.rules.rulebook import InvalidRuleBook, RuleBook
from schemas.instants import instant

router = APIRouter()
_SHOWN = 20
_NOTHING_TYPED = {"book": "", "from": "", "to": ""}


@router.get("/whatif")
def list_runs(request: Request, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> Response:
    """The form to start a run, and the newest runs; ?book= chooses one."""
    return render_runs(visitor, typed={"book": request.query_params.get("book", "")})


def render_runs(
    visitor: Visitor, *, status: int = 200, typed: Mapping[str, str] | None = None, refusal: str = "", detail: str = ""
) -> Response:
    """The page, with what was typed and why it was refused."""
    site = visitor.site
    with site.engine.connect() as connection:
        return render(
            visitor,
            "whatif.html",
            status=status,
            choices=list(list_tryable(site, connection)),
            runs=whatif_store.list_latest(connection, _SHOWN),
            typed={**_NOTHING_TYPED, **(typed or {})},
            refusal=refusal,
            detail=detail,
            most=LARGEST // KB,
            books_nav=list_books(visitor.words, read_books(site, connection, site.now()), ""),
        )


@router.post("/whatif")
def start_whatif(request: Request, sent: Annotated[UploadForm, Depends(upload("whatif"))]) -> Response:
    """Start a run with a known book or a file."""
    visitor = sent.visitor
    try:
        run_id = start_run(visitor, sent.name, sent.content, sent.size, sent.fields)
    except InvalidBook as error:
        refusal, detail = describe_refusal(visitor.words, error)
        return render_runs(visitor, status=422, typed=sent.fields, refusal=refusal, detail=detail)
    except InvalidForm as invalid:
        key, values = next(iter(invalid.errors.values()))
        return render_runs(visitor, status=422, typed=sent.fields, refusal=visitor.words.t(key, **values))
    except TooMany as error:
        refusal = visitor.words.t("whatif.refusal.busy", n=error.count)
        return render_runs(visitor, status=409, typed=sent.fields, refusal=refusal)
    return redirect(f"/whatif/{run_id}")


@router.get("/whatif/{run_id}")
def show_run(request: Request, run_id: str, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> Response:
    """One run: how far it is, or what it came to; ?by=rule groups the table by rules."""
    site, words = visitor.site, visitor.words
    by = "rule_id" if request.query_params.get("by") == "rule" else "county"
    with site.engine.connect() as connection:
        one = find_run(connection, run_id)
        found = read_books(site, connection, site.now())
        table = whatif_store.read_cells(connection, run_id, by) if one["state"] == "done" else []
    after = _read_book(one)
    return render(
        visitor,
        "whatif_run.html",
        run=one,
        moving=one["state"] in OPEN,
        figures=one["figures"] or {},
        changed=group_differences(words, site.book, after, _list_differences(site.book, after))
        if after is not None
        else [],
        known=one["book"] in {version.book.book for version in found.versions},
        by="rule" if by == "rule_id" else "county",
        table=_present_table(visitor, one, table, by),
        failure=_describe_failure(words, one),
        hides=not may_see_alerts(visitor),
        took=_describe_duration(words, one),
        books_nav=list_books(words, found, ""),
    )


def _list_differences(before: RuleBook, after: RuleBook) -> list[Difference]:
    """What differs but for the names of the books, which stand above it."""
    return [one for one in differences(before, after) if one.rule or one.key not in ("book", "names")]


def _read_book(one: RunRow) -> RuleBook | None:
    try:
        return whatif_store.read_book(one)
    except (InvalidRuleBook, OSError):  # what it extends has changed since
        return None


def _describe_duration(words: Words, one: RunRow) -> str:
    figures = one["figures"]
    if not figures or not figures["first"]:
        return ""
    return words.t(
        "whatif.took",
        since=words.at(one["since"] or instant(figures["first"])),
        until=words.at(instant(figures["until"])),
        events=figures["events"],
        seconds=round(one["seconds"]),
    )


def _describe_failure(words: Words, one: RunRow) -> str:
    why = one["failure"] or ""
    return words.t("whatif.failed", why=words.t("whatif.failed.interrupted") if why == "interrupted" else why)


def _present_table(visitor: Visitor, one: RunRow, cells: list[tuple[str, Cell]], by: str) -> list[dict[str, Any]]:
    widest = max((max(cell.before, cell.after) for _, cell in cells), default=1) or 1
    words, column, clear = visitor.words, "rule" if by == "rule_id" else "county", may_see_alerts(visitor)
    found = []
    for name, cell in cells:
        label = words.rule(name) if by == "rule_id" else words.place(name) or words.t("none")
        numbers = {kind: hide_few(visitor, getattr(cell, kind)) for kind in FIGURES}
        links = dict.fromkeys(FIGURES, "")
        for kind in KINDS if clear else ():
            if getattr(cell, kind):
                links[kind] = f"/whatif/{one['run_id']}/alerts?{urlencode({'change': kind, column: name})}"
        bar = svg_charts.draw_share(cell.before, cell.after, widest) if clear else ""
        found.append({"name": name, "label": label, "numbers": numbers, "links": links, "bar": bar})
    return found


@router.post("/whatif/{run_id}/cancel")
def cancel_run(run_id: str, sent: Annotated[Form, Depends(form("whatif"))]) -> Response:
    """Stop a run."""
    site = sent.visitor.site
    with site.engine.connect() as connection:
        find_run(connection, run_id)
    whatif_store.cancel(site.engine, run_id, site.wall())
    return redirect(f"/whatif/{run_id}")


@router.get("/whatif/{run_id}/table.csv")
def export_table(run_id: str, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> Response:
    """The counts by county, and by rule, as a spreadsheet reads them."""
    words, text = visitor.words, io.StringIO()
    with visitor.site.engine.connect() as connection:
        find_run(connection, run_id)
        parts = [(by, whatif_store.read_cells(connection, run_id, by)) for by in ("county", "rule_id")]
    rows = csv.writer(text)
    rows.writerow([words.t("whatif.col.place"), words.t("whatif.col.rule"), *(words.t(f"whatif.{n}") for n in FIGURES)])
    for by, cells in parts:
        for name, cell in cells:
            numbers = [hide_few(visitor, getattr(cell, kind)) for kind in FIGURES]
            told = [words.t("whatif.few") if number is None else number for number in numbers]
            rows.writerow([name if by == "county" else "", name if by == "rule_id" else "", *told])
    audit.record(visitor.site, visitor.user, "export", about=f"/whatif/{run_id}", details={"what": "whatif"})
    headers = {"Content-Disposition": f'attachment; filename="whatif-{run_id}.csv"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/whatif/{run_id}/alerts")
def list_alerts(request: Request, run_id: str, visitor: Annotated[Visitor, Depends(page("whatif_alerts"))]) -> Response:
    """The alerts behind a number; ?change=&county=&rule=&key=&after=."""
    site, words, asked = visitor.site, visitor.words, request.query_params
    chosen = {name: asked.get(name, "")[:40] for name in ("change", "county", "rule", "key")}
    most = site.config.page_rows
    with site.engine.connect() as connection:
        one = find_run(connection, run_id)
        rows = whatif_store.read_alerts(connection, run_id, chosen, read_place(asked.get("after", "")), most + 1)
        found = read_books(site, connection, site.now())
    more, rows = len(rows) > most, rows[:most]
    audit.record_list(visitor, audit.list_persons(row for row in rows if may_know_person(visitor, row)))
    following = ""
    if more:
        place = f"{rows[-1]['at'].isoformat()}~{rows[-1]['alert_id']}"
        following = f"/whatif/{run_id}/alerts?{urlencode({**chosen, 'after': place})}"
    return render(
        visitor,
        "whatif_alerts.html",
        run=one,
        rows=[_present_alert(visitor, row) for row in rows],
        chosen=chosen,
        kinds=KINDS,
        following=following,
        books_nav=list_books(words, found, ""),
    )


def _present_alert(visitor: Visitor, row: WhatIfAlertRow) -> dict[str, Any]:
    words = visitor.words
    known = may_know_person(visitor, row)
    return {
        "kind": row["kind"],
        "rule_id": row["rule_id"],
        "rule": words.rule(row["rule_id"], row["occurrence"]),
        "place": words.place(row["county"]),
        "owner": words.agency(row["owner_agency"]),
        "key": row["key_person"],
        "subject": words.person(row["subject"]) if known else "",
        "to": f"/alerts/{row['alert_id']}" if known and row["before"] else "",
        "before": _present_side(words, row["before"]),
        "after": _present_side(words, row["after"]),
    }


def _present_side(words: Words, side: Mapping[str, Any] | None) -> dict[str, str] | None:
    if side is None:
        return None
    raised, due = instant(side["raised_at"]), instant(side["due_at"])
    return {"at": words.at(raised), "iso": words.iso(raised), "severity": side["severity"], "due": words.before(due)}
