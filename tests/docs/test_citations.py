"""What the code and the pages cite is in the repository: pages, their sections, decision records, and paths with the functions in them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
_TEXT = {".py", ".md", ".toml", ".sh", ".yml", ".js", ".css", ".html"}
_PAGE = re.compile(r"\b(semantics|contract|domain|senders|architecture|console|faust|style|ecosystem|events|layout)\.md(?:,? (?:sections? )?(\d+(?:\.\d+)?))?")  # fmt: skip
_BARE = re.compile(r'\((\d{1,2}\.\d{1,2})\)|"""(\d{1,2}\.\d{1,2})[,.:]')
_ADR = re.compile(r"\badr/(\d{4})")
_DOCS = re.compile(r"\bdocs/[\w./-]*\w\.md\b")
_PATH = re.compile(
    r"`((?:schemas|handover|brokers|streams|sinks|console|cli|deploy|benchmarks|tests)/[\w./-]+\.py)(?::([\w.]+))?`"
)
_LINK = re.compile(r"\]\(([^)#\s:]+\.md)?(#[^)\s]+)?\)")


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    paths = (ROOT / name for name in listed if name)
    return tuple(path for path in paths if path.suffix in _TEXT and path.exists() and path != Path(__file__))


@cache
def sections(page: Path) -> frozenset[str]:
    """The numbers with which headings and clauses of a page begin."""
    return frozenset(re.findall(r"^(?:#+ )?(\d+(?:\.\d+)?)[. ]", page.read_text(encoding="utf-8"), re.MULTILINE))


def pages_cited(text: str) -> Iterator[str]:
    """What a text cites that is not there."""
    for name, number in _PAGE.findall(text):
        page = next((path for path in (REFERENCE / f"{name}.md", ROOT / "docs" / f"{name}.md") if path.exists()), None)
        if page is None:
            yield f"{name}.md"
        elif number and number not in sections(page):
            yield f"{name}.md {number}"
    for number in _ADR.findall(text):
        if not list((ROOT / "docs" / "adr").glob(f"{number}-*.md")):
            yield f"adr/{number}"
    for name in _DOCS.findall(text):
        if not (ROOT / name).exists():
            yield name


def clauses_cited(text: str) -> Iterator[str]:
    """Bare numbers, which in the domain are clauses of semantics.md, that are not there."""
    known = sections(REFERENCE / "semantics.md")
    yield from (number for pair in _BARE.findall(text) for number in pair if number and number not in known)


def paths_cited(text: str) -> Iterator[str]:
    """Paths, and functions or classes in them, that are not there."""
    for name, symbol in _PATH.findall(text):
        if not (ROOT / name).exists():
            yield name
        elif symbol and symbol not in names_in(ROOT / name):
            yield f"{name}:{symbol}"


@cache
def names_in(path: Path) -> frozenset[str]:
    """The functions and classes of a module, and those of its classes as `Class.method`; its constants too."""
    found = set[str]()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{one.name}"
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id for one in targets if isinstance(one, ast.Name)}
    return frozenset(found)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def links_of(page: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    for name, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor[1:] not in anchors(target)):
            yield name + anchor


def test_every_page_and_section_that_is_cited_is_there() -> None:
    lost = {
        f"{path.relative_to(ROOT)}: {one}"
        for path in tracked()
        for one in pages_cited(path.read_text(encoding="utf-8"))
    }
    assert not lost, "\n".join(sorted(lost))


def test_every_clause_that_the_domain_cites_is_there() -> None:
    domain = [path for path in tracked() if path.is_relative_to(ROOT / "handover") and path.suffix == ".py"]
    lost = {
        f"{path.relative_to(ROOT)}: {one}" for path in domain for one in clauses_cited(path.read_text(encoding="utf-8"))
    }
    assert not lost, "\n".join(sorted(lost))


PAGES = [path for path in tracked() if path.suffix == ".md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_of_a_page_lead_somewhere(page: Path) -> None:
    assert not [*links_of(page), *paths_cited(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("as semantics.md 99.3 says", ["semantics.md 99.3"]),
        ("as semantics.md section 9 and domain.md 4.9 say", []),
        ("see faust.md", ["faust.md"]),
        ("see docs/nowhere.md, docs/adr/9999", ["adr/9999", "docs/nowhere.md"]),
    ],
)
def test_what_is_not_there_is_found(text: str, lost: list[str]) -> None:
    assert list(pages_cited(text)) == lost


def test_clauses_and_functions_that_are_not_there_are_found() -> None:
    assert list(clauses_cited('"""9.3: so. (9.4) (99.1)')) == ["99.1"]
    assert list(paths_cited("`handover/ids.py:alert_id`, `handover/ids.py:nobody`, `handover/nothing.py`")) == ["handover/ids.py:nobody", "handover/nothing.py"]  # fmt: skip
