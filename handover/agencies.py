"""Agencies and jurisdictions: reading their ids, and the successors that the registry names (semantics.md 5.3, 9.9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from handover.calendar import start_of
from handover.facts.fact import Fact

_COUNTY_DIGITS = 6


def code_of(agency: str) -> str:
    """The jurisdiction code of an agency id `{TYPE}-{code}-{nn}`."""
    parts = agency.split("-")
    return parts[1] if len(parts) == 3 else ""


def county_bureau(code: str) -> str:
    """The justice bureau of the county of a code of six or nine digits."""
    return f"COUNTY_JUSTICE-{code[:_COUNTY_DIGITS]}-01"


def type_of(agency: str) -> str:
    """The TYPE of an agency id."""
    return agency.partition("-")[0]


@dataclass(frozen=True)
class Registry:
    """Jurisdiction codes that ended, from the `registry_changed` facts known, in order of (time, source, id)."""

    changes: tuple[Fact, ...] = ()

    def successors(self, today: date) -> "Successors":
        """Which code follows which, in force on a local date."""
        into = {
            change.data["code"]: change.data["successor_code"]
            for change in self.changes
            if change.data.get("successor_code") and change.day("valid_from") <= today
        }
        return Successors(into)

    def valid_from(self) -> Iterable[datetime]:
        """The instants at which a change comes into force."""
        return (start_of(change.day("valid_from")) for change in self.changes)


@dataclass(frozen=True)
class Successors:
    """Successor codes in force; chains are followed."""

    into: Mapping[str, str]

    def code(self, code: str) -> str:
        """The code that stands for `code` now."""
        seen = set()
        while code in self.into and code not in seen:
            seen.add(code)
            code = self.into[code]
        return code

    def county(self, code: str) -> str:
        """The six digits of the county that a code is of now: a township speaks for the successor of its county."""
        return self.code(self.code(code)[:_COUNTY_DIGITS])[:_COUNTY_DIGITS]

    def agency(self, agency: str) -> str:
        """The agency, named with its code's successor."""
        if not self.into:
            return agency
        parts = agency.split("-")
        if len(parts) != 3:
            return agency
        return f"{parts[0]}-{self.code(parts[1])}-{parts[2]}"

    def none(self) -> "Successors":
        """No successors: codes as they were named."""
        return Successors({})
