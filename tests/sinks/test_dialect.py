"""What differs between the databases stands in one module, so that another database is one more branch there."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ONE_MODULE = "sinks/readmodel/dialect.py"
_COMPARES = re.compile(r"\bdialect(\.name)?\s*(==|!=|in\b)|get_backend_name\(\)\s*(==|!=|in\b)")


def compares(text: str) -> bool:
    return _COMPARES.search(text) is not None


def test_no_other_module_asks_which_database_it_is() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "sinks/*.py", "console/*.py", "cli/*.py", "brokers/*.py", "streams/*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    modules = [name for name in listed if "/migrations/versions/" not in name]
    assert ONE_MODULE in modules
    assert {name for name in modules if compares((ROOT / name).read_text(encoding="utf-8"))} == {ONE_MODULE}


def test_a_comparison_is_found() -> None:
    assert compares('if connection.dialect.name == "sqlite":')
    assert compares('if dialect in ("sqlite",):')
    assert not compares("engine.dialect.do_ping(connection)")
