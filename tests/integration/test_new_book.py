"""From one rule book to the next on a pipeline that runs: with open cases, by the event that the command prints."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import from_millis, show
from schemas.parse import parse
from tests.conditions import until
from tests.integration.pipeline import Pipeline, newest, pipeline
from tests.integration.test_pipeline import compared, golden, now
from tests.integration.verified import verified

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
OLD, NEW, CALENDAR = "cn-default@1", "cn-default@2", load_calendar()
PROVINCE = "/agencies/PROVINCE_JUSTICE-990000-01"
NEVER_MEASURED = frozenset(rule.id for rule in load(NEW).rules if rule.form == "metric")


def handover(running: Pipeline, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments], env=running.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told_live(running: Pipeline) -> dict[str, tuple[Any, ...]]:
    alerts = (one for one in running.alerts() if one.rule_id not in NEVER_MEASURED)
    return {key: compared(one) for key, one in newest(alerts).items()}


def test_open_cases_go_over_to_the_next_book(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    told = golden()
    with pipeline(kafka, topic_prefix, tmp_path, recorded=True, REENTRY_RULES=OLD) as running:
        running.publish(told)
        running.start("worker")
        before = {key: compared(one) for key, one in newest(replay(told, load(OLD), CALENDAR, now())).items()}
        until(lambda: told_live(running) == before, seconds=90, every=2)

        effective = now() + timedelta(seconds=4)
        text = handover(running, "rules", "event", OLD, NEW, "--from", show(effective), "--source", PROVINCE, "--apply-to-open")  # fmt: skip
        (tmp_path / "event.jsonl").write_text(text, encoding="utf-8")
        handover(running, "publish", str(tmp_path / "event.jsonl"))
        event = parse(text.encode())
        [arrival] = [one.timestamp for one in running.records(event.topic) if event.id.encode() in one.value]
        whole = [*told, (event, from_millis(arrival))]
        assert from_millis(arrival) < effective

        later = effective + timedelta(seconds=1)
        after = {key: compared(one) for key, one in newest(replay(whole, load(OLD), CALENDAR, later)).items()}
        assert after != before
        until(lambda: told_live(running) == after, seconds=60, every=2)
        assert {one.rule_id for one in running.alerts()} >= {"C01", "M01"}  # of what is still open
        done = verified(running)
        assert done.returncode == 0, done.stdout + done.stderr
