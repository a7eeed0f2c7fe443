"""The world at one instant: calendar, registry and rule versions in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from handover.calendar import Calendar
from handover.codes import Registry, Successors
from handover.rulebook import RuleBook


class Version(NamedTuple):
    """A rule book in force from an instant on."""

    book: RuleBook
    effective_from: datetime | None  # None: from the beginning
    apply_to_open: bool


@dataclass(frozen=True)
class Frame:
    """The world at one instant, but for the feeds."""

    now: datetime
    calendar: Calendar
    registry: Registry
    successors: Successors
    versions: Sequence[Version]

    def version_at(self, anchor_at: datetime) -> RuleBook:
        """The last version in force for an anchor (6.10)."""
        chosen = self.versions[0].book
        for version in self.versions[1:]:
            effective = version.effective_from
            if effective is not None and (effective <= anchor_at or (version.apply_to_open and self.now >= effective)):
                chosen = version.book
        return chosen
