"""What the doctor says of workers and of how far alerts are processed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from brokers.progress_topic import Report
from cli.doctor.finding import Finding
from cli.doctor.workers import check_data_time, check_workers
from cli.settings import Settings
from schemas.instants import instant, millis, show
from schemas.progress import Progress, Setup
from sinks.readmodel.database import connect, prepare
from streams.clock import Clock
from tests.watermarks import put_watermark

NOW = instant("2026-03-06T16:30:00+08:00")
WALL_MS = millis(NOW)
OURS = Setup(
    book="cn-default@2",
    book_digest="a",
    calendar_digest="b",
    clock_digest="c",
    partitions=2,
    version="0.1",
    cluster="k",
)
THEIRS = OURS.model_copy(update={"book": "city-990100@2"})


def report(partition: int, *, ago: float = 1, worker: str = "w1", setup: Setup = OURS) -> Report:
    """What a worker said `ago` seconds before now."""
    at = NOW - timedelta(seconds=ago)
    told = Progress(partition=partition, processed_until=at, alerts_end=0, cases_end=0, worker=worker, setup=setup)
    return Report(told, millis(at))


def said(*reports: Report) -> list[Finding]:
    return list(check_workers({one.progress.partition: one for one in reports}, 2, WALL_MS))


def test_workers_that_report_are_named_with_their_partitions() -> None:
    [one] = said(report(0), report(1, worker="w2"))
    assert (one.what, one.state) == ("workers", "ok")
    assert one.text == "2 report: w1 has partitions 0; w2 has partitions 1"


@pytest.mark.parametrize(("ago", "state"), [(14, "ok"), (16, "problem"), (90, "problem")])
def test_after_fifteen_seconds_none_runs(ago: float, state: str) -> None:
    [one] = said(report(0, ago=ago), report(1, ago=ago))
    assert one.state == state
    if state == "problem":
        assert one.text == f"none reports for partitions 0, 1; the last one did {ago:.0f} s ago"
        assert one.fix


def test_one_partition_without_a_worker_is_a_problem_too() -> None:
    for reports in ((report(0), report(1, ago=60)), (report(0),)):
        problem, ok = said(*reports)
        assert (problem.state, problem.text) == ("problem", "none reports for partitions 1")
        assert (ok.state, ok.text) == ("ok", "1 report: w1 has partitions 0")


def test_a_pipeline_that_was_never_started_is_a_note() -> None:
    [one] = said()
    assert (one.state, one.text) == ("note", "none has ever reported")


def test_workers_that_differ_are_told_with_what_differs() -> None:
    *_, one = said(report(0), report(1, worker="w2", setup=THEIRS))
    assert one.state == "problem"
    assert one.text == "w2 runs with another setup than w1: book city-990100@2, not cn-default@2"
    [ok] = said(report(0), report(1, ago=60, worker="w2", setup=THEIRS))[1:]
    assert ok.state == "ok", "who is gone differs from nobody"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = connect(f"sqlite:///{tmp_path / 'model.sqlite'}")
    prepare(engine)
    with engine.connect() as one:
        yield one
    engine.dispose()


def data(connection: Connection, *reports: Report) -> list[Finding]:
    settings = Settings(partitions=2, behind_seconds=60)
    newest = {one.progress.partition: one for one in reports}
    return list(check_data_time(connection, settings, Clock(()), newest, WALL_MS))


def test_how_far_the_read_model_shows_alerts(connection: Connection) -> None:
    [never] = data(connection)
    assert (never.what, never.state, never.text) == ("data time", "problem", "no alert has been processed yet")
    for ago, state in ((59, "ok"), (61, "problem")):
        until = NOW - timedelta(seconds=ago)
        put_watermark(connection.engine, until)
        [one] = data(connection)
        assert (one.what, one.state) == ("data time", state)
        assert f"up to {show(until)}" in one.text


def test_a_sink_behind_the_workers_is_told_apart_from_workers_that_are_gone(connection: Connection) -> None:
    put_watermark(connection.engine, NOW - timedelta(seconds=90))
    assert [one.what for one in data(connection, report(0), report(1)) if one.state == "problem"] == [
        "data time",
        "sink",
    ]
    stopped = report(0, ago=90), report(1, ago=90)
    assert [one.what for one in data(connection, *stopped) if one.state == "problem"] == ["data time"]
    assert [one.what for one in data(connection, report(0)) if one.state == "problem"] == ["data time"]
