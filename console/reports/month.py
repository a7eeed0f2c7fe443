"""A month of deadlines."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from handover.analysis.obligation_history import freezes_at
from handover.calendar import due_day_of, months_on, start_of

_NAME = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month of deadlines; the end of its last day is still in it."""

    first: date

    @classmethod
    def read(cls, text: str) -> "Month | None":
        """From 2026-03; None for anything else."""
        return cls(date.fromisoformat(f"{text}-01")) if _NAME.fullmatch(text) else None

    @classmethod
    def of(cls, at: datetime) -> "Month":
        """The month in which a deadline at this instant falls."""
        return cls(due_day_of(at).replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    def on(self, months: int) -> "Month":
        """So many months later, or earlier."""
        return Month(months_on(self.first, months))

    @property
    def begins(self) -> datetime:
        """Its first instant."""
        return start_of(self.first)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return start_of(months_on(self.first, 1))

    @property
    def freezes_at(self) -> datetime:
        """When its figures are frozen."""
        return freezes_at(self.first)
