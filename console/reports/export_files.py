"""What is seen, as a file: queue, obligations behind an indicator, scoreboard, indicators, audit, with the filters and columns of the page."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from console.audit import log as audit
from console.audit import query as audit_query
from console.audit.query import AuditQuery
from console.auth.sealed_files import count_sealed
from console.db.alert_rows import DrillDownObligation, QueueRow
from console.queue.filters import QueueFilters
from console.queue.query import Moment, RowKey, key_of, read_page
from console.queue.row_view import present_rows, read_notes
from console.reports import five_works_view
from console.reports.five_works_access import read_five_works
from console.reports.five_works_view import list_head, list_rows, list_share
from console.reports.indicator import Indicator, PartValue
from console.reports.indicator_view import (
    ReaderIndicators,
    describe_cell,
    describe_definition,
    describe_value,
    name_part,
)
from console.reports.obligation_base import read_base
from console.reports.obligation_query import ObligationQuery
from console.reports.obligation_query import read_rows as read_duties
from console.reports.scoreboard import FEW, HIDDEN, ScoreboardLine
from console.reports.scoreboard_access import ScoreboardQuery, ScoreboardView, read_view
from console.reports.scoreboard_view import write_query
from console.reports.sheets import FORMATS, MEDIA, MOST_ROWS, Format, Sheet, as_csv, as_xlsx
from console.text.formatter import Words
from console.web.request import NotAllowed, NotFound, Visitor

_AT_ONCE = 2_000
_PAGE = {
    "queue": "/today",
    "duties": "/obligations",
    "scoreboard": "/scoreboard",
    "works": "/five-works",
    "figures": "/scoreboard/figures",
    "audit": "/audit",
}
_NEEDS = {
    "queue": "today",
    "duties": "obligations",
    "scoreboard": "scoreboard",
    "works": "five_works",
    "figures": "scoreboard",
    "audit": "audit",
}


def make_file(visitor: Visitor, request: Request, what: str) -> Response:
    """A file with a number of its own, recorded before its first byte. Raise NotAllowed, NotFound."""
    needed = _NEEDS[what]
    if needed not in visitor.pages:
        raise NotAllowed(needed)
    query, heads, rows, about, persons = _MADE[what](visitor, request)
    wanted = request.query_params.get("format", FORMATS[0])
    kind: Format = "csv" if wanted == "csv" else "xlsx"
    details = {"what": what, "rows": len(rows)}
    kept = audit.record(
        visitor.site, visitor.user, "export", persons=persons, about=f"{_PAGE[what]}?{query}", details=details
    )
    number = f"EXP-{kept:06d}"
    sheet = Sheet(
        visitor.words.t(f"export.{what}"), _list_head_lines(visitor, number, query, len(rows), about), heads, rows
    )
    name = {"Content-Disposition": f'attachment; filename="{number}.{kind}"'}
    if kind == "csv":
        return StreamingResponse(as_csv(sheet), media_type=MEDIA[kind], headers=name)
    return Response(as_xlsx(sheet), media_type=MEDIA[kind], headers=name)


Pairs = Sequence[tuple[str, str]]
# The view's query, heads, rows, what more stands above, and the persons that the rows name.
Made = tuple[str, list[str], list[list[Any]], Pairs, audit.Persons]


def _list_head_lines(visitor: Visitor, number: str, query: str, n: int, more: Pairs) -> Pairs:
    words = visitor.words
    t, user = words.t, visitor.user
    lines = [
        (t("export.number"), number),
        (t("export.by"), f"{user.login} ({words.agency(user.agency)})"),
        (t("export.at"), words.iso(visitor.site.now())),
        (t("export.processed"), _describe_data_time(visitor)),
        (t("export.filters"), query or t("none")),
        (t("export.rows"), t("export.rows.cut", n=n) if n >= MOST_ROWS else str(n)),
    ]
    with visitor.site.engine.connect() as connection:
        sealed = count_sealed(connection, visitor.scope)
    lines += [(t("export.sealed"), str(sealed))] if sealed else []
    return [*lines, *more, ("", t("print.internal"))]


def _describe_data_time(visitor: Visitor) -> str:
    data, words = visitor.site.data_time(), visitor.words
    until = words.iso(data.processed_until) if data.processed_until is not None else words.t("none")
    return words.t("export.processed.late", until=until) if data.is_late else until


# --- the queue

_QUEUE = (
    "severity",
    "due",
    "due_at",
    "rule_id",
    "rule",
    "why",
    "case_no",
    "subject",
    "place",
    "owner",
    "state",
    "note",
    "alert_id",
)


def _make_queue(visitor: Visitor, request: Request) -> Made:
    filters = QueueFilters.read(request.query_params)
    rows = _read_queue(visitor, filters)
    heads = [visitor.words.t(f"export.col.{name}") for name in _QUEUE]
    return filters.query(), heads, _list_queue_rows(visitor, rows), (), audit.list_persons(rows)


def _read_queue(visitor: Visitor, filters: QueueFilters) -> list[QueueRow]:
    site = visitor.site
    moment, after = Moment.now_at(site), None
    found: list[QueueRow] = []
    with site.engine.connect() as connection:
        while len(found) < MOST_ROWS:
            rows = read_page(connection, visitor.scope, visitor.user.staff, filters, moment, after, _AT_ONCE)
            found += rows
            if len(rows) < _AT_ONCE:
                break
            after = key_of(rows[-1])
    return found[:MOST_ROWS]


def _list_queue_rows(visitor: Visitor, rows: Sequence[QueueRow]) -> list[list[Any]]:
    """Rows of the page's table, each with its reference in full: names are nowhere."""
    words, site = visitor.words, visitor.site
    found = []
    with site.engine.connect() as connection:
        for first in range(0, len(rows), _AT_ONCE):
            part = rows[first : first + _AT_ONCE]
            notes = read_notes(connection, sorted({row["subject"] for row in part}))
            for row, one in zip(part, present_rows(site, words, visitor.scope, connection, part), strict=True):
                found.append([
                    words.t(f"severity.{row['severity']}"), one["due"].words, row["due_at"], row["rule_id"], one["rule"], one["why"],
                    words.person(row["subject"]), row["subject"], row["jurisdiction"],
                    words.agency(row["owner_agency"]), one["state"], notes.get(row["alert_id"], ""),
                    row["alert_id"],
                ])  # fmt: skip
    return found


