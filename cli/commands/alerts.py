"""`handover alerts`: what is late and what is due next, in the terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import CHECK_FAILED, fail, json_line
from cli.runtime import choose_language, open_database

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from cli.queue_screen import Picture
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
    """Show open alerts and what is due next, by time to deadline. On a pipe it prints once. Exit 1 where alerts are not
    processed up to now: the list may lack some.

    Critical first, then what is late, due today, due within three working days, and later. Persons stand shortened.
    """
    from rich.console import Console

    from cli.queue_screen import Words, picture_lines
    from cli.rule_files import read_book
    from cli.runtime import read_clock, read_settings

    settings, words = read_settings(), Words(choose_language(lang))
    behind = timedelta(seconds=settings.behind_seconds)
    of_feeds = read_book(settings.rules).policies.list_signalling("feed_silent", "manifest_gap")
    view = _View(_engine(settings), read_clock(settings), scope, limit, behind, frozenset(of_feeds))
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    if watch and console.is_terminal and not as_json:
        return _follow(console, words, view)
    picture = view.read()
    if as_json:
        _print_json(picture)
    else:
        for line in picture_lines(picture, words, console.width):
            console.print(line)
    if picture.data_time.is_late:
        raise typer.Exit(CHECK_FAILED)
    return None


@dataclass(frozen=True, slots=True)
class _View:
    """What of the read model is shown. `behind`: alerts processed up to an instant longer ago are told as late."""

    engine: Engine
    clock: Clock
    scope: str
    limit: int
    behind: timedelta
    of_feeds: frozenset[str]

    def read(self) -> Picture:
        """Read the newest picture; end with one line where the read model cannot be read."""
        from sqlalchemy.exc import SQLAlchemyError

        from cli.queue_screen import Picture
        from sinks.readmodel import queries
        from sinks.readmodel.data_time import read_data_time

        wall_ms = time.time_ns() // 1_000_000
        now = self.clock.now(wall_ms)
        try:
            return Picture(
                now=now,
                newest=queries.latest_arrival(self.engine),
                data_time=read_data_time(self.engine, now, lambda at: self.clock.age(at, wall_ms), self.behind),
                counts=queries.firing_by_severity(self.engine, self.scope),
                late=queries.open_alerts(self.engine, self.limit, self.scope),
                due=queries.due_next(self.engine, now + _AHEAD, self.limit, self.scope),
                of_feeds=self.of_feeds,
            )
        except SQLAlchemyError as error:
            fail(
                f"the read model cannot be read: {type(error).__name__}",
                "start the sink (handover sink), or see: handover doctor",
            )


def _follow(console: Console, words: Any, view: _View) -> None:
    from rich.console import Group
    from rich.live import Live

    from cli.queue_screen import picture_lines

    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            lines = picture_lines(view.read(), words, console.width)
            live.update(Group(*lines[: console.height]), refresh=True)
            time.sleep(_REFRESH_SECONDS)


def _engine(settings: Settings) -> Engine:
    from cli.runtime import has_read_model

    if not has_read_model(settings):
        fail(
            f"there is no read model in {settings.data_dir}",
            "start the stack (handover up) or set REENTRY_DATABASE_URL",
        )
    return open_database(settings)


def _print_json(picture: Picture) -> None:
    from schemas.instants import show

    told = picture.data_time
    processed = None if told.processed_until is None else show(told.processed_until)
    json_line({"kind": "data_time", "processed_until": processed, "is_late": told.is_late})
    for kind, rows in (("alert", picture.late), ("due", picture.due)):
        for row in rows:
            left = round((row.due_at - picture.now).total_seconds())
            json_line({"kind": kind, **_plain(asdict(row)), "seconds_left": left})


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from schemas.instants import show

    return {name: show(value) if isinstance(value, datetime) else value for name, value in row.items()}
