"""Real servers for the tests that need them: started once per session on free ports, stopped at its end."""

import gc
import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)  # a busy machine is no finding; loops have bounds of their own
settings.load_profile("busy")
SERVERS = {"kafka", "postgres", "broker"}
_numbers = itertools.count(1)
_session = uuid.uuid4().hex[:8]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that `make test-fast` can leave it out."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector of cycles, and tests that call it, need not look at it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap servers of a real broker. Absent Java or jars fail the test with the line that installs them."""
    if given := os.environ.get("REENTRY_TEST_BROKERS"):
        yield given
        return
    from cli.stack.kafka import Broker

    folder = Path(tempfile.mkdtemp(prefix="reentry-kafka-"))
    try:
        with Broker(folder) as broker:
            yield broker.bootstrap
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """SQLAlchemy address of an empty database on a real PostgreSQL; tests share it, each makes its own schema."""
    if given := os.environ.get("REENTRY_TEST_DATABASE_URL"):
        yield given
        return
    from cli.stack.postgres import Postgres

    with Postgres() as server:
        yield server.url


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a recorded history: a read model as the pipeline has written it."""
    from tests.console.conftest import record

    path = tmp_path_factory.mktemp("recorded") / "model.sqlite"
    record(path)
    return path


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics and groups that no other test has."""
    return f"t{_session}.{next(_numbers)}."
