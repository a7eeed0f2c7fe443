"""A manifest that promises more than came, through the real pipeline: others are held from the verdict on, and verify says the same."""

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from cli.stack import clockfile
from schemas.alert import Alert
from schemas.instants import millis
from schemas.topics import SYSTEM
from tests.conditions import until
from tests.handover.histories import COUNTY, OTHER, PERSON, arriving, at, notice, scheduled, told
from tests.integration.pipeline import Pipeline, newest, pipeline
from tests.integration.verified import verified

pytestmark = pytest.mark.servers
HALF_AN_HOUR = 1_800.0  # a second
DUE_AT = at("2026-01-16 02:00")
MANIFEST = told(
    "system.publisher_manifest",
    "2026-01-16 00:30",
    {"day": "2026-01-15", "topics": [{"topic": "reentry.intake.v1", "count": 2}]},
    COUNTY,
    COUNTY,
)
MISSING = [
    told("intake.visit_done", when, {"visited_on": "2026-01-15", "met_person": True}, COUNTY, OTHER)
    for when in ("2026-01-15 09:00", "2026-01-15 10:00")
]


def of_person(alerts: Iterable[Alert]) -> list[Alert]:
    return [one for one in alerts if one.subject == PERSON]


def gap(running: Pipeline) -> Alert | None:
    return next((one for one in newest(running.alerts()).values() if one.rule_id == "X04"), None)


def test_a_gap_in_a_manifest_holds_the_alerts_of_its_publisher_until_it_is_filled(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / "clock.json"
    clock = clockfile.begin(file, at("2026-01-16 00:30"), HALF_AN_HOUR, int(time.time() * 1000))
    with pipeline(kafka, topic_prefix, tmp_path, REENTRY_CLOCK_FILE=str(file)) as running:
        running.start("sink")
        worker = running.start("worker")
        running.publish(arriving(scheduled("2026-01-05 10:00"), notice("2026-01-06 09:00"), MANIFEST))
        until(lambda: any(one.held for one in of_person(running.alerts())), seconds=120, every=0.5)
        (verdict,) = [one for one in running.records(SYSTEM) if b"manifest_judged" in one.value]
        (held,) = [one for one in of_person(running.alerts()) if one.held]
        assert millis(held.changed_at) == millis(clock.arrival(verdict.timestamp))
        missed = gap(running)
        assert missed is not None
        assert (missed.state, missed.raised_at) == ("firing", DUE_AT)
        assert held.changed_at > missed.raised_at
        worker.kill()
        worker.wait(30)
        running.start("worker")
        running.publish(arriving(*MISSING))
        until(lambda: not newest(running.alerts())[held.alert_id].held, seconds=120, every=0.5)
        filled = gap(running)
        assert filled is not None
        assert (filled.state, filled.outcome) == ("resolved", "met_late")
        found = verified(running)
        assert found.returncode == 0, found.stdout