# --- obligations behind an indicator

_DUTIES = ("severity", "due_at", "met_at", "anchor_at", "rule_id", "rule", "case_no", "subject", "place", "county", "owner", "standing", "contest",
           "alert_id")  # fmt: skip


def _make_obligations(visitor: Visitor, request: Request) -> Made:
    asked, words = ObligationQuery.read(request.query_params), visitor.words
    t = words.t
    rows: list[DrillDownObligation] = []
    after: RowKey | None = None
    with visitor.site.engine.connect() as connection:
        ground = read_base(connection, asked.month, asked.at)
        while len(rows) < MOST_ROWS:
            part = read_duties(connection, visitor, ground, asked, after, _AT_ONCE).rows
            rows += part
            if len(part) < _AT_ONCE:
                break
            after = RowKey(1, part[-1]["due_at"], part[-1]["alert_id"])
    if ground is None:
        raise NotFound
    listed = [
        [
            t(f"severity.{row['severity']}"), row["due_at"], row["met_at"], row["anchor_at"], row["rule_id"],
            words.rule(row["rule_id"], row["occurrence"]), words.person(row["subject"]), row["subject"],
            row["jurisdiction"], row["county"], words.agency(row["owner_agency"]),
            t(f"standing.{row['standing']}"), t(f"row.contest.{row['contest']}") if row["contest"] else "", row["alert_id"],
        ]
        for row in rows[:MOST_ROWS]
    ]  # fmt: skip
    about = [
        (t("export.known"), words.iso(ground.at)),
        (t("export.definition"), t(f"duties.definition.{asked.result or 'all'}")),
    ]
    return (
        asked.query(),
        [t(f"export.col.{name}") for name in _DUTIES],
        listed,
        about,
        audit.list_persons(rows[:MOST_ROWS]),
    )


# --- the scoreboard


def _make_scoreboard(visitor: Visitor, request: Request) -> Made:
    site, words = visitor.site, visitor.words
    t = words.t
    with site.engine.connect() as connection:
        view = read_view(connection, visitor.scope, site.book, ScoreboardQuery.read(request.query_params), site.now())
    if view is None:
        raise NotFound
    columns = [f"{t(f'stage.{one.name}')} {' '.join(one.rules)}" for one in view.board.stages] + [t("board.total")]
    heads = [t("export.col.code"), t("export.col.place")]
    for name in columns:
        heads += [t(f"export.col.{part}", name=name) for part in ("top", "bottom", "percent")]
    heads += [t("board.overdue"), t("board.oldest")]
    rows = [_list_line(words, view, line) for line in (*view.board.lines, view.board.all)]
    month = words.month(view.month.first, year=True)
    about = [
        (t("export.known"), words.iso(view.board.ground.at)),
        (t("board.bottom"), t("board.bottom.what", month=month)),
        (t("board.top"), t("board.top.what")),
        (t("board.small"), t("board.small.what", few=FEW, hidden=HIDDEN)),
    ]
    return write_query(view), heads, rows, about, ()


