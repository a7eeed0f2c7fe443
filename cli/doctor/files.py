"""The files that the settings name: rule book, calendar, register of publishers, clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.doctor.finding import Finding

if TYPE_CHECKING:
    from cli.settings import Settings
    from streams.clock import Clock

_MONTHS_AHEAD = timedelta(days=365)


def check_rules(settings: Settings) -> Iterator[Finding]:
    from handover.rules.rulebook import InvalidRuleBook, load

    try:
        book = load(settings.rules)
    except (OSError, InvalidRuleBook) as error:
        yield Finding("rule book", "problem", str(error), "correct it (handover rules check) or REENTRY_RULES")
        return
    yield Finding("rule book", "ok", f"{book.book}, {len(book.rules)} rules")
    unsure = sum(rule.basis.get("status") == "confirm_locally" for rule in book.rules)
    if unsure:
        text = f"{unsure} rules rest on numbers that the jurisdiction must confirm"
        yield Finding("rule book", "note", text, "see: handover rules explain")


def check_calendar(settings: Settings) -> Iterator[Finding]:
    from handover.calendar import load_calendar

    try:
        calendar = load_calendar(settings.calendar) if settings.calendar is not None else load_calendar()
    except (OSError, KeyError, ValueError) as error:
        yield Finding("calendar", "problem", f"cannot be used: {error}", "correct the file or REENTRY_CALENDAR")
        return
    now = datetime.now(UTC)
    missing = sorted({now.year, (now + _MONTHS_AHEAD).year} - set(calendar.years))
    if not missing:
        yield Finding("calendar", "ok", f"published until the end of {max(calendar.years)}")
        return
    years = " and ".join(map(str, missing))
    yield Finding(
        "calendar",
        "problem" if now.year in missing else "note",
        f"{years} not published: deadlines that look at it count Monday to Friday and are provisional",
        "when the State Council has announced the days off, enter them (reentry.system.calendar_published.v1)",
    )


def check_publishers(settings: Settings) -> Iterator[Finding]:
    from schemas.publishers import InvalidPublishers, load

    try:
        known = load(settings.publishers)
    except (OSError, InvalidPublishers) as error:
        yield Finding("publishers", "problem", f"cannot be used: {error}", "correct the file or REENTRY_PUBLISHERS")
        return
    if known is None:
        text = "no register: a heartbeat of any source is heard, and its silence holds alerts back"
        yield Finding(
            "publishers", "note", text, "list the sources like deploy/publishers.toml, set REENTRY_PUBLISHERS"
        )
        return
    yield Finding("publishers", "ok", f"{len(known)} sources are registered")


def check_clock_file(settings: Settings) -> Iterator[Finding]:
    from streams.clock import Clock

    if settings.clock_file is None:
        return
    try:
        clock = Clock.load(settings.clock_file)
    except (OSError, KeyError, ValueError) as error:
        fix = "correct REENTRY_CLOCK_FILE, or unset it: in production time is real"
        yield Finding("clock file", "problem", f"cannot be used: {type(error).__name__}", fix)
        return
    yield Finding(
        "clock file", "note", f"time is simulated: now {clock.now(time.time_ns() // 1_000_000):%Y-%m-%d %H:%M}"
    )


def read_clock_if_usable(settings: Settings) -> Clock | None:
    """Return the clock that facts are judged by; None where its file cannot be used, which `check_clock_file` says."""
    from streams.clock import Clock

    try:
        return Clock.load(settings.clock_file)
    except (OSError, KeyError, ValueError):
        return None
