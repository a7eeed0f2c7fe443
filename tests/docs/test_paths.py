"""Every path in backticks that a page of docs/ or the README names is there, with its function, class or constant."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_PACKAGES = "schemas|handover|brokers|gateway|streams|sinks|console|cli|deploy|benchmarks|tests"
_PATH = re.compile(rf"`((?:{_PACKAGES})/[\w./-]+\.\w+)(?:::?([\w.]+))?`")


@cache
def list_tracked() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(listed.split("\0"))


@cache
def list_names(path: Path) -> frozenset[str]:
    """Functions, classes and constants of a module; what is in a class as `Class.name`."""
    return frozenset(_names_of(ast.parse(path.read_text(encoding="utf-8")).body))


def _names_of(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _names_of(node.body, f"{prefix}{name}.")
            case ast.Assign(targets=targets):
                yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name


def find_lost_paths(text: str) -> Iterator[str]:
    """Paths that are not under version control, and names that their modules do not define."""
    for name, symbol in _PATH.findall(text):
        if name not in list_tracked():
            yield name
        elif symbol and symbol not in list_names(ROOT / name):
            yield f"{name}:{symbol}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_of_a_page_are_there(page: Path) -> None:
    assert not list(find_lost_paths(page.read_text(encoding="utf-8")))


def test_the_page_of_the_architecture_names_functions() -> None:
    """Else the tests above find nothing because nothing is written in the form that they read."""
    named = _PATH.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert sum(1 for _, symbol in named if symbol) >= 10


def test_a_path_or_a_name_that_is_not_there_is_found() -> None:
    there = (
        "`handover/ids.py:alert_id`, `schemas/alert.py:Alert.wire`, `schemas/alert.py:TYPE`, `handover/calendar.toml`"
    )
    lost = (
        "`handover/ids.py:nobody`, `schemas/alert.py:Alert.nobody`, `handover/nothing.py`, `schemas/nothing.py:nobody`"
    )
    assert not list(find_lost_paths(there))
    assert list(find_lost_paths(lost)) == [
        "handover/ids.py:nobody",
        "schemas/alert.py:Alert.nobody",
        "handover/nothing.py",
        "schemas/nothing.py",
    ]