def _list_line(words: Words, view: ScoreboardView, line: ScoreboardLine) -> list[Any]:
    place = line.place or view.reader.prefix
    name = words.place(place) if line.place else words.t("board.all", place=words.place(place))
    cells = [value for share in (*line.shares, line.total) for value in list_share(share)]
    overdue = [f"<{HIDDEN}", None] if line.overdue.hidden else [line.overdue.n, line.overdue.oldest]
    return [place, name, *cells, *overdue]


# --- the five works


def _make_five_works(visitor: Visitor, request: Request) -> Made:
    site, words = visitor.site, visitor.words
    asked = ScoreboardQuery.read(request.query_params)
    with site.engine.connect() as connection:
        view = read_five_works(connection, visitor.scope, site.book.policies.works, asked, site.now())
    if view is None:
        raise NotFound
    about = [
        (words.t("export.known"), words.iso(view.found.ground.at)),
        (words.t("works.work"), words.t("works.what")),
        (words.t("board.small"), words.t("board.small.what", few=FEW, hidden=HIDDEN)),
    ]
    return five_works_view.write_query(view), list_head(words), list_rows(words, view), about, ()


# --- indicators

_FIGURES = ("code", "figure", "part", "measure", "value", "definition")


def _make_indicators(visitor: Visitor, request: Request) -> Made:
    words = visitor.words
    t = words.t
    with visitor.site.engine.connect() as connection:
        found = ReaderIndicators(connection, visitor, ScoreboardQuery.read(request.query_params))
    if found.ground is None:
        raise NotFound
    rows = [
        [figure.name, t(f"figure.{figure.name}"), *measured, describe_definition(words, found, figure)]
        for figure in found.found
        for measured in (*_list_whole(words, found, figure), *_list_parts(words, found, figure))
    ]
    about = [
        (t("export.known"), words.iso(found.ground.at)),
        (t("board.small"), t("board.small.what", few=FEW, hidden=HIDDEN)),
    ]
    return found.query(), [t(f"export.col.{name}") for name in _FIGURES], rows, about, ()


def _list_whole(words: Words, found: ReaderIndicators, figure: Indicator) -> list[list[Any]]:
    if found.hides(figure):
        return [["", words.t("figure.bottom"), describe_value(words, found, figure)]]
    percent = round(figure.percent, 1) if figure.percent is not None else None
    measured = {"figure.top": figure.top, "figure.bottom": figure.bottom, "figure.percent": percent}
    return [["", words.t(name), value] for name, value in measured.items() if value is not None]


def _list_parts(words: Words, found: ReaderIndicators, figure: Indicator) -> list[list[Any]]:
    return [
        [name_part(words, figure, part), words.t(f"figure.part.{column}"), _plain_value(words, figure, column, value)]
        for part in found.parts(figure)
        for column, value in part.values.items()
    ]


def _plain_value(words: Words, figure: Indicator, column: str, value: PartValue) -> Any:
    return value if isinstance(value, int | float) else describe_cell(words, figure, column, value)


# --- the audit


def _make_audit(visitor: Visitor, request: Request) -> Made:
    words, asked = visitor.words, AuditQuery.read(request.query_params)
    with visitor.site.engine.connect() as connection:
        found = audit_query.read_records(connection, visitor.scope, asked, MOST_ROWS)
    given = {"person": asked.person, "by": asked.by, "action": asked.action}
    heads = [words.t(f"audit.{name}") for name in ("number", "at", "by", "action", "persons", "purpose", "about")]
    rows = [
        [one["number"], one["at"], one["login"], words.t(f"audit.action.{one['action']}"), " ".join(one["persons"]), one["purpose"], one["about"]]
        for one in found
    ]  # fmt: skip
    return urlencode({name: value for name, value in given.items() if value}), heads, rows, (), ()


_MADE = {
    "queue": _make_queue,
    "duties": _make_obligations,
    "scoreboard": _make_scoreboard,
    "works": _make_five_works,
    "figures": _make_indicators,
    "audit": _make_audit,
}
