"""`handover doctor`: is everything as it must be, and if not, how is it mended?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import typer

from cli.report import CHECK_FAILED, json_line, say

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from brokers.connection import KafkaConnection
    from cli.settings import Settings

_SKEW_MS = 1_000  # between our clock and the broker's
_HANGS_SECONDS = 10  # a transaction may be open for a moment
_SHOWN, _NAMED = 8, 5  # characters of a subject, subjects in a line
_MONTHS_AHEAD = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "problem", "note"]
    text: str
    fix: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each check.")] = False,
) -> None:
    """Check settings, rules, calendar, broker, topics, clock and database; say how to fix each. Exit 1 on a problem."""
    signs = {"ok": "✓", "problem": "✗", "note": "·"}
    broken = False
    for finding in findings():
        broken = broken or finding.state == "problem"
        if as_json:
            json_line(asdict(finding))
            continue
        say(f"{signs[finding.state]} {finding.what}: {finding.text}")
        if finding.fix:
            say(f"    → {finding.fix}")
    if broken:
        raise typer.Exit(CHECK_FAILED)


def findings() -> Iterator[Finding]:
    """Yield what was found, check by check; a check that cannot be made says why."""
    from cli.connection import exposed
    from cli.settings import InvalidSettings, load, unknown

    for name in unknown(os.environ):
        yield Finding("settings", "problem", f"{name} is read by nobody", "correct its spelling or unset it")
    try:
        settings = load()
    except InvalidSettings as error:
        yield Finding("settings", "problem", str(error), "correct the variable")
        return
    yield Finding("settings", "ok", f"{len(settings.model_fields_set)} set, the others have their defaults")
    for name in exposed(settings):
        fix = "give it to one user alone: chmod 600, or 640 for a group"
        yield Finding("settings", "problem", f"every user of this machine can read the secret of {name}", fix)
    yield from _rules(settings)
    yield from _calendar(settings)
    yield from _publishers(settings)
    yield from _clock_file(settings)
    yield from _broker(settings)
    yield from _database(settings)


def _rules(settings: Settings) -> Iterator[Finding]:
    from handover.rulebook import InvalidRuleBook, load

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


def _calendar(settings: Settings) -> Iterator[Finding]:
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


def _publishers(settings: Settings) -> Iterator[Finding]:
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


def _clock_file(settings: Settings) -> Iterator[Finding]:
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


def _broker(settings: Settings) -> Iterator[Finding]:
    from kafka.errors import KafkaError

    from cli.connection import connection
    from cli.settings import InvalidSettings
    from cli.stack.provision import connect, differences, wanted

    try:
        kafka = connection(settings)
    except InvalidSettings as error:
        yield Finding("broker", "problem", str(error), "correct the variable")
        return
    try:
        admin = connect(kafka, seconds=5)
    except (KafkaError, OSError):
        yield _away(kafka)
        return
    try:
        yield Finding("broker", "ok", f"answers at {settings.brokers}")
        topics = wanted(settings)
        todo = differences(admin, topics)
        for one in todo:
            fix = "handover topics apply" if one.kind != "impossible" else "only people can: see the text"
            yield Finding("topics", "problem", f"{one.topic}: {one.kind}: {one.text}", fix)
        if not todo:
            yield Finding("topics", "ok", f"{len(topics)} in place")
        absent = {one.topic for one in todo if one.kind == "create"}
        yield from _transactions(admin, kafka, [topic.name for topic in topics if topic.name not in absent])
        yield _skew(admin, kafka, settings.topic_prefix)
    except KafkaError as error:
        yield Finding("broker", "problem", f"refused: {type(error).__name__}", "check the rights of this client")
    finally:
        admin.close()


def _transactions(admin: Any, kafka: KafkaConnection, topics: Sequence[str]) -> Iterator[Finding]:
    """Yield what an open transaction holds back: for a moment that is as it must be."""
    from brokers.hanging import hanging, remedy

    held = hanging(kafka, admin, topics) if topics else []
    for one in held:
        seconds = None if one.since is None else (datetime.now(UTC) - one.since).total_seconds()
        since = "" if one.since is None else f" since {one.since:%Y-%m-%dT%H:%M:%SZ}"
        by = f" ({one.transaction})" if one.transaction else ""
        text = (
            f"{one.place}: a transaction is open{since}{by}: "
            f"nothing from offset {one.offset} on is read, and deadlines after it wait"
        )
        if seconds is not None and seconds < _HANGS_SECONDS:
            yield Finding("transactions", "note", text)
        else:
            yield Finding("transactions", "problem", text, remedy(one.topic, one.partition, one.offset, kafka))
    if not held:
        yield Finding("transactions", "ok", "none holds anything back")


def _away(kafka: KafkaConnection) -> Finding:
    from brokers.refusal import refusal

    reason = refusal(kafka)
    if reason is None:
        fix = "start it (handover up), or correct REENTRY_BROKERS"
        return Finding("broker", "problem", f"nobody answers at {kafka.brokers}", fix)
    if "not trusted" in reason:
        fix = "REENTRY_KAFKA_CA_FILE must hold who signed it, and REENTRY_BROKERS the host that it names"
    elif "password" in reason:
        fix = "correct REENTRY_KAFKA_USERNAME or the file of REENTRY_KAFKA_PASSWORD_FILE, or give the broker this password"
    else:
        fix = "correct REENTRY_KAFKA_SECURITY_PROTOCOL and REENTRY_KAFKA_SASL_MECHANISM"
    return Finding("broker", "problem", reason, fix)


def _skew(admin: Any, kafka: KafkaConnection, prefix: str) -> Finding:
    """Compare clocks: a record in a topic of our own tells when the broker took it."""
    from kafka.errors import KafkaError

    topic = f"{prefix}reentry.doctor.{uuid4().hex[:8]}"
    try:
        config = {"message.timestamp.type": "LogAppendTime"}
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": config}})
        admin.wait_for_topics([topic], timeout_ms=10_000)
        try:
            offset, error_ms = _ask(kafka, topic)
        finally:
            admin.delete_topics([topic])
    except KafkaError as error:
        return Finding("clock", "note", f"not compared with the broker's: {type(error).__name__}")
    text = f"broker {offset:+d} ms from ours (±{error_ms} ms)"
    if abs(offset) - error_ms > _SKEW_MS:
        return Finding("clock", "problem", text, "keep both machines on the same time service (chrony, ntp)")
    return Finding("clock", "ok", text)


def _ask(kafka: KafkaConnection, topic: str) -> tuple[int, int]:
    """Return how far the broker's clock is ahead of ours, and how uncertain that is, in ms."""
    from kafka import KafkaProducer

    producer = KafkaProducer(**kafka.client(), acks="all", allow_auto_create_topics=False)
    try:
        producer.send(topic, b"warm").get(timeout=10)  # connections are made
        sent = time.time_ns() // 1_000_000
        told = producer.send(topic, b"now").get(timeout=10).timestamp
        back = time.time_ns() // 1_000_000
    finally:
        producer.close(timeout=2)
    return told - (sent + back) // 2, (back - sent) // 2 + 1


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy.exc import SQLAlchemyError

    from cli.connection import shown
    from cli.records import has_read_model
    from cli.settings import InvalidSettings
    from sinks.database import NewerTables, at_head, connect

    where = shown(settings)
    if not has_read_model(settings):
        yield Finding("database", "note", "none yet: the sink makes it", "handover up, or handover sink")
        return
    try:
        engine = connect(settings.database)
    except InvalidSettings as error:
        yield Finding("database", "problem", str(error), "correct the variable")
        return
    try:
        if not at_head(engine):
            yield Finding("database", "problem", f"{where}: tables are old", "handover sink --migrate")
            return
        yield Finding("database", "ok", f"{where}, tables at the newest version")
        yield from _gaps(engine)
        yield _quarantine(engine)
    except NewerTables as error:
        yield Finding("database", "problem", f"{where}: {str(error).partition(':')[0]}", "update the program")
    except SQLAlchemyError as error:
        why, fix = _refused(str(error))  # never shown itself: its text may hold more than we know
        yield Finding("database", "problem", f"{where} {why or f'does not answer: {type(error).__name__}'}", fix)
    finally:
        engine.dispose()


