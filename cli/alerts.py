"""`handover alerts`: what is late and what is due next, in the terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.report import fail, json_line
from cli.rules import language_of

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from cli.screen import Picture
    from cli.settings import Settings
    from streams.clock import Clock

_AHEAD = timedelta(days=30)
_REFRESH_SECONDS = 1.0


def alerts(
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and follow. Ctrl-C ends it.")] = False,
    scope: Annotated[str, typer.Option("--scope", help="A jurisdiction code or the beginning of one.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many of each.")] = 200,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en; else what LANG says.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show open alerts and what is due next, by time to deadline. On a pipe it prints once.

    Critical first, then what is late, due today, due within three working days, and later. Persons stand shortened.
    """
    from rich.console import Console

    from cli.dump import read_clock
    from cli.records import read_settings
    from cli.screen import Words, picture_lines

    settings, words = read_settings(), Words(language_of(lang))
    clock, engine = read_clock(settings), _engine(settings)
    if as_json:
        return _print_json(_look(engine, clock, scope, limit))
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    if watch and console.is_terminal:
        return _follow(console, words, engine, clock, scope, limit)
    for line in picture_lines(_look(engine, clock, scope, limit), words, console.width):
        console.print(line)
    return None


def _follow(console: Console, words: Any, engine: Engine, clock: Clock, scope: str, limit: int) -> None:
    from rich.console import Group
    from rich.live import Live

    from cli.screen import picture_lines

    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            lines = picture_lines(_look(engine, clock, scope, limit), words, console.width)
            live.update(Group(*lines[: console.height]), refresh=True)
            time.sleep(_REFRESH_SECONDS)


def _look(engine: Engine, clock: Clock, scope: str, limit: int) -> Picture:
    """Read the newest picture; end with one line where the read model cannot be read."""
    from sqlalchemy.exc import SQLAlchemyError

    from cli.screen import Picture
    from sinks import queries

    now = clock.now(time.time_ns() // 1_000_000)
    try:
        return Picture(
            now=now,
            newest=queries.latest_arrival(engine),
            counts=queries.firing_by_severity(engine, scope),
            late=queries.open_alerts(engine, limit, scope),
            due=queries.due_next(engine, now + _AHEAD, limit, scope),
        )
    except SQLAlchemyError as error:
        fail(
            f"the read model cannot be read: {type(error).__name__}",
            "start the sink (handover sink), or see: handover doctor",
        )


def _engine(settings: Settings) -> Engine:
    from cli.records import has_read_model
    from sinks.database import connect

    if not has_read_model(settings):
        fail(
            f"there is no read model in {settings.data_dir}",
            "start the stack (handover up) or set REENTRY_DATABASE_URL",
        )
    return connect(settings.database)


def _print_json(picture: Picture) -> None:
    for kind, rows in (("alert", picture.late), ("due", picture.due)):
        for row in rows:
            left = round((row.due_at - picture.now).total_seconds())
            json_line({"kind": kind, **_plain(asdict(row)), "seconds_left": left})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from schemas.instants import show

    return {name: show(value) if isinstance(value, datetime) else value for name, value in row.items()}
