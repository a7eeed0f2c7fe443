"""The world at one instant: calendar, registry and rule versions in force."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from handover.agencies import Registry, Successors
from handover.calendar import Calendar
from handover.obligations.rule_index import Ruleset
from handover.rules.rulebook import Rule, RuleBook


class Version(NamedTuple):
    """A rule book in force from an instant on."""

    book: RuleBook
    effective_from: datetime | None  # None: from the beginning
    apply_to_open: bool


@dataclass(slots=True)
class Versions:
    """The rule books in force one after another, and their rules by the kind of scope they look at."""

    books: Sequence[Version]
    _rulesets: dict[str, Ruleset] = field(default_factory=dict)

    @property
    def first(self) -> RuleBook:
        """The book that everything began with."""
        return self.books[0].book

    def rules_of(self, kind: str) -> Ruleset:
        """The rules of all versions that look at a kind."""
        found = self._rulesets.get(kind)
        if found is None:
            rules = (rule for version in self.books for rule in version.book.rules_of(kind))
            found = self._rulesets[kind] = Ruleset(kind, _once(rules))
        return found


def _once(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple({id(rule): rule for rule in rules}.values())


class EvaluationContext(NamedTuple):
    """The world at one instant, but for the feeds."""

    now: datetime
    calendar: Calendar
    registry: Registry
    successors: Successors
    versions: Versions

    def version_at(self, anchor_at: datetime, closed_at: datetime | None) -> RuleBook:
        """The last version in force for an anchor in a handover that was closed at an instant, if it was (6.10)."""
        chosen = self.versions.first
        for version in self.versions.books[1:]:
            effective = version.effective_from
            if effective is None:
                continue
            is_open = closed_at is None or closed_at > effective
            if effective <= anchor_at or (version.apply_to_open and is_open and self.now >= effective):
                chosen = version.book
        return chosen

    def book_for(self, rule: Rule, anchor_at: datetime, closed_at: datetime | None) -> str | None:
        """The name of the book by which a rule holds for an anchor; None where another version of the rule does."""
        if len(self.versions.books) == 1:
            return self.versions.first.book
        book = self.version_at(anchor_at, closed_at)
        return book.book if book.by_key.get(rule.key) is rule else None
