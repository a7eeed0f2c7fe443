"""/whatif: what would the recorded history have raised under another rule book?"""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from console.audit import log as audit
from console.rules import whatif_store
from console.rules.books import books, tryable
from console.rules.routes import grouped, nav
from console.rules.whatif_store import FIGURES, OPEN, Row, TooMany
from console.text import svg_charts
from console.text.formatter import Words
from console.web.forms import InvalidForm, to_china_time
from console.web.request import Form, NotFound, Visitor, form, page, redirect, render
from console.web.uploads import LARGEST, NoBook, Sent, file_name, upload, uploaded
from console.web.values import point_in_time
from handover.analysis.whatif import KINDS, Cell
from handover.rules.diff import Difference, differences
from handover.rules.rulebook import InvalidRuleBook, RuleBook, load, read
from schemas.instants import instant

router = APIRouter()
FEW = 5  # smaller numbers of a place are not shown to those who see counts only
_SHOWN, _KB = 20, 1024
_NOTHING_TYPED = {"book": "", "from": "", "to": ""}


@router.get("/whatif")
def listing(request: Request, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> Response:
    """The form to start a run, and the newest runs; ?book= chooses one."""
    return page_of(visitor, typed={"book": request.query_params.get("book", "")})


def page_of(
    visitor: Visitor, *, status: int = 200, typed: Mapping[str, str] | None = None, refusal: str = "", detail: str = ""
) -> Response:
    """The page, with what was typed and why it was refused."""
    site = visitor.site
    with site.engine.connect() as connection:
        return render(
            visitor,
            "whatif.html",
            status=status,
            choices=list(tryable(site, connection)),
            runs=whatif_store.latest(connection, _SHOWN),
            typed={**_NOTHING_TYPED, **(typed or {})},
            refusal=refusal,
            detail=detail,
            most=LARGEST // _KB,
            books_nav=nav(visitor.words, books(site, connection, site.now()), ""),
        )


@router.post("/whatif")
def start(request: Request, sent: Annotated[Sent, Depends(upload("whatif"))]) -> Response:
    """Start a run with a known book or a file."""
    visitor = sent.visitor
    try:
        run_id = begin(request, visitor, sent.name, sent.content, sent.size, sent.fields)
    except NoBook as error:
        refusal, detail = refused_book(visitor.words, error)
        return page_of(visitor, status=422, typed=sent.fields, refusal=refusal, detail=detail)
    except InvalidForm as invalid:
        key, values = next(iter(invalid.errors.values()))
        return page_of(visitor, status=422, typed=sent.fields, refusal=visitor.words.t(key, **values))
    except TooMany as error:
        refusal = visitor.words.t("whatif.refusal.busy", n=error.count)
        return page_of(visitor, status=409, typed=sent.fields, refusal=refusal)
    return redirect(f"/whatif/{run_id}")


def begin(request: Request, visitor: Visitor, name: str, content: bytes, size: int, fields: Mapping[str, str]) -> str:
    """Ask for a run; its id. `fields`: book, from, to. Raise NoBook, InvalidForm, TooMany."""
    site = visitor.site
    if name and ((size > LARGEST and not content) or len(content) > LARGEST):
        values = {"file": file_name(name), "n": -(-size // _KB), "most": LARGEST // _KB}
        raise InvalidForm({"file": ("whatif.refusal.size", values)})
    text: str | None
    if name:
        book, text = uploaded(name, content)
        file = file_name(name)
    else:
        with site.engine.connect() as connection:
            known = tryable(site, connection).get(fields.get("book", "").strip())
        if known is None:
            raise InvalidForm({"book": ("whatif.refusal.none", {})})
        file, text = known
        book = load(file) if text is None else read(text)
    since, until = _span(fields.get("from", ""), fields.get("to", ""), site.now())
    run_id = whatif_store.ask(
        site.engine,
        visitor.user,
        book,
        site.book.book,
        site.wall(),
        file=file,
        toml=text,
        since=since,
        until=until or site.now(),  # as alerts stand now, also those that fell due since the last event
    )
    audit.record(site, visitor.user, "whatif", about=f"/whatif/{run_id}", details={"book": book.book})
    request.app.state.runs.wake()
    return run_id


def refused_book(words: Words, error: NoBook) -> tuple[str, str]:
    """Why a file is no rule book: a sentence, and the line with rule, field and what is allowed."""
    if not error.why:
        return words.t("whatif.refusal.text", file=error.file), ""
    place = f", {words.t('whatif.refusal.line', line=error.line)}" if error.line else ""
    return words.t("whatif.refusal.book", file=error.file), f"{error.file}{place}: {error.why}"


def _span(since: str, until: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    try:
        first, last = (
            to_china_time(datetime.fromisoformat(text.strip())) if text.strip() else None for text in (since, until)
        )
    except ValueError:  # InvalidForm too: no date, or one that nobody means
        raise InvalidForm({"from": ("whatif.refusal.span", {})}) from None
    if (first and last and first >= last) or any(one is not None and one > now for one in (first, last)):
        raise InvalidForm({"from": ("whatif.refusal.span", {})})
    return first, last


@router.get("/whatif/{run_id}")
def run(request: Request, run_id: str, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> Response:
    """One run: how far it is, or what it came to; ?by=rule groups the table by rules."""
    site, words = visitor.site, visitor.words
    by = "rule_id" if request.query_params.get("by") == "rule" else "county"
    with site.engine.connect() as connection:
        one = run_of(connection, run_id)
        found = books(site, connection, site.now())
        table = whatif_store.cells(connection, run_id, by) if one["state"] == "done" else []
    after = _book(one)
    return render(
        visitor,
        "whatif_run.html",
        run=one,
        moving=one["state"] in OPEN,
        figures=one["figures"] or {},
        changed=grouped(words, site.book, after, _told(site.book, after)) if after is not None else [],
        known=one["book"] in {version.book.book for version in found.versions},
        by="rule" if by == "rule_id" else "county",
        table=_table(visitor, one, table, by),
        failure=_failure(words, one),
        hides=not sees_alerts(visitor),
        took=_took(words, one),
        books_nav=nav(words, found, ""),
    )


def _told(before: RuleBook, after: RuleBook) -> list[Difference]:
    """What differs but for the names of the books, which stand above it."""
    return [one for one in differences(before, after) if one.rule or one.key not in ("book", "names")]


def run_of(connection: Connection, run_id: str) -> Row:
    """A run. Raise NotFound."""
    one = whatif_store.find(connection, run_id)
    if one is None:
        raise NotFound
    return one


def _book(one: Row) -> RuleBook | None:
    try:
        return whatif_store.book_of(one)
    except (InvalidRuleBook, OSError):  # what it extends has changed since
        return None


def sees_alerts(visitor: Visitor) -> bool:
    """Whether single alerts may be looked at; others see counts only."""
    return "whatif_alerts" in visitor.scope.pages


def shown_number(visitor: Visitor, number: int) -> int | None:
    """A number of one place or rule; None where it is too small for this visitor."""
    return None if 0 < number < FEW and not sees_alerts(visitor) else number


def _took(words: Words, one: Row) -> str:
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


def _failure(words: Words, one: Row) -> str:
    why = one["failure"] or ""
    return words.t("whatif.failed", why=words.t("whatif.failed.interrupted") if why == "interrupted" else why)


def _table(visitor: Visitor, one: Row, cells: list[tuple[str, Cell]], by: str) -> list[dict[str, Any]]:
    widest = max((max(cell.before, cell.after) for _, cell in cells), default=1) or 1
    words, column, clear = visitor.words, "rule" if by == "rule_id" else "county", sees_alerts(visitor)
    found = []
    for name, cell in cells:
        label = words.rule(name) if by == "rule_id" else words.place(name) or words.t("none")
        numbers = {kind: shown_number(visitor, getattr(cell, kind)) for kind in FIGURES}
        links = dict.fromkeys(FIGURES, "")
        for kind in KINDS if clear else ():
            if getattr(cell, kind):
                links[kind] = f"/whatif/{one['run_id']}/alerts?{urlencode({'change': kind, column: name})}"
        bar = svg_charts.share(cell.before, cell.after, widest) if clear else ""
        found.append({"name": name, "label": label, "numbers": numbers, "links": links, "bar": bar})
    return found


@router.post("/whatif/{run_id}/cancel")
def cancel(run_id: str, sent: Annotated[Form, Depends(form("whatif"))]) -> Response:
    """Stop a run."""
    site = sent.visitor.site
    with site.engine.connect() as connection:
        run_of(connection, run_id)
    whatif_store.cancel(site.engine, run_id, site.wall())
    return redirect(f"/whatif/{run_id}")


@router.get("/whatif/{run_id}/table.csv")
def export(run_id: str, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> Response:
    """The counts by county, and by rule, as a spreadsheet reads them."""
    words, text = visitor.words, io.StringIO()
    with visitor.site.engine.connect() as connection:
        run_of(connection, run_id)
        parts = [(by, whatif_store.cells(connection, run_id, by)) for by in ("county", "rule_id")]
    rows = csv.writer(text)
    rows.writerow([words.t("whatif.col.place"), words.t("whatif.col.rule"), *(words.t(f"whatif.{n}") for n in FIGURES)])
    for by, cells in parts:
        for name, cell in cells:
            numbers = [shown_number(visitor, getattr(cell, kind)) for kind in FIGURES]
            told = [words.t("whatif.few") if number is None else number for number in numbers]
            rows.writerow([name if by == "county" else "", name if by == "rule_id" else "", *told])
    audit.record(visitor.site, visitor.user, "export", about=f"/whatif/{run_id}", details={"what": "whatif"})
    headers = {"Content-Disposition": f'attachment; filename="whatif-{run_id}.csv"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/whatif/{run_id}/alerts")
def alerts(request: Request, run_id: str, visitor: Annotated[Visitor, Depends(page("whatif_alerts"))]) -> Response:
    """The alerts behind a number; ?change=&county=&rule=&key=&after=."""
    site, words, asked = visitor.site, visitor.words, request.query_params
    chosen = {name: asked.get(name, "")[:40] for name in ("change", "county", "rule", "key")}
    most = site.config.page_rows
    with site.engine.connect() as connection:
        one = run_of(connection, run_id)
        rows = whatif_store.alerts(connection, run_id, chosen, place_of(asked.get("after", "")), most + 1)
        found = books(site, connection, site.now())
    more, rows = len(rows) > most, rows[:most]
    visitor.tell_listed(audit.persons_in(row for row in rows if may_know(visitor, row)))
    following = ""
    if more:
        place = f"{rows[-1]['at'].isoformat()}~{rows[-1]['alert_id']}"
        following = f"/whatif/{run_id}/alerts?{urlencode({**chosen, 'after': place})}"
    return render(
        visitor,
        "whatif_alerts.html",
        run=one,
        rows=[_shown(visitor, row) for row in rows],
        chosen=chosen,
        kinds=KINDS,
        following=following,
        books_nav=nav(words, found, ""),
    )


def place_of(text: str) -> tuple[datetime, str] | None:
    """Where a list goes on."""
    at, _, alert_id = text.partition("~")
    found = point_in_time(at)
    return (found, alert_id) if found is not None and alert_id else None


def may_know(visitor: Visitor, row: Row) -> bool:
    """Whether the person of an alert may be known: the same rows as in the queue, by the highest step under either book."""
    return visitor.scope.sees(row)


def _shown(visitor: Visitor, row: Row) -> dict[str, Any]:
    words = visitor.words
    known = may_know(visitor, row)
    return {
        "kind": row["kind"],
        "rule_id": row["rule_id"],
        "rule": words.rule(row["rule_id"], row["occurrence"]),
        "place": words.place(row["county"]),
        "owner": words.agency(row["owner_agency"]),
        "key": row["key_person"],
        "subject": words.person(row["subject"]) if known else "",
        "to": f"/alerts/{row['alert_id']}" if known and row["before"] else "",
        "before": _side(words, row["before"]),
        "after": _side(words, row["after"]),
    }


def _side(words: Words, side: Mapping[str, Any] | None) -> dict[str, str] | None:
    if side is None:
        return None
    raised, due = instant(side["raised_at"]), instant(side["due_at"])
    return {"at": words.at(raised), "iso": words.iso(raised), "severity": side["severity"], "due": words.before(due)}
