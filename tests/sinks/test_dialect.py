"""What differs between the databases stands in one module, so that another database is one more branch there."""

import ast
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from cli.stack.postgres import Postgres
from sinks.readmodel.database import WRITER, connect
from sinks.readmodel.dialect import Patience, engine_options, is_known

ROOT = Path(__file__).parents[2]
ONE_MODULE = "sinks/readmodel/dialect.py"
_NAMES = ("sqlite", "postgresql", "postgres")
_QUESTIONS = ("get_backend_name", "get_dialect", "get_driver_name")


def find_comparisons(source: str) -> list[int]:
    """The lines that ask which database it is: by its name, by the name of its dialect, or by the backend of an address."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        is_name = isinstance(node, ast.Compare | ast.match_case) and any(
            isinstance(one, ast.Constant) and one.value in _NAMES
            for one in ast.walk(node if isinstance(node, ast.Compare) else node.pattern)
        )
        is_dialect = (
            isinstance(node, ast.Attribute)
            and node.attr == "name"
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "dialect"
        )
        if is_name or is_dialect or (isinstance(node, ast.Attribute) and node.attr in _QUESTIONS):
            lines.append(getattr(node, "lineno", 0))
    return lines


def test_no_other_module_asks_which_database_it_is() -> None:
    folders = ("schemas", "handover", "brokers", "streams", "sinks", "console", "cli", "deploy")
    listed = subprocess.run(
        ["git", "ls-files", *(f"{one}/*.py" for one in folders)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    modules = [name for name in listed if (ROOT / name).exists()]
    assert ONE_MODULE in modules
    assert {name for name in modules if find_comparisons((ROOT / name).read_text(encoding="utf-8"))} == {ONE_MODULE}


@pytest.mark.parametrize(
    "source",
    [
        'if connection.dialect.name == "sqlite": pass',
        'x = kind in ("postgresql", "x")',
        "name = engine.dialect.name",
        "name = url.get_backend_name()",
        'match kind:\n    case "sqlite":\n        pass',
    ],
)
def test_a_comparison_is_found(source: str) -> None:
    assert find_comparisons(source)


@pytest.mark.parametrize(
    "source", ["engine.dialect.do_ping(connection)", 'Index("x", sqlite_where=one)', 'kind == "sql"']
)
def test_what_is_no_comparison_is_not_found(source: str) -> None:
    assert not find_comparisons(source)


def test_what_nobody_asked_for_stays_as_the_database_has_it() -> None:
    for url in ("sqlite:////tmp/x.sqlite", "postgresql+psycopg://h/d"):
        assert engine_options(make_url(url), Patience()) == {}
    asked = engine_options(
        make_url("postgresql+psycopg://h/d?options=-csearch_path%3Dx"), Patience(lock=2, connect=0.5)
    )
    assert asked == {"connect_args": {"options": "-c lock_timeout=2000 -csearch_path=x", "connect_timeout": 2}}


@pytest.mark.parametrize(
    ("url", "known"), [("sqlite://", True), ("postgresql+psycopg://h/d", True), ("mysql://h/d", False)]
)
def test_only_two_databases_are_known(url: str, known: bool) -> None:
    assert is_known(make_url(url)) is known


@pytest.mark.servers
def test_a_writer_gives_up_a_lock_after_a_while_and_a_reader_by_its_own_patience() -> None:
    with Postgres() as server:
        for patience, limits in ((WRITER, ("10s", "0")), (Patience(lock=2, statement=3), ("2s", "3s"))):
            engine = connect(server.url, patience)
            with engine.connect() as connection:
                found = [
                    connection.execute(text(f"SHOW {name}")).scalar_one()
                    for name in ("lock_timeout", "statement_timeout")
                ]
            engine.dispose()
            assert tuple(found) == limits
