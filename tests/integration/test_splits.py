"""A split through the real pipeline: what it moves reaches the case of the other ref in its own partition, and verify says the same."""

import time
from pathlib import Path

import pytest

from cli.stack import clockfile
from schemas.topics import CASE, partition_of
from tests.conditions import until
from tests.handover.histories import Told, acknowledged, arriving, at, notice, scheduled
from tests.handover.test_ties import split
from tests.integration.pipeline import PARTITIONS, Pipeline, newest, pipeline
from tests.integration.verified import verified

pytestmark = pytest.mark.servers
SURVIVOR = "p1_" + "b" * 26
REMOVED = next(
    ref
    for ref in ("p1_" + letter * 26 for letter in "cdefgh")
    if partition_of(ref.encode(), PARTITIONS) != partition_of(SURVIVOR.encode(), PARTITIONS)
)
FILE = arriving(
    scheduled("2026-02-02 09:00", "2026-03-02", subject=SURVIVOR, id="s"),
    notice("2026-02-03 09:00", subject=SURVIVOR, id="n"),
)
SPLIT = split("2026-02-15 00:30", SURVIVOR, REMOVED, "s", "n", "a")
LATER: list[Told] = arriving(
    acknowledged("2026-02-15 00:40", subject=SURVIVOR, id="a")
)  # told under the survivor still


def firing(running: Pipeline, ref: str) -> set[str]:
    alerts = newest(running.alerts()).values()
    return {one.rule_id for one in alerts if one.subject == ref and one.state == "firing"}


def test_what_a_split_moves_is_owed_and_answered_under_the_other_ref(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / "clock.json"
    clockfile.begin(file, at("2026-02-15 00:45"), 60.0, int(time.time() * 1000))
    with pipeline(kafka, topic_prefix, tmp_path, REENTRY_CLOCK_FILE=str(file)) as running:
        running.start("sink")
        worker = running.start("worker")
        running.publish(FILE)
        until(lambda: firing(running, SURVIVOR) == {"A02", "A03"}, seconds=120, every=0.5)
        running.publish([SPLIT])
        until(lambda: firing(running, REMOVED) == {"A02", "A03"}, seconds=120, every=0.5)
        until(lambda: firing(running, SURVIVOR) == set(), seconds=30, every=0.5)
        worker.kill()
        worker.wait(30)
        running.start("worker")
        running.publish(LATER)
        until(lambda: firing(running, REMOVED) == {"A03"}, seconds=120, every=0.5)
        cases = {record.key: record for record in running.records(CASE)}
        assert b'"handovers":[]' in cases[SURVIVOR.encode()].value
        assert b'"handovers":[{' in cases[REMOVED.encode()].value
        found = verified(running)
        assert found.returncode == 0, found.stdout
