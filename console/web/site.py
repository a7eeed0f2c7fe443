"""What all requests share: configuration, database, rule book, calendar, templates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine

from console.auth.permissions import Audience, Role
from console.text.formatter import Words
from console.text.i18n import Language
from console.web import assets
from console.web.config import ConsoleConfig, real_time
from console.web.data_time import DataTimeCache
from console.web.feature import Page
from console.web.values import strip_invisible
from handover.calendar import Calendar
from handover.rules.rulebook import RuleBook
from schemas.instants import in_china
from sinks.readmodel.data_time import DataTime


def _find_nothing(_: str) -> Sequence[Any]:
    return ()


@dataclass(frozen=True)
class Site:
    """One console."""

    config: ConsoleConfig
    engine: Engine
    book: RuleBook
    calendar: Calendar
    templates: Environment
    menu: Sequence[Page] = ()
    pages: Mapping[Role, frozenset[str]] = field(default_factory=dict)  # kinds of pages by role
    find_waiting: Callable[[str], Sequence[Any]] = _find_nothing  # what a user can still undo: it stands on every page

    def now(self) -> datetime:
        """The time that facts are judged in."""
        return self.config.now()

    @cached_property
    def processed(self) -> DataTimeCache:
        """How far alerts are processed."""
        return DataTimeCache(self.engine, self.config.now, self.config.age_of, self.config.behind)

    @cached_property
    def audience(self) -> Audience:
        """Whom the rule book shows alerts to."""
        return Audience.of(self.book.policies)

    def data_time(self) -> DataTime:
        """How far alerts are processed, as of a second ago at most. Raise SQLAlchemyError."""
        return self.processed.read()

    def judged_until(self) -> datetime:
        """The instant that decides whether an obligation without an alert is late: never after the watermark. Raise SQLAlchemyError."""
        return self.data_time().judged(self.now())

    def wall(self) -> datetime:
        """The wall clock: sessions and undo."""
        return real_time()

    def words(self, language: Language) -> Words:
        """How things are said in a language."""
        return Words(language, self.book, in_china(self.now()).year)


def make_environment() -> Environment:
    """The templates: everything is escaped, an unknown name is an error."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["asset"] = assets.address
    return found


def _clean(value: Any) -> Any:
    return strip_invisible(value) if type(value) is str else value
