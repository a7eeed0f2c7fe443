"""What all requests share: configuration, database, rule book, calendar, templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine

from console import assets
from console.config import ConsoleConfig, real_time
from console.counts import Counts
from console.cube import Cube
from console.i18n import Language
from console.pulse import Habits
from console.values import visible
from console.words import Words
from handover.calendar import Calendar
from handover.rulebook import RuleBook


@dataclass(frozen=True)
class Site:
    """One console."""

    config: ConsoleConfig
    engine: Engine
    book: RuleBook
    calendar: Calendar
    templates: Environment
    paths: frozenset[str] = field(default_factory=frozenset)  # of pages, so that the menu shows only what is there
    counts: Counts[Cube] = field(default_factory=Counts)  # of the queue
    held: Counts[Mapping[str, int]] = field(default_factory=Counts)  # alerts held back by each agency's silent feed
    habits: Habits = field(default_factory=Habits)

    def now(self) -> datetime:
        """The time that facts are judged in."""
        return self.config.now()

    def wall(self) -> datetime:
        """The wall clock: sessions and undo."""
        return real_time()

    def words(self, language: Language) -> Words:
        """How things are said in a language."""
        return Words(language, self.book)


def environment() -> Environment:
    """The templates: everything is escaped, an unknown name is an error."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["asset"] = assets.address
    return found


def _visible(value: Any) -> Any:
    return visible(value) if type(value) is str else value


Render = Callable[[str, Mapping[str, Any]], str]
