"""With real workers: whatever happens to the read model, `handover verify` finds it equal to the log again."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, inspect, select, update

from sinks.readmodel import tables
from sinks.readmodel.database import connect
from tests.conditions import until
from tests.integration.pipeline import Pipeline, newest, pipeline
from tests.integration.test_sink_process import ended
from tests.integration.test_sinks import history
from tests.integration.verified import verified

pytestmark = pytest.mark.servers


def alerts(file: Path) -> int:
    if not file.exists():
        return 0
    engine: Engine = connect(f"sqlite:///{file}")
    with engine.connect() as connection:
        made = inspect(connection).has_table(tables.alert.name)
        found = connection.execute(select(func.count()).select_from(tables.alert)).scalar_one() if made else 0
    engine.dispose()
    return int(found)


def stopped_sink(running: Pipeline) -> None:
    running.processes[-1].terminate()
    assert running.processes[-1].wait(30) == 0


def test_removed_restored_and_spoilt_it_equals_the_log_again(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    file, backup = tmp_path / "handover.sqlite", tmp_path / "backup.sqlite"
    with pipeline(kafka, topic_prefix, tmp_path) as running:
        running.start("worker")
        running.start("sink")
        running.publish(history(20))
        until(lambda: alerts(file) > 0, seconds=90, every=0.5)
        stopped_sink(running)
        engine = connect(f"sqlite:///{file}")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM INTO '{backup}'")
        engine.dispose()
        running.publish(history(20, 20))
        for path in (None, backup):  # removed, then an older backup
            for old in tmp_path.glob("handover.sqlite*"):
                old.unlink()
            if path is not None:
                shutil.copy(path, file)
            running.start("sink")
            until(lambda: alerts(file) == len(newest(running.alerts())) > 0, seconds=60, every=1)
            found = verified(running)
            assert found.returncode == 0, found.stdout
            assert "alert table" in found.stdout
            stopped_sink(running)
        engine = connect(f"sqlite:///{file}")
        with engine.begin() as connection:
            connection.execute(update(tables.alert).values(revision=tables.alert.c.revision + 1_000, state="resolved"))
            connection.execute(delete(tables.case))
            connection.execute(delete(tables.obligation))
        engine.dispose()
        assert ended(running, f"sqlite:///{file}", "rebuild", "sql")[0] == 0
        found = verified(running)
        assert found.returncode == 0, found.stdout
