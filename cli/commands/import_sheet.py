"""`handover import`: events from a spreadsheet. All rows are checked before any is sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import BAD_INPUT, Bar, fail, json_line, output, say, warn

if TYPE_CHECKING:
    from cli.settings import Settings
    from gateway.spreadsheets.columns import Column, Labels
    from gateway.spreadsheets.rows import Imported
    from gateway.spreadsheets.sheet import Sheet

_CONTENT_TYPE = ("content-type", b"application/cloudevents+json")
_SHOWN = 10  # errors on the terminal; the marked copy has all


def import_sheet(
    file: Annotated[Path, typer.Argument(help="A workbook (.xlsx) or a CSV file; with --template the one to be made.")],
    template: Annotated[
        str | None,
        typer.Option("--template", help="KIND, like intake.acknowledged: make its empty template, then end."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="KIND of the events; without it the name of the sheet says it.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Who says it: /agencies/COUNTY_JUSTICE-990102-01.")
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="The sheet; without it the first that is shown.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, send nothing.")] = False,
    marked: Annotated[
        Path | None, typer.Option("--marked", help="Where the copy with the errors goes; FILE.errors by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the events to this file instead: for handover bundle make.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The counts as one JSON.")] = False,
) -> None:
    """Import events from a spreadsheet. Exit 2 if any row is wrong: then none is sent, and a marked copy says what to mend.

    A row is known by its row key: imported again it is the same event, so a file may be imported again after a failure.
    """
    if template is not None:
        _make_template(template, file)
        return
    if source is None:
        fail("--source is missing", "say whose file it is: --source /agencies/COUNTY_JUSTICE-990102-01")
    from cli.runtime import read_settings

    settings = read_settings()
    fact = kind or _read_kind(file, sheet)
    columns = _read_columns(fact)
    read, imported = _check(settings, file, sheet, fact, source, columns)
    if read.not_read:
        warn(f"columns that are not read: {', '.join(read.not_read)}")
    wrong = [row for row in read.rows if row.errors]
    if wrong:
        target = marked or file.with_name(f"{file.stem}.errors{file.suffix}")
        _report(file, read, target)
    elif out is not None:
        with output(str(out)) as stream:
            stream.writelines(one.value + b"\n" for one in imported)
    elif not dry_run:
        _send(settings, imported)
    done = 0 if wrong or dry_run or out is not None else len(imported)
    if as_json:
        json_line({"rows": len(read.rows), "wrong": len(wrong), "sent": done})
    else:
        say(f"{len(read.rows)} rows, {len(wrong)} wrong, {done} sent")
    if wrong:
        raise typer.Exit(BAD_INPUT)


def _make_template(fact: str, path: Path) -> None:
    from gateway.spreadsheets.template import write_template

    if path.suffix.lower() != ".xlsx":
        fail(f"{path}: a template is a workbook", "give it a name that ends in .xlsx")
    columns = _read_columns(fact)
    try:
        write_template(fact, columns, path)
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}", "name a file in a folder that can be written")
    say(f"{path}: a template of {fact} with {len(columns)} columns")


def _read_columns(fact: str) -> Sequence[Column]:
    from gateway.spreadsheets.columns import UnknownKind, columns_of

    try:
        return columns_of(fact, _read_labels())
    except UnknownKind:
        fail(
            f"{fact}: no kind of event that is imported",
            "use a kind like intake.acknowledged; schemas/exported lists all",
        )


def _read_labels() -> Labels:
    """What the console's forms call the fields."""
    from console.text.i18n import catalogue
    from schemas.codes import Label

    return {key.removeprefix("field."): Label(*both) for key, both in catalogue().items() if key.startswith("field.")}


def _read_kind(file: Path, sheet: str | None) -> str:
    from gateway.spreadsheets.columns import find_kind
    from gateway.spreadsheets.sheet import UnreadableSheet, find_sheet, open_workbook

    title = ""
    if file.suffix.lower() == ".xlsx":
        try:
            title = find_sheet(open_workbook(file), sheet).title
        except UnreadableSheet as error:
            fail(f"{file}: {error}", "then import it again")
        except OSError as error:
            fail(f"cannot read {file}: {error.strerror}", "name a file that can be read")
    kind = find_kind(title)
    if kind is None:
        fail(f"{file}: its kind of event is not known", "say it: --kind intake.acknowledged")
    return kind


def _check(
    settings: Settings, file: Path, title: str | None, fact: str, source: str, columns: Sequence[Column]
) -> tuple[Sheet, Sequence[Imported]]:
    from cli.runtime import read_clock
    from gateway.spreadsheets.rows import read_rows
    from gateway.spreadsheets.sheet import UnreadableSheet, read_sheet
    from schemas import publishers

    clock = read_clock(settings)
    try:
        read = read_sheet(file, columns, title)
        register = publishers.load(settings.publishers)
    except UnreadableSheet as error:
        fail(f"{file}: {error}", "nothing was sent")
    except publishers.InvalidPublishers as error:
        fail(str(error), "correct it or REENTRY_PUBLISHERS")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", "name a file that can be read")
    return read, read_rows(read, fact, source, columns, clock.now(time.time_ns() // 1_000_000), register)


def _report(file: Path, read: Sheet, target: Path) -> None:
    from gateway.spreadsheets.marked_copy import write_marked
    from gateway.spreadsheets.sheet import UnreadableSheet

    told = [(row.number, name, text) for row in read.rows for name, text in row.errors]
    for number, name, text in told[:_SHOWN]:
        warn(f"{file}: row {number}{f', {name}' if name else ''}: {text}")
    if len(told) > _SHOWN:
        warn(f"and {len(told) - _SHOWN} more")
    try:
        write_marked(file, read, target)
    except (UnreadableSheet, OSError) as error:
        fail(f"cannot write {target}: {error}", "name another file: --marked")
    warn(f"nothing was sent; {target} has every error beside its cell: mend them and import it again")


def _send(settings: Settings, imported: Sequence[Imported]) -> None:
    from cli.kafka.producer import Sender

    with Sender(settings) as sender, Bar("importing", len(imported)) as bar:
        for one in imported:
            sender.send(one.event.topic, one.event.subject.encode(), one.value, headers=[_CONTENT_TYPE])
            bar.advance()
