"""`handover doctor`: is everything as it must be, and if not, how is it mended?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from cli.doctor.broker import check_broker
from cli.doctor.database import check_database
from cli.doctor.files import check_calendar, check_clock_file, check_publishers, check_rules
from cli.doctor.finding import Finding
from cli.output import CHECK_FAILED, json_line, say


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each check.")] = False,
) -> None:
    """Check settings, rules, calendar, broker, topics, clock and database; say how to fix each. Exit 1 on a problem."""
    signs = {"ok": "✓", "problem": "✗", "note": "·"}
    broken = False
    for finding in find_all():
        broken = broken or finding.state == "problem"
        if as_json:
            json_line(asdict(finding))
            continue
        say(f"{signs[finding.state]} {finding.what}: {finding.text}")
        if finding.fix:
            say(f"    → {finding.fix}")
    if broken:
        raise typer.Exit(CHECK_FAILED)


def find_all() -> Iterator[Finding]:
    """Yield what was found, check by check; a check that cannot be made says why."""
    from cli.connection import find_exposed_secrets
    from cli.settings import InvalidSettings, load, unknown

    for name in unknown(os.environ):
        yield Finding("settings", "problem", f"{name} is read by nobody", "correct its spelling or unset it")
    try:
        settings = load()
    except InvalidSettings as error:
        yield Finding("settings", "problem", str(error), "correct the variable")
        return
    yield Finding("settings", "ok", f"{len(settings.model_fields_set)} set, the others have their defaults")
    for name in find_exposed_secrets(settings):
        fix = "give it to one user alone: chmod 600, or 640 for a group"
        yield Finding("settings", "problem", f"every user of this machine can read the secret of {name}", fix)
    yield from check_rules(settings)
    yield from check_calendar(settings)
    yield from check_publishers(settings)
    yield from check_clock_file(settings)
    newest = yield from check_broker(settings)
    yield from check_database(settings, newest)
