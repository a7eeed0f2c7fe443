"""`handover replay`: files of events through the rules, with no Kafka and no database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.event_files import open_events, parse_lines
from cli.output import json_line, say, warn
from cli.rule_files import Days, Register, Rules, read_instant, read_publishers, read_rules

if TYPE_CHECKING:
    from schemas.alert import Alert
    from schemas.envelope import Event


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
    lived = live_all(read_events(files, read_publishers(publishers)), book, days, read_instant(until))
    for action in lived.refused:
        warn(f"{action.source} {action.id}: NOT_ALLOWED: {WITHOUT_AUTHORITY}; left out")
    for alert in lived.alerts:
        if as_json:
            json_line(alert.wire())
        else:
            say(format_alert(alert))


def read_events(files: Sequence[str], publishers: Collection[str] | None = None) -> Iterator[tuple[Event, datetime]]:
    """Yield the events of all files with their arrivals, each file in its order."""
    counts = {"invalid": 0}
    for file in files:
        with open_events(file) as stream:
            for event, _ in parse_lines(stream, file, counts, publishers=publishers):
                yield event, event.receivedtime or event.time


def format_alert(alert: Alert) -> str:
    """Return one alert snapshot as a line for people. The person stands in it shortened."""
    from schemas.instants import show
    from schemas.pii import mask

    end = alert.state if alert.outcome is None else f"{alert.state} ({alert.outcome})"
    return mask(
        f"{show(alert.changed_at)}  {alert.rule_id:<4}{alert.severity:<5}{end:<26}"
        f"{alert.subject}  {alert.owner_agency}  {alert.reason['en']}"
    )
