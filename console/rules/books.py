"""The rule books that pages can show: those the product brings, the one in force with its versions, and drafts that were tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection

from console.rules import whatif_store
from console.web.site import Site
from handover.cases.shared_state import SharedState
from handover.obligations.context import Version
from handover.rules.rulebook import InvalidRuleBook, RuleBook, load, shipped
from sinks.obligation_ledger.history import Recorded

_DRAFTS = 20


@dataclass(frozen=True)
class Books:
    """Books by their names. `versions` are the book that workers were started with and every change that was recorded."""

    versions: tuple[Version, ...]
    known: Mapping[str, RuleBook]
    in_force: RuleBook
    refused: tuple[str, ...]  # recorded changes that no worker can make

    @property
    def latest(self) -> RuleBook:
        """The book that the next change will be made from, in force or not yet."""
        return self.versions[-1].book

    def state(self, name: str) -> str:
        """force, coming, past, or other: what a book is just now."""
        if name == self.in_force.book:
            return "force"
        names = [version.book.book for version in self.versions]
        if name not in names:
            return "other"
        return "coming" if names.index(name) > names.index(self.in_force.book) else "past"


def read_books(site: Site, connection: Connection, now: datetime) -> Books:
    """Everything that can be shown now."""
    world = read_world(site)
    versions = tuple(world.frame(now).versions.books)
    known = {version.book.book: version.book for version in versions}
    for name in shipped():
        book = _load_shipped(name)
        known.setdefault(book.book, book)
    for run in whatif_store.list_latest(connection, _DRAFTS):
        if run["book"] not in known:
            draft = _read_draft(connection, run["run_id"])
            if draft is not None:
                known.setdefault(draft.book, draft)
    force = [one.book for one in versions if one.effective_from is None or one.effective_from <= now]
    return Books(versions, known, force[-1], tuple(dict.fromkeys(world.refused)))


@cache
def _load_shipped(name: str) -> RuleBook:
    return load(name)


def list_tryable(site: Site, connection: Connection) -> dict[str, tuple[str, str | None]]:
    """The books that a what-if can be asked for by name: what `load` takes or the file's name, and the text of a draft."""
    found: dict[str, tuple[str, str | None]] = {site.book.book: (site.config.rules, None)}
    for name in shipped():
        found.setdefault(_load_shipped(name).book, (name, None))
    for run in whatif_store.list_latest(connection, _DRAFTS):
        if run["book"] not in found:
            known = whatif_store.find(connection, run["run_id"])
            if known is not None and known["toml"] is not None:
                found[run["book"]] = (known["file"], known["toml"])
    return found


def read_world(site: Site) -> SharedState:
    """What the pipeline knows of calendars, registry and rule versions."""
    return Recorded(site.engine).world(site.book, site.calendar)


def _read_draft(connection: Connection, run_id: str) -> RuleBook | None:
    run = whatif_store.find(connection, run_id)
    if run is None or run["toml"] is None:
        return None
    try:
        return whatif_store.read_book(run)
    except InvalidRuleBook:  # it extends a book that this version of the product brings no more
        return None
