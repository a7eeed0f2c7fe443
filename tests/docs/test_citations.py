"""What the code and the pages cite is in the repository: pages with their sections, decision records, and links with their anchors."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SEMANTICS = DOCS / "reference" / "semantics.md"
_NUMBER = r"\d{1,2}(?:\.\d{1,2})?"
_LIST = rf"{_NUMBER}(?:(?:, | and | to |-)\d{{1,2}}\.\d{{1,2}})*"
# A page by its name or path. Names made of parts (`{name}.md`, `*.md`) and addresses of other places are none.
_PAGE = re.compile(rf"(?<![\w/{{}}*.:-])((?:[\w.-]+/)*[\w-]+\.md)\b(?:,? (sections? )?({_LIST})(?![\w%]))?")
_QUOTED = re.compile(r'(?<![\w/{}*.:-])((?:[\w.-]+/)*[\w-]+\.md)`?, (?:see )?"([^"\n]+)"')
_SEE = re.compile(r'\(see "([^"\n]+)"\)')
_BARE = re.compile(r"(?<![\w.])\d{1,2}\.\d{1,2}(?![\w%]|\.\d)")
_PARENTHESIS = re.compile(r"\(([^()\n]{1,60})\)")
_CLAUSES = re.compile(r"\d{1,2}\.\d{1,2}(?:(?:, | and )\d{1,2}\.\d{1,2})*")
_DOCSTRING = re.compile(rf'(?:"""|# )({_CLAUSES.pattern})[,.:](?= |\n|""")')
_ADR = re.compile(r"\badr/(\d{4})")
_DECISION = re.compile(r"\b(?:adr|decision) (\d{1,4})\b")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_SECTION = re.compile(rf"({_NUMBER})\.? ")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def list_tracked() -> frozenset[Path]:
    """All files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return frozenset(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


@cache
def read_tracked() -> dict[Path, str]:
    """The text of each tracked text file but this one, which cites what is not there."""
    texts = {path: path.read_bytes() for path in list_tracked() if path != Path(__file__)}
    return {path: text.decode(errors="replace") for path, text in sorted(texts.items()) if b"\0" not in text}


def is_tracked(path: Path) -> bool:
    """Whether a file, or a file below a folder, is under version control: what git ignores is not there elsewhere."""
    return path in list_tracked() or any(path in file.parents for file in list_tracked())


def find_page(name: str, beside: Path) -> Path | None:
    """The page of a name: from the root, from the folder of the file that cites it, of the reference, or the only one so called."""
    for folder in (ROOT, beside, DOCS / "reference", DOCS):
        if is_tracked(path := (folder / name).resolve()):
            return path
    same = [path for path in list_tracked() if path.name == name]
    return same[0] if len(same) == 1 else None


@cache
def read_headings(page: Path) -> tuple[str, ...]:
    return tuple(_HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))))


@cache
def number_sections(page: Path) -> frozenset[str]:
    """The numbers with which headings of a page begin."""
    return frozenset(found[1] for heading in read_headings(page) if (found := _SECTION.match(heading)))


def find_lost_pages(text: str, beside: Path = ROOT) -> Iterator[str]:
    """Pages, sections of pages, and decision records that a text cites and that are not there."""
    for name, word, numbers in _PAGE.findall(text):
        page = find_page(name, beside)
        if page is None:
            yield name
        elif numbers:
            yield from (f"{name} {one}" for one in re.findall(_NUMBER, numbers) if one not in number_sections(page))
            if word:
                yield f"{name} {word}{numbers}: write {name} {numbers}"
    for name, heading in _QUOTED.findall(text):
        if (page := find_page(name, beside)) is not None and heading not in read_headings(page):
            yield f'{name}, "{heading}"'
    for number in _ADR.findall(text):
        if not list((DOCS / "adr").glob(f"{number}-*.md")):
            yield f"adr/{number}"


def find_lost_decisions(text: str) -> Iterator[str]:
    """Decisions that a page names by their number and that have no record."""
    for number in _DECISION.findall(text):
        if not list((DOCS / "adr").glob(f"{int(number):04}-*.md")):
            yield f"decision {number}"


def find_lost_clauses(text: str) -> Iterator[str]:
    """Bare numbers, in the domain clauses of semantics.md, that are not there: `(9.3)`, `(9.3, 9.4)`, a comment that begins with one."""
    inside = (found for found in _PARENTHESIS.findall(text) if _CLAUSES.fullmatch(found))
    for numbers in (*inside, *_DOCSTRING.findall(text)):
        yield from (one for one in re.findall(_NUMBER, numbers) if one not in number_sections(SEMANTICS))


def find_lost_references(page: Path, text: str) -> Iterator[str]:
    """What a page says of itself: `(see "Time")` in any page, in semantics.md every bare number, which is a clause."""
    yield from (f'see "{heading}"' for heading in _SEE.findall(text) if heading not in read_headings(page))
    if page == SEMANTICS:
        yield from (one for one in _BARE.findall(_PAGE.sub("", text)) if one not in number_sections(page))


@cache
def list_anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them: of equal ones the second has `-1`."""
    anchors, seen = set(), Counter[str]()
    for heading in read_headings(page):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(anchors)


