"""A short run of the fault suite: one seed, every part harmed, nothing lost, nothing doubled, nothing false."""

from pathlib import Path

import pytest

from tests.chaos.faults import AddWorker, CutWorker, KillBroker, KillPostgres, KillSink, KillWorker, StopWorker, planned
from tests.chaos.run import City, run

FEW = (KillWorker, StopWorker, KillSink, AddWorker, KillBroker, CutWorker, KillPostgres)


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(420)
def test_a_city_under_faults_ends_as_the_replay_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("chaos")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)  # PostgreSQL runs as another user
    outcome = run(Path(folder), City(seed=7), planned(7, 12, FEW), print)
    assert (outcome.faults, outcome.judgement.compared["cases"] > 100) == (12, True)
    assert [one.wire() for one in outcome.judgement.findings] == []


def test_equal_seeds_give_equal_plans() -> None:
    plans = [[(gap, str(fault)) for gap, fault in planned(seed, 40)] for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
