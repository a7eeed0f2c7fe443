"""Options that several commands share, and the files they name: rule book, calendar, register of publishers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import fail

if TYPE_CHECKING:
    from handover.calendar import Calendar
    from handover.rules.rulebook import RuleBook

Rules = Annotated[str | None, typer.Option("--rules", help="A rule book: a name the product brings, or a TOML file.")]
Register = Annotated[
    Path | None,
    typer.Option(
        "--publishers", help="Register of publishers as TOML; else the settings'. None: every source is heard."
    ),
]
Days = Annotated[Path | None, typer.Option("--calendar", help="Working days as TOML.")]


def read_rules(rules: str | None, calendar: Path | None) -> tuple[RuleBook, Calendar]:
    """Return rule book and calendar, the settings' where none is named; end with one line where they cannot be used."""
    from cli.runtime import read_settings

    settings = read_settings()
    return read_book(rules or settings.rules), read_calendar(calendar or settings.calendar)


def read_publishers(path: Path | None) -> frozenset[str] | None:
    """Return the register of publishers, the settings' where none is named; end with one line where it cannot be used."""
    from cli.runtime import read_settings
    from schemas.publishers import InvalidPublishers, load

    path = path or read_settings().publishers
    try:
        return load(path)
    except OSError as error:
        fail(f"cannot read the register of publishers {path}: {error.strerror}", "correct REENTRY_PUBLISHERS")
    except InvalidPublishers as error:
        fail(str(error), "write it like deploy/publishers.toml")


def read_calendar(path: Path | None) -> Calendar:
    """Return the calendar of a file, or the one beside the rule books; end with one line where it cannot be used."""
    from handover.calendar import load_calendar

    try:
        return load_calendar(path) if path is not None else load_calendar()
    except (OSError, KeyError, ValueError) as error:
        fail(f"cannot use calendar {path}: {error}", "write it like the calendar.toml beside the rule books")


def read_book(name: str) -> RuleBook:
    """Return a rule book by name or path; end with one line where it cannot be used."""
    from handover.rules.rulebook import InvalidRuleBook, load

    try:
        return load(name)
    except OSError as error:
        fail(f"cannot read rule book {name}: {error.strerror}", "give the path of a TOML file")
    except InvalidRuleBook as error:
        fail(str(error), "correct this entry: handover rules check")


def read_instant(text: str | None, option: str = "--until") -> datetime | None:
    """Return an instant given on the command line."""
    from schemas.instants import instant

    if text is None:
        return None
    try:
        return instant(text)
    except ValueError as error:
        fail(f"{option} {error}", "write for example 2026-03-31T00:00:00+08:00")
