"""One subject cannot stop the others, and a rule that is switched off leaves no duty: on a real broker, with worker and sinks."""

import json
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cli.main import run
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.topics import CASE, DLQ
from tests.conditions import until
from tests.handover.histories import COURT, OTHER, PERSON, TOWN, scheduled
from tests.integration.pipeline import Pipeline, pipeline
from tests.integration.verified import verified

pytestmark = pytest.mark.servers
PROVINCE = "/agencies/PROVINCE_JUSTICE-990000-01"
BRACELET = "/agencies/LOCATION-990100-01"


def now() -> datetime:
    return from_millis(round(time.time() * 1000))


def case_of(running: Pipeline, subject: str) -> bytes:
    found = [record.value for record in running.records(CASE) if record.key == subject.encode()]
    return found[-1] if found else b""


def swollen(number: int, at: datetime) -> Event:
    """Two of these make a case that no broker takes."""
    items = [{"kind": "CALL", "cadence": "WEEKLY", "unknown": "u" * 600_000}]
    return Event(f"p{number}", TOWN, "reentry.checkin.plan_set.v1", PERSON, at, {"items": items, "class": "STRICT", "from": "2026-03-02"})  # fmt: skip


def test_a_subject_that_fails_is_set_aside_and_the_others_go_on(
    kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    facts = 1_000
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        worker = running.start("worker")
        running.start("sink")
        at = now() - timedelta(minutes=5)
        running.publish([(swollen(1, at), at)])
        until(lambda: b'"p1"' in case_of(running, PERSON), seconds=60)
        running.publish([(swollen(2, at), at)])
        until(lambda: len(running.values(DLQ)) == 1, seconds=60)
        checked = {"result": "IN_AREA", "checked_at": at.isoformat()}
        flood = [Event(f"h{number}", BRACELET, "reentry.checkin.location_checked.v1", PERSON, at, checked) for number in range(facts)]  # fmt: skip
        late = scheduled(subject=OTHER, id="other")
        running.publish([*((one, at) for one in flood), (late, now())])
        until(lambda: b'"other"' in case_of(running, OTHER), seconds=60)
        until(lambda: len(running.values(DLQ)) == facts + 1, seconds=60)
        assert worker.poll() is None
        assert (tmp_path / "worker-0.log").read_text().count("quarantined ") == 1
        for name, value in running.env.items():
            if name.startswith("REENTRY_"):
                monkeypatch.setenv(name, value)

        def told() -> str:
            assert run(["doctor", "--json"]) in (0, 1)
            lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
            return next((one["text"] for one in lines if one["what"] == "quarantine"), "")

        until(lambda: f"1 subjects fail, their facts are dead letters: {PERSON[:8]}… ({facts + 1})" in told(), 30)


def test_a_rule_switched_off_for_what_is_open_leaves_nothing_behind(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The case of each has another next instant than the duty that goes."""
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("sink")
        running.start("worker")
        at = now() - timedelta(minutes=5)
        until_day = (at + timedelta(days=300)).date().isoformat()
        term = {"decision_no": "D1", "decision_kind": "PROBATION", "effective_date": at.date().isoformat(), "term_start": at.date().isoformat(), "term_end": until_day, "execution_place": "990102", "prohibition_order": False}  # fmt: skip
        running.publish([(Event(f"t{ref[3]}", COURT, "reentry.release.decision_effective.v1", ref, at, term), at) for ref in (PERSON, OTHER)])  # fmt: skip
        until(lambda: all(b'"B16"' in case_of(running, ref) for ref in (PERSON, OTHER)), seconds=60)
        off = {"book": "cn-default@2", "effective_from": at.isoformat(), "apply_to_open": True, "changes": [{"rule_id": "B16", "set": {"off": True}}]}  # fmt: skip
        running.publish([(Event("off", PROVINCE, "reentry.system.rules_changed.v1", PROVINCE, at, off), at)])
        until(lambda: all(b'"B16"' not in case_of(running, ref) for ref in (PERSON, OTHER)), seconds=60)
        found = verified(running)
        assert found.returncode == 0, found.stdout + found.stderr
