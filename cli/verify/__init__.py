"""`handover verify`: the log replayed, and compared with the alerts, the cases and the read model that stand."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.output import CHECK_FAILED, fail, json_line, say, warn
from cli.rule_files import Days, Register, Rules
from cli.runtime import open_database
from schemas.instants import show

if TYPE_CHECKING:
    from cli.settings import Settings
    from handover.analysis.verification import Judgement
    from handover.calendar import Calendar
    from handover.rules.rulebook import RuleBook

SETTLE_SECONDS = 10  # what became true within the last seconds may still be on its way
_SHOWN = 20
T = TypeVar("T")


def verify(
    rules: Rules = None,
    calendar: Days = None,
    publishers: Register = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last instant compared, RFC 3339; else some seconds ago.")
    ] = None,
    sql: Annotated[bool, typer.Option("--sql/--no-sql", help="Compare with the read model too.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each difference, then one with the counts.")
    ] = False,
) -> None:
    """Replay the recorded log and compare with the alert topic (every alert, every revision), the case topic (what each
    case shows now) and SQL. Exit 1 on a difference: lost (should stand), false (should not), doubled (one revision told
    twice, with other content), missing revision, or differing. Where the log has forgotten its beginning (events stay 90
    days), cases that began before are counted, and compared with SQL only.
    """
    from cli.rule_files import read_instant, read_rules
    from cli.runtime import read_clock, read_settings

    settings = read_settings()
    if publishers is not None:
        settings = settings.model_copy(update={"publishers": publishers})
    book, days = read_rules(rules, calendar)
    wall_ms = time.time_ns() // 1_000_000 - SETTLE_SECONDS * 1000
    settled = read_clock(settings).now(wall_ms)
    last = read_instant(until) or settled
    held = find_held_back(settings)
    last = min(last, held or last)
    reached = _await_workers(settings, min(last, settled), is_held=held is not None)
    last = last if held is None or reached is None else min(last, reached - timedelta(milliseconds=1))
    found, events = judge(settings, book, days, last, settled_ms=wall_ms, sql=sql)
    _report(found, events, last, as_json=as_json)
    wrong = _check_independently(settings, wall_ms, as_json=as_json) if sql else False
    if found.findings or wrong:
        raise typer.Exit(CHECK_FAILED)


def _check_independently(settings: Settings, settled_ms: int, *, as_json: bool) -> bool:
    """Run the checks that need no rule; say what they found, and return whether anything is wrong."""
    from cli.kafka.clients import open_consumer
    from cli.runtime import has_read_model
    from cli.verify.independent import check

    if not has_read_model(settings):
        return False
    engine = open_database(settings)
    try:
        with open_consumer(settings) as client, engine.connect() as connection:
            found = check(client, connection, settings, settled_ms)
    finally:
        engine.dispose()
    if as_json:
        json_line({"independent": dict(found.checked), "wrong": found.wrong})
        return bool(found.wrong)
    for what, key, text in found.wrong[:_SHOWN]:
        say(f"{what:<16} {key} {text}")
    say(found.line())
    return bool(found.wrong)


def _await_workers(settings: Settings, last: datetime, *, is_held: bool) -> datetime | None:
    """Wait for the workers' watermark; end with one line where they do not come as far as `last`: a lag is no damage.

    `is_held`: an open transaction holds the watermark back. Then, what lies before it is compared.
    """
    from cli.kafka.clients import open_consumer
    from cli.kafka.progress import await_watermark

    with open_consumer(settings) as client:
        reached = await_watermark(client, settings, last)
    if reached is None:
        warn("no worker has reported how far it is; what is missing may still be on its way")
    elif reached <= last and not is_held:
        fail(
            f"alerts are processed up to {show(reached)} only, and no worker goes on",
            f"start the workers, or compare what they have done: handover verify --until {show(reached)}",
            CHECK_FAILED,
        )
    return reached


def find_held_back(settings: Settings) -> datetime | None:
    """Return when the first event arrived that an open transaction holds back: no worker has lived further. None: nothing is."""
    from brokers.hanging import hanging
    from cli.kafka.clients import open_admin
    from cli.runtime import read_clock, read_kafka
    from schemas.topics import SOURCES, named

    with open_admin(settings) as client:
        held = hanging(read_kafka(settings), client, [named(settings.topic_prefix, topic) for topic in SOURCES])
    arrivals = [read_clock(settings).arrival(round(one.since.timestamp() * 1000)) for one in held if one.since]
    for one in held:
        warn(
            f"{one.place}: an open transaction holds back what follows, compared is only what came before it: handover doctor"
        )
    return min(arrivals, default=None)


def judge(
    settings: Settings, book: RuleBook, days: Calendar, last: datetime, *, settled_ms: int, sql: bool = True
) -> tuple[Judgement, int]:
    """Return what was found up to `last`, and how many events were replayed.

    What was written after broker time `settled_ms` may not have reached the read model yet: there it is not judged.
    """
    from cli.kafka.clients import open_consumer
    from cli.kafka.log_reader import find_log_begin
    from cli.kafka.recorded_events import read_events
    from cli.runtime import has_read_model, read_clock
    from cli.verify.standing import read_alerts, read_cases
    from cli.verify.tables import judge_sql, read_tables
    from handover.analysis.replay import live_all
    from handover.analysis.verification import judge_alerts, judge_cases
    from schemas.topics import BY_NAME, SOURCES

    tables = read_tables(settings) if sql and has_read_model(settings) else None
    with open_consumer(settings) as client:
        since_ms = find_log_begin(client, settings, [BY_NAME[topic] for topic in SOURCES])
        since = None if since_ms is None else read_clock(settings).arrival(since_ms)
        told = [event for event in read_events(client, settings) if event is not None]
        alerts = read_alerts(client, settings)
        cases = read_cases(client, settings, since)
    arrived = [(one, one.receivedtime or one.time) for one in told]
    lived = live_all(((one, at) for one, at in arrived if at <= last), book, days, last)
    older = cases.older | alerts.find_raised_before(since)
    found = judge_alerts(
        [one for one in lived.alerts if one.subject not in older],
        [one for one in alerts.told if one.subject not in older],
        last,
        alerts.is_compacted,
    )
    found.add(judge_cases(_leave_out(older, lived.cases), _leave_out(older, cases.newest), last))
    if tables is not None:
        found.add(judge_sql(tables, alerts, cases, settled_ms))
    found.log_begins, found.older = since, len(older)
    return found, len(told)


def _leave_out(older: Collection[str], cases: Mapping[str, T]) -> dict[str, T]:
    return {subject: one for subject, one in cases.items() if subject not in older}


def _report(found: Judgement, events: int, last: datetime, *, as_json: bool) -> None:
    if as_json:
        for finding in found.findings:
            json_line(finding.wire())
        counts = {"compared": dict(found.compared), "moving": dict(found.moving), "found": found.counts()}
        counts |= {"log_begins": show(found.log_begins) if found.log_begins else None, "older": found.older}
        json_line({"events": events, "until": show(last), **counts})
        return
    for finding in found.findings[:_SHOWN]:
        at = show(finding.at) if finding.at else ""
        names = ", ".join(finding.fields())
        say(f"{finding.kind:<16} {finding.place:<16} {finding.rule_id:<4} {finding.key} {at} {names}")
    if len(found.findings) > _SHOWN:
        warn(f"{len(found.findings) - _SHOWN} more; all of them: handover verify --json")
    compared = ", ".join(f"{count} in {what}" for what, count in found.compared.items())
    say(f"{events} events replayed up to {show(last)}; compared: {compared}")
    if found.log_begins:
        warn(
            f"the log begins at {show(found.log_begins)}: {found.older} cases are older, and their alerts; "
            "these were only compared with the read model"
        )
    if found.moving:
        say("changed too recently to be judged: " + ", ".join(f"{n} in {what}" for what, n in found.moving.items()))
    counts_ = ", ".join(f"{count} {kind}" for kind, count in found.counts().items())
    say(f"{counts_}: {'NOT equal' if found.findings else 'equal'}")