def find_lost_links(page: Path, text: str) -> Iterator[str]:
    """Relative links of a page, with their anchors, that lead nowhere."""
    for link in _LINK.findall(_SPAN.sub("", _FENCE.sub("", text))):
        name, _, anchor = link.partition("#")
        if "://" in name or name.startswith("mailto:"):
            continue
        target = (page.parent / name).resolve() if name else page
        if (name and not is_tracked(target)) or (anchor and anchor not in list_anchors(target)):
            yield link


def list_lost(lost: Iterable[tuple[Path, str]]) -> str:
    return "\n".join(sorted({f"{path.relative_to(ROOT)}: {one}" for path, one in lost}))


def test_every_page_and_section_that_is_cited_is_there() -> None:
    texts = read_tracked().items()
    assert not list_lost((path, one) for path, text in texts for one in find_lost_pages(text, path.parent))


def test_every_clause_that_the_domain_cites_is_there() -> None:
    domain = [(path, text) for path, text in read_tracked().items() if path.is_relative_to(ROOT / "handover")]
    assert sum(len(_DOCSTRING.findall(text)) for _, text in domain) > 20, "they are written in another way now"
    assert not list_lost((path, one) for path, text in domain for one in find_lost_clauses(text))


def test_what_a_page_says_of_itself_is_there() -> None:
    pages = [(path, text) for path, text in read_tracked().items() if path.is_relative_to(DOCS)]
    assert len(_BARE.findall(read_tracked()[SEMANTICS])) > 100, "clauses are numbered in another way now"
    assert not list_lost((path, one) for path, text in pages for one in find_lost_references(path, text))


def test_every_decision_that_a_page_names_has_a_record() -> None:
    pages = [(path, text) for path, text in read_tracked().items() if path.is_relative_to(DOCS)]
    assert not list_lost((path, one) for path, text in pages for one in find_lost_decisions(text))


@pytest.mark.parametrize(
    "page",
    [path for path in read_tracked() if path.suffix == ".md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert not [*find_lost_links(page, read_tracked()[page])]


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("as semantics.md 99.3 says", ["semantics.md 99.3"]),
        ("(docs/reference/semantics.md 9.3, 99.4)", ["docs/reference/semantics.md 99.4"]),
        ("semantics.md 9.3 and 9.99", ["semantics.md 9.99"]),
        ("semantics.md 9 and domain.md 4.9", []),
        ("(semantics.md section 9)", ["semantics.md section 9: write semantics.md 9"]),
        ("see faust.md", ["faust.md"]),
        ('(docs/architecture.md, "Time"), (docs/architecture.md, "No time")', ['docs/architecture.md, "No time"']),
        ("`docs/nowhere.md`, docs/adr/9999", ["docs/nowhere.md", "adr/9999"]),
        ("docs/adr/0001, f'{name}.md', https://example.org/there.md", []),
    ],
)
def test_what_is_cited_and_not_there_is_found(text: str, lost: list[str]) -> None:
    assert list(find_lost_pages(text)) == lost


def test_a_clause_that_is_not_there_is_found() -> None:
    assert list(find_lost_clauses('"""9.3, 99.2: so. (9.4) (9.4, 99.1) (0.5 s)"""\n# 99.3: so')) == ["99.1", "99.2", "99.3"]  # fmt: skip


def test_a_reference_within_a_page_that_is_not_there_is_found() -> None:
    text = 'as 3.7 and 99.7 say (see "Time"), (9.3, 99.3), contract.md 4.2'
    assert list(find_lost_references(SEMANTICS, text)) == ['see "Time"', "99.7", "99.3"]
    assert list(find_lost_references(DOCS / "architecture.md", text)) == []


def test_a_decision_without_a_record_is_found() -> None:
    assert list(find_lost_decisions("decision 1, [adr 4](adr/README.md), decision 99")) == ["decision 99"]


def test_a_link_that_leads_nowhere_is_found() -> None:
    links = (
        "../adr/README.md",
        "contract.md#1-envelope-cloudevents-102",
        "#1-time",
        "nowhere.md",
        "contract.md#nowhere",
    )
    text = " ".join(f"[it]({link})" for link in (*links, "#nowhere", "https://example.org/x.md", "../../var"))
    assert list(find_lost_links(SEMANTICS, text)) == ["nowhere.md", "contract.md#nowhere", "#nowhere", "../../var"]