def _refused(told: str) -> tuple[str, str]:
    """Why PostgreSQL does not let us in, or nothing, and what to do."""
    if "password" in told:
        return "does not take this user and password", "correct the file of REENTRY_DATABASE_PASSWORD_FILE"
    if "host name" in told:
        return "is not the host that its certificate names", "write that host in REENTRY_DATABASE_URL"
    if "certificate" in told or "SSL error" in told:
        return "is not trusted: another has signed its certificate", "REENTRY_DATABASE_CA_FILE must hold who signed it"
    return "", "start it, or correct REENTRY_DATABASE_URL"


def _gaps(engine: Engine) -> Iterator[Finding]:
    """Say where the read model does not equal the log."""
    from schemas.instants import show
    from sinks.position import open_gaps
    from sinks.shown import MEANING

    with engine.connect() as connection:
        gaps = open_gaps(connection)
    for one in gaps:
        place = f"{one.topic}[{one.partition}] from {one.first_offset} to {one.next_offset}, {show(one.found_at)}"
        fix = "make a backup, then: handover rebuild sql (see docs/operations.md)"
        yield Finding("read model", "problem", f"{place}: {MEANING[one.kind]}", fix)
    if not gaps:
        yield Finding("read model", "ok", "no gap between it and the log is known")


def _quarantine(engine: Engine) -> Finding:
    """Subjects whose facts fail are watched by nobody until somebody mends that."""
    from sinks.dead_letter_table import quarantined

    with engine.connect() as connection:
        found = quarantined(connection)
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
