"""How far alerts are processed: as the workers say on their topic, and as the read model shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cli.doctor.finding import Finding

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from brokers.connection import KafkaConnection
    from brokers.progress_topic import Report
    from cli.settings import Settings
    from streams.clock import Clock

_START = "start one: handover up, or handover worker; why the last one ended stands in its log"


def read_reports(kafka: KafkaConnection, settings: Settings) -> Mapping[int, Report]:
    """Read the newest report of each of our partitions. Raise KafkaError."""
    from brokers.progress_topic import read_newest

    newest = read_newest(kafka, settings.topic_prefix)
    return {number: one for number, one in newest.items() if number < settings.partitions}


def check_workers(newest: Mapping[int, Report], partitions: int, now_ms: int) -> Iterator[Finding]:
    """Say which workers run, which partitions nobody reports, and where workers differ."""
    from cli.kafka.progress import SILENT_SECONDS

    if not newest:
        yield Finding("workers", "note", "none has ever reported", _START)
        return
    silent = [
        number
        for number in range(partitions)
        if number not in newest or now_ms - newest[number].written_ms > SILENT_SECONDS * 1000
    ]
    running: dict[str, list[int]] = defaultdict(list)
    for number, report in sorted(newest.items()):
        if number not in silent:
            running[report.progress.worker].append(number)
    if silent:
        last = max(report.written_ms for report in newest.values())
        since = "" if running else f"; the last one did {max(0, now_ms - last) // 1000} s ago"
        yield Finding("workers", "problem", f"none reports for partitions {_numbers(silent)}{since}", _START)
    if running:
        names = "; ".join(f"{name[:8]} has partitions {_numbers(owned)}" for name, owned in running.items())
        yield Finding("workers", "ok", f"{len(running)} report: {names}")
    yield from _compare_setups([report for number, report in sorted(newest.items()) if number not in silent])


def _numbers(partitions: Sequence[int]) -> str:
    return ", ".join(map(str, partitions))


def _compare_setups(reports: Sequence[Report]) -> Iterator[Finding]:
    """Compare what the workers that run were started with: book, calendar, clock, partitions, version, cluster."""
    if not reports:
        return
    first = reports[0].progress
    for worker, other in sorted({one.progress.worker: one.progress for one in reports}.items()):
        if differences := other.setup.differences(first.setup):
            text = f"{worker[:8]} runs with another setup than {first.worker[:8]}: {', '.join(differences)}"
            yield Finding("workers", "problem", text, "stop one of them; start all with the same settings and files")


def check_data_time(
    connection: Connection, settings: Settings, clock: Clock, newest: Mapping[int, Report], wall_ms: int
) -> Iterator[Finding]:
    """Say up to when the read model shows alerts, and whether the sink is behind what the workers report. Raise SQLAlchemyError."""
    from brokers.progress_topic import find_watermark
    from schemas.instants import show
    from sinks.readmodel.data_time import data_time_of

    limit = timedelta(seconds=settings.behind_seconds)
    data_time = data_time_of(connection, clock.now(wall_ms), lambda at: clock.age(at, wall_ms), limit)
    reached, until = find_watermark(newest, settings.partitions), data_time.processed_until
    if until is None:
        fix = "start worker and sink (handover up); look at their logs where they run"
        yield Finding("data time", "problem", "no alert has been processed yet", fix)
    elif data_time.is_late:
        age = round(clock.age(until, wall_ms).total_seconds())
        text = f"alerts are processed only up to {show(until)}, {age} s ago: nothing later has been judged"
        fix = "see what is said of workers and sink; an empty list means nothing until this is mended"
        yield Finding("data time", "problem", text, fix)
    else:
        yield Finding("data time", "ok", f"alerts are processed up to {show(until)}")
    if reached is not None and _lag(clock, until, reached, wall_ms) > limit:
        shown = "nothing" if until is None else f"them up to {show(until)}"
        text = f"the workers have processed alerts up to {show(reached)}, the read model shows {shown}"
        yield Finding("sink", "problem", text, "start it (handover sink), or see in its log what it waits for")


def _lag(clock: Clock, until: datetime | None, reached: datetime, wall_ms: int) -> timedelta:
    """How much wall time the read model is behind the workers."""
    if until is None:
        return timedelta.max
    return clock.age(until, wall_ms) - clock.age(reached, wall_ms)
