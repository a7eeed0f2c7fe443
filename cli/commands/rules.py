"""`handover rules`: check a rule book, print it for people, compare two, move a running system from one to the other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cli.output import CHECK_FAILED, fail, json_line, say
from cli.rule_files import Days
from cli.runtime import choose_language
from schemas.instants import from_millis, show

if TYPE_CHECKING:
    from handover.rules.rulebook import RuleBook

app = typer.Typer(no_args_is_help=True, help="Check a rule book, print it for people, compare two.")
Book = Annotated[str, typer.Argument(help="A rule book: a name the product brings, or a TOML file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; else what LANG says.")]


@app.command()
def check(book: Book) -> None:
    """Say whether a rule book can be used. Exit 1 if not."""
    loaded = _load(book, CHECK_FAILED)
    say(f"{loaded.book}: {len(loaded.rules)} rules, usable")


@app.command()
def explain(
    book: Book = "cn-default",
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Print a rule book for people: each rule with its clock, who owes, what answers it, and on which ground."""
    from console.rules.rule_text import write_paragraph

    language = choose_language(lang)
    loaded = _load(book)
    chosen = [one for one in loaded.rules if rule in (None, one.id)]
    if not chosen:
        fail(f"{loaded.book} has no rule {rule}", f"use of {', '.join(dict.fromkeys(one.id for one in loaded.rules))}")
    if as_json:
        wanted = {one.key for one in chosen}
        for entry in loaded.raw["rule"]:
            if (entry["id"], entry.get("part", "")) in wanted:
                json_line(entry)
        return
    say(f"{loaded.names[language]} ({loaded.book})")
    for one in chosen:
        say("")
        say(write_paragraph(one, loaded, language))


@app.command()
def diff(
    before: Book,
    after: Book,
    database: Annotated[
        str | None,
        typer.Option("--database", help="SQLAlchemy address of the read model: count the open duties that would move."),
    ] = None,
    calendar: Days = None,
    as_json: Json = False,
) -> None:
    """Compare two rule books, key by key of each rule; with --database, say how many open duties the other would move."""
    from console.rules.rule_text import write_difference
    from handover.rules.diff import differences

    old, new = _load(before), _load(after)
    found = list(differences(old, new))
    for one in found:
        if as_json:
            json_line(one.wire())
        else:
            say(write_difference(one))
    if database is not None:
        _count_moves(old, new, {one.rule for one in found if one.rule}, database, calendar, as_json=as_json)


@app.command()
def event(
    before: Book,
    after: Book,
    effective_from: Annotated[
        str, typer.Option("--from", help="The instant from which it is in force, such as 2026-03-01T00:00:00+08:00.")
    ],
    source: Annotated[str, typer.Option("--source", help="Who publishes it: /agencies/PROVINCE_JUSTICE-…")],
    apply_to_open: Annotated[
        bool, typer.Option("--apply-to-open", help="Also for obligations that run already, from that instant on.")
    ] = False,
) -> None:
    """Print the event that turns one rule book into another on a running system, for `handover publish`."""
    from handover.rules.diff import NotTellable, as_changes
    from schemas.invalid import InvalidEvent
    from schemas.parse import parse

    old, new = _load(before), _load(after)
    try:
        changes = as_changes(old, new)
    except NotTellable as error:
        fail(str(error), f"start the workers with {new.book} instead")
    body = {
        "specversion": "1.0",
        "id": f"{new.book}:{effective_from}",
        "source": source,
        "type": "reentry.system.rules_changed.v1",
        "subject": source,
        "time": show(from_millis(time.time_ns() // 1_000_000)),
        "data": {
            "book": new.book,
            "effective_from": effective_from,
            "apply_to_open": apply_to_open,
            "changes": changes,
        },
    }
    try:
        parse(orjson.dumps(body))
    except InvalidEvent as error:
        fail(str(error), "correct --from or --source")
    json_line(body)


def _count_moves(
    old: RuleBook, new: RuleBook, rules: set[str], database: str, calendar: Path | None, *, as_json: bool
) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from cli.rule_files import read_calendar
    from cli.runtime import read_clock, read_settings
    from handover.analysis.rule_impact import tally
    from sinks.obligation_ledger.history import Recorded
    from sinks.obligation_ledger.open_obligations import find_moves
    from sinks.readmodel.database import connect

    settings = read_settings()
    days = read_calendar(calendar or settings.calendar)
    now = read_clock(settings).now(time.time_ns() // 1_000_000)
    try:
        engine = connect(database)
        history = Recorded(engine)
        found = list(find_moves(engine, history.world(old, days), history.world(new, days), rules, now))
    except SQLAlchemyError as error:
        fail(f"the read model cannot be read: {type(error).__name__}", "check the address given with --database")
    counts = tally(found)
    if as_json:
        json_line({"open_duties": counts})
    else:
        say(f"open duties that would move: {len(found)} ({', '.join(f'{n} {name}' for name, n in counts.items())})")


def _load(name: str, status: int = 2) -> RuleBook:
    from handover.rules.rulebook import InvalidRuleBook, load

    try:
        return load(name)
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}", "give the path of a rule book")
    except InvalidRuleBook as error:
        fail(str(error), "correct this entry and check again", status=status)
