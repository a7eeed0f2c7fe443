"""What-if runs as the page and the API start them, and what of one a visitor may see."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, literal, select

from console.audit import log as audit
from console.db.rows import RunRow, WhatIfAlertRow
from console.rules import whatif_store
from console.rules.books import list_tryable
from console.text.formatter import Words
from console.web.forms import InvalidForm, to_china_time
from console.web.request import NotFound, Visitor
from console.web.uploads import LARGEST, InvalidBook, file_name, read_book
from console.web.values import read_time
from handover.rules.rulebook import load, read
from sinks.readmodel.sealing import is_sealed

KB = 1024
FEW = 5  # smaller numbers of a place are not shown to those who see counts only


def start_run(visitor: Visitor, name: str, content: bytes, size: int, fields: Mapping[str, str]) -> str:
    """Ask for a run; its id. `fields`: book, from, to. Raise NoBook, InvalidForm, TooMany."""
    site = visitor.site
    if name and ((size > LARGEST and not content) or len(content) > LARGEST):
        values = {"file": file_name(name), "n": -(-size // KB), "most": LARGEST // KB}
        raise InvalidForm({"file": ("whatif.refusal.size", values)})
    text: str | None
    if name:
        book, text = read_book(name, content)
        file = file_name(name)
    else:
        with site.engine.connect() as connection:
            known = list_tryable(site, connection).get(fields.get("book", "").strip())
        if known is None:
            raise InvalidForm({"book": ("whatif.refusal.none", {})})
        file, text = known
        book = load(file) if text is None else read(text)
    since, until = _read_span(fields.get("from", ""), fields.get("to", ""), site.now())
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
    visitor.request.app.state.runs.wake()
    return run_id


def describe_refusal(words: Words, error: InvalidBook) -> tuple[str, str]:
    """Why a file is no rule book: a sentence, and the line with rule, field and what is allowed."""
    if not error.why:
        return words.t("whatif.refusal.text", file=error.file), ""
    place = f", {words.t('whatif.refusal.line', line=error.line)}" if error.line else ""
    return words.t("whatif.refusal.book", file=error.file), f"{error.file}{place}: {error.why}"


def _read_span(since: str, until: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    try:
        first, last = (
            to_china_time(datetime.fromisoformat(text.strip())) if text.strip() else None for text in (since, until)
        )
    except ValueError:  # InvalidForm too: no date, or one that nobody means
        raise InvalidForm({"from": ("whatif.refusal.span", {})}) from None
    if (first and last and first >= last) or any(one is not None and one > now for one in (first, last)):
        raise InvalidForm({"from": ("whatif.refusal.span", {})})
    return first, last


def find_run(connection: Connection, run_id: str) -> RunRow:
    """A run. Raise NotFound."""
    one = whatif_store.find(connection, run_id)
    if one is None:
        raise NotFound
    return one


def may_see_alerts(visitor: Visitor) -> bool:
    """Whether single alerts may be looked at; others see counts only."""
    return "whatif_alerts" in visitor.pages


def hide_few(visitor: Visitor, number: int) -> int | None:
    """A number of one place or rule; None where it is too small for this visitor."""
    return None if 0 < number < FEW and not may_see_alerts(visitor) else number


def read_place(text: str) -> tuple[datetime, str] | None:
    """Where a list goes on."""
    at, _, alert_id = text.partition("~")
    found = read_time(at)
    return (found, alert_id) if found is not None and alert_id else None


def may_know_person(visitor: Visitor, row: WhatIfAlertRow) -> bool:
    """Whether the person of an alert may be known: the same rows as in the queue, by the highest step under either book."""
    if not visitor.scope.sees(row):
        return False
    with visitor.site.engine.connect() as connection:
        sealed = bool(connection.execute(select(is_sealed(literal(row["subject"])))).scalar())
    return not visitor.scope.is_sealed_from(row, sealed=sealed)
