"""An empty database of its own for each test, on both servers the product knows."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from sinks.readmodel.database import connect, migrate

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)]


@pytest.fixture(params=DATABASES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """No table yet."""
    if request.param == "sqlite":
        found = connect(f"sqlite:///{tmp_path / 'model.sqlite'}")
        yield found
        found.dispose()
        return
    url = request.getfixturevalue("postgres")
    schema = f"t{uuid.uuid4().hex[:12]}"
    owner, found = connect(url), connect(f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}")
    with owner.begin() as connection:
        connection.execute(text(f"create schema {schema}"))
    yield found
    found.dispose()
    with owner.begin() as connection:
        connection.execute(text(f"drop schema {schema} cascade"))
    owner.dispose()


@pytest.fixture
def engine(empty: Engine) -> Engine:
    """The tables of the newest version, made by the migrations."""
    migrate(empty)
    return empty
