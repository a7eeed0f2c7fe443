"""`handover replay`: files of events through the rules, with no Kafka and no database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.publish import opened, valid
from cli.output import fail, json_line, say, warn

if TYPE_CHECKING:
    from handover.calendar import Calendar
    from handover.rules.rulebook import RuleBook
    from schemas.alert import Alert
    from schemas.envelope import Event

Rules = Annotated[str | None, typer.Option("--rules", help="A rule book: a name the product brings, or a TOML file.")]
Register = Annotated[
    Path | None,
    typer.Option(
        "--publishers", help="Register of publishers as TOML; else the settings'. None: every source is heard."
    ),
]
Days = Annotated[Path | None, typer.Option("--calendar", help="Working days as TOML.")]


def replay(
    files: Annotated[list[str], typer.Argument(help='Files with one CloudEvent a line; "-" reads stdin.')],
    rules: Rules = None,
    calendar: Days = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last instant, RFC 3339 with offset; else the last arrival.")
    ] = None,
    publishers: Register = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every alert snapshot, one JSON a line.")] = False,
) -> None:
    """Run files of events through the rules, with no Kafka and no database: every alert snapshot in order.

    An event arrived at its `receivedtime`, else at its `time`. What is no event, and an action without
    authority over its alert, is named on stderr and left out.
    """
    from handover.analysis.replay import live_all
    from handover.cases.authority import WITHOUT_AUTHORITY

    book, days = read_rules(rules, calendar)
    lived = live_all(told(files, read_publishers(publishers)), book, days, read_instant(until))
    for action in lived.refused:
        warn(f"{action.source} {action.id}: NOT_ALLOWED: {WITHOUT_AUTHORITY}; left out")
    for alert in lived.alerts:
        if as_json:
            json_line(alert.wire())
        else:
            say(sentence(alert))


def told(files: Sequence[str], publishers: Collection[str] | None = None) -> Iterator[tuple[Event, datetime]]:
    """Yield the events of all files with their arrivals, each file in its order."""
    counts = {"invalid": 0}
    for file in files:
        with opened(file) as stream:
            for event, _ in valid(stream, file, counts, publishers=publishers):
                yield event, event.receivedtime or event.time


def read_rules(rules: str | None, calendar: Path | None) -> tuple[RuleBook, Calendar]:
    """Return rule book and calendar, the settings' where none is named; end with one line where they cannot be used."""
    from cli.kafka.log_reader import read_settings

    settings = read_settings()
    return read_book(rules or settings.rules), read_calendar(calendar or settings.calendar)


def read_publishers(path: Path | None) -> frozenset[str] | None:
    """Return the register of publishers, the settings' where none is named; end with one line where it cannot be used."""
    from cli.kafka.log_reader import read_settings
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


def sentence(alert: Alert) -> str:
    """Return one alert snapshot as a line for people. The person stands in it shortened."""
    from schemas.instants import show
    from schemas.pii import mask

    end = alert.state if alert.outcome is None else f"{alert.state} ({alert.outcome})"
    return mask(
        f"{show(alert.changed_at)}  {alert.rule_id:<4}{alert.severity:<5}{end:<26}"
        f"{alert.subject}  {alert.owner_agency}  {alert.reason['en']}"
    )
