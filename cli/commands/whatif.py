"""`handover whatif`: the recorded history under another rule book."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Bar, fail, json_line, say, warn
from cli.rule_files import Days, Register, read_instant, read_publishers, read_rules
from cli.runtime import choose_language, open_database

if TYPE_CHECKING:
    from handover.analysis.whatif import Cell, Change, History, Result, Side

_SHOWN = 40  # rows of the table


def whatif(
    rules: Annotated[str, typer.Option("--rules", help="The other book: a name the product brings, or a TOML file.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of events as `dump` writes them; else what SQL has recorded.")
    ] = None,
    base: Annotated[str | None, typer.Option("--base", help="The book to compare with; else the settings'.")] = None,
    calendar: Days = None,
    publishers: Register = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Only alerts first raised from then on, RFC 3339 with offset.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last instant, RFC 3339; else the last arrival.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en; else what LANG says.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each alert that changes, then one with the counts.")
    ] = False,
) -> None:
    """Compute the recorded history under another rule book: which alerts come, go or move, by county and rule.

    Nothing that runs is touched. Recorded rule changes stay in force on top of either book.
    """
    from cli.rule_files import read_book
    from handover.analysis.whatif import compare

    language = choose_language(lang)
    before, days = read_rules(base, calendar)
    after = read_book(rules)
    first, last = read_instant(since, "--from"), read_instant(until, "--to")
    history, total = _open_history(files, publishers)

    def keep(changes: Sequence[Change]) -> None:
        if as_json:
            for one in changes:
                json_line(_change_row(one))

    with Bar("replaying under both books", total) as bar:
        lived = [0]

        def tell(done: int, of: int) -> None:
            bar.advance(done - lived[0])
            lived[0] = done

        found = compare(history, before, after, days, keep, tell, since=first, until=last)
    if as_json:
        json_line(_count_row(found))
    else:
        _print(found, before.book, after.book, language)


def _open_history(files: Sequence[Path] | None, publishers: Path | None) -> tuple[History, int | None]:
    if files:
        from cli.event_files import EventFiles

        return EventFiles(files, read_publishers(publishers)), None
    from sqlalchemy.exc import SQLAlchemyError

    from cli.runtime import has_read_model, read_settings
    from sinks.obligation_ledger.history import Recorded

    settings = read_settings()
    if not has_read_model(settings):
        fail(
            f"there is no read model in {settings.data_dir}",
            "start the stack (handover up), set REENTRY_DATABASE_URL, or name a file",
        )
    recorded = Recorded(open_database(settings))
    try:
        return recorded, recorded.count()
    except SQLAlchemyError as error:
        fail(f"the read model cannot be read: {type(error).__name__}", "look at it with: handover doctor")


def _change_row(change: Change) -> dict[str, Any]:
    names = (
        *("kind", "alert_id", "subject", "handover_id", "handover_kind", "rule_id", "occurrence", "jurisdiction"),
        "owner_agency",
    )
    sides = {"before": _side_row(change.before), "after": _side_row(change.after)}
    return {name: getattr(change, name) for name in names} | sides


def _side_row(side: Side | None) -> dict[str, Any] | None:
    from schemas.instants import show

    if side is None:
        return None
    return {**side._asdict(), "raised_at": show(side.raised_at), "due_at": show(side.due_at)}


def _numbers(cell: Cell) -> dict[str, int]:
    return {name: getattr(cell, name) for name in ("before", "after", "gone", "later", "earlier", "new", "other")}


def _count_row(found: Result) -> dict[str, Any]:
    from schemas.instants import show

    return {
        "events": found.events,
        "until": show(found.until) if found.until else None,
        **_numbers(found.total),
        "key_alerts": found.key_alerts,
        "key_persons": found.key_persons,
        "refused": list(found.refused),
        "by": [
            {"county": county, "rule_id": rule, **_numbers(cell)}
            for (county, rule), cell in sorted(found.cells.items())
        ],
    }


def _print(found: Result, before: str, after: str, language: Any) -> None:
    from console.text.i18n import texts
    from schemas.instants import show

    t, total = texts(language), found.total
    replayed = t("whatif.replayed", n=found.events, until=show(found.until) if found.until else "-")
    say(f"{before} → {after}: {replayed}")
    names = ("before", "after", "gone", "later", "new", "earlier", "other")
    say("; ".join(f"{t(f'whatif.{name}')} {getattr(total, name)}" for name in names))
    if found.key_alerts:
        say(t("whatif.warn") + t("whatif.warn.key", alerts=found.key_alerts, n=found.key_persons))
    for line in found.refused:
        warn(f"a recorded rule change cannot be made in {after}: {line}; it was left out")
    moved = [
        (key, cell)
        for key, cell in found.cells.items()
        if cell.gone or cell.later or cell.earlier or cell.new or cell.other
    ]
    if not moved:
        say(t("whatif.same"))
        return
    moved.sort(key=lambda one: (-(one[1].gone + one[1].new + one[1].later + one[1].earlier), one[0]))
    say("")
    say("  ".join((f"{t('whatif.col.place'):<8}", f"{t('whatif.col.rule'):<5}", *(f"{name:>8}" for name in names))))
    for (county, rule), cell in moved[:_SHOWN]:
        say("  ".join((f"{county:<8}", f"{rule:<5}", *(f"{getattr(cell, name):>8}" for name in names))))
    if len(moved) > _SHOWN:
        warn(f"{len(moved) - _SHOWN} more rows; all of them: handover whatif --json")
