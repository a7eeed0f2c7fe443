"""A short run of the fault suite: one seed, every part harmed; what stands equals the log replayed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import AddWorker, CutWorker, KillBroker, KillPostgres, KillSink, KillWorker, StopWorker
from tests.chaos.kinds import planned
from tests.chaos.run import City, run

FEW = (KillWorker, StopWorker, KillSink, AddWorker, KillBroker, CutWorker, KillPostgres)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that PostgreSQL, which runs as another user, can enter."""
    path = Path(tempfile.mkdtemp(prefix="reentry-chaos-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_city_under_faults_stands_as_the_log_says(folder: Path) -> None:
    outcome = run(folder, City(seed=7, hours=1.0, register=0.03), list(planned(7, len(FEW), FEW)), print)
    assert (outcome.faults, outcome.judgement.compared["cases"] > 100) == (len(FEW), True)
    assert [finding.wire() for finding in outcome.judgement.findings] == []
    assert outcome.wrong == []


def test_equal_seeds_give_equal_plans() -> None:
    plans = [[(gap, str(fault)) for gap, fault in planned(seed, 40)] for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
