"""One Chromium, one console on a recorded history and one on a living pipeline for all tests of this folder."""

import itertools
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine

from console.web.config import ConsoleConfig
from sinks.readmodel.database import connect
from tests.browser.chromium import chromium as one_chromium
from tests.browser.chromium import leave
from tests.browser.furnishing import furnish
from tests.browser.logins import log_in
from tests.browser.serving import beside, served
from tests.console.conftest import NOW, NOWHERE
from tests.integration.pipeline import Pipeline, pipeline

MOST_MS = 30_000  # what is waited for on a page: a condition, not a pause
expect.set_options(timeout=MOST_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here need Chromium, and most a pipeline."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser. It ends with this folder's tests: its event loop would be in the way of others."""
    with one_chromium() as browser:
        yield browser


@dataclass(frozen=True)
class Recorded:
    """A console on a read model of its own."""

    url: str
    engine: Engine


@pytest.fixture(scope="package")
def history(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded history as a file to be copied, with what people have left behind in it."""
    path = tmp_path_factory.mktemp("history") / "model.sqlite"
    shutil.copyfile(recorded, path)
    furnish(path)
    return path


@pytest.fixture(scope="package")
def archive(history: Path) -> Iterator[Recorded]:
    """A console on the recorded history that tests only read."""
    engine = connect(f"sqlite:///{history}")
    with served(ConsoleConfig(str(engine.url), NOWHERE, now=lambda: NOW, secure_cookies=False, demo=True)) as (url, _):
        yield Recorded(url, engine)
    engine.dispose()


@pytest.fixture
def own(history: Path, tmp_path: Path) -> Iterator[Recorded]:
    """A console on the recorded history that a test may spoil."""
    path = tmp_path / "model.sqlite"
    shutil.copyfile(history, path)
    engine = connect(f"sqlite:///{path}")
    with served(ConsoleConfig(str(engine.url), NOWHERE, now=lambda: NOW, secure_cookies=False, demo=True)) as (url, _):
        yield Recorded(url, engine)
    engine.dispose()


@dataclass(frozen=True)
class Living:
    """A console process beside a worker and a sink, on a real broker."""

    url: str
    running: Pipeline


@pytest.fixture(scope="package")
def living(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """The whole way, started once."""
    prefix = f"browser.{uuid.uuid4().hex[:8]}."
    with pipeline(kafka, prefix, tmp_path_factory.mktemp("living")) as running:
        yield Living(beside(running), running)


_persons = itertools.count(1)
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@pytest.fixture
def person() -> str:
    """A person that no other test tells of."""
    letters = "".join("abcdefghij"[int(digit)] for digit in str(next(_persons)))
    return "p1_" + (letters + "w" + uuid.uuid4().hex.translate(_LETTERS))[:26]


Visit = Callable[..., Page]


@pytest.fixture(scope="package")
def cookies(chromium: Browser) -> Callable[[str, str], Any]:
    """The cookies of somebody who has logged in; each logs in once."""
    kept: dict[tuple[str, str], Any] = {}

    def of(url: str, login: str) -> Any:
        if (url, login) not in kept:
            context = chromium.new_context()
            log_in(context.new_page(), url, login)
            kept[url, login] = context.storage_state()
            leave(context)
        return kept[url, login]

    return of


@pytest.fixture
def visit(chromium: Browser, cookies: Callable[[str, str], Any]) -> Iterator[Visit]:
    """Opens a page as a user: `visit(url, "county", "/today")`. What the page itself complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(url: str, login: str, path: str, **options: Any) -> Page:
        state = cookies(url, login) if login else None
        context = chromium.new_context(storage_state=state, **{"locale": "zh-CN", **options})
        context.set_default_timeout(MOST_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        page.goto(f"{url}{path}")
        return page

    yield opened
    for context in contexts:
        leave(context)
    assert not complaints
