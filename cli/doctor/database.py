"""The read model: whether it answers, its tables, gaps between it and the log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cli.doctor.files import read_clock_if_usable
from cli.doctor.finding import Finding
from cli.doctor.workers import check_data_time

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from brokers.progress_topic import Report
    from cli.settings import Settings

_SHOWN, _NAMED = 8, 5  # characters of a subject, subjects in a line


def check_database(settings: Settings, newest: Mapping[int, Report]) -> Iterator[Finding]:
    """Yield what was found. `newest`: of each partition what its worker reports."""
    from sqlalchemy.exc import SQLAlchemyError

    from cli.connection import mask_database_url, read_database_url
    from cli.runtime import has_read_model
    from cli.settings import InvalidSettings
    from sinks.readmodel.database import at_head, connect
    from sinks.readmodel.migration_chain import NotMigrated

    where = mask_database_url(settings)
    if not has_read_model(settings):
        yield Finding("database", "note", "none yet: the sink makes it", "handover up, or handover sink")
        return
    try:
        engine = connect(read_database_url(settings))
    except InvalidSettings as error:
        yield Finding("database", "problem", str(error), "correct the variable")
        return
    try:
        if not at_head(engine):
            yield Finding("database", "problem", f"{where}: tables are old", "handover sink --migrate")
            return
        yield Finding("database", "ok", f"{where}, tables at the newest version")
        yield from _check_gaps(engine)
        yield _check_quarantine(engine)
        if (clock := read_clock_if_usable(settings)) is not None:
            with engine.connect() as connection:
                yield from check_data_time(connection, settings, clock, newest, time.time_ns() // 1_000_000)
    except NotMigrated as error:
        yield Finding("database", "problem", f"{where}: {error.what}", error.todo)
    except SQLAlchemyError as error:
        why, fix = _explain_refusal(str(error))  # never shown itself: its text may hold more than we know
        yield Finding("database", "problem", f"{where} {why or f'does not answer: {type(error).__name__}'}", fix)
    finally:
        engine.dispose()


def _check_gaps(engine: Engine) -> Iterator[Finding]:
    """Say where the read model does not equal the log."""
    from schemas.instants import show
    from sinks.readmodel.position import open_gaps
    from sinks.telemetry import MEANING

    with engine.connect() as connection:
        gaps = open_gaps(connection)
    for one in gaps:
        place = f"{one.topic}[{one.partition}] from {one.first_offset} to {one.next_offset}, {show(one.found_at)}"
        fix = "make a backup, then: handover rebuild sql (see docs/runbook/operations.md)"
        yield Finding("read model", "problem", f"{place}: {MEANING[one.kind]}", fix)
    if not gaps:
        yield Finding("read model", "ok", "no gap between it and the log is known")


def _explain_refusal(text: str) -> tuple[str, str]:
    """Why PostgreSQL does not let us in, or nothing, and what to do."""
    if "password" in text:
        return "does not take this user and password", "correct the file of REENTRY_DATABASE_PASSWORD_FILE"
    if "host name" in text:
        return "is not the host that its certificate names", "write that host in REENTRY_DATABASE_URL"
    if "certificate" in text or "SSL error" in text:
        return "is not trusted: another has signed its certificate", "REENTRY_DATABASE_CA_FILE must hold who signed it"
    return "", "start it, or correct REENTRY_DATABASE_URL"


def _check_quarantine(engine: Engine) -> Finding:
    """Subjects whose facts fail are watched by nobody until somebody mends that."""
    from sinks.readmodel.dead_letters import count_quarantined

    with engine.connect() as connection:
        found = count_quarantined(connection)
    if not found:
        return Finding("quarantine", "ok", "no subject is set aside")
    named = ", ".join(f"{key[:_SHOWN]}… ({number})" for key, number in sorted(found.items())[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    text = f"{len(found)} subjects fail, their facts are dead letters: {named}{more}"
    return Finding(
        "quarantine",
        "problem",
        text,
        "mend the cause, start the workers again, then: handover dlq redrive --reason FAILED --yes",
    )
