"""The filters of the queue, as its page, its files, its open pages and the API read them from an address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from console.web.values import is_rule_id

BUCKETS = ("first", "over", "due", "today", "soon", "later")
SEVERITIES = ("CRIT", "HIGH", "WARN", "INFO")
KINDS: Mapping[str, tuple[str, ...]] = {
    "A": ("A", "U", "P"),
    "A+": ("A+",),
    "B": ("B1", "B2", "B3"),
    "T": ("T",),
    "C": ("C", "M"),
    "S": ("S",),
    "W": ("WORK",),
    "D": ("DISPUTE",),
    "X": ("SYSTEM",),
}
STATES = ("open", "ack", "esc", "held", "contest", "prov")
WAITS: Mapping[str, tuple[str, ...]] = {
    "town": ("TOWN_JUSTICE",),
    "county": ("COUNTY_JUSTICE",),
    "city": ("CITY_JUSTICE", "PROVINCE_JUSTICE"),
    "prison": ("PRISON", "DETENTION", "PRISON_ADMIN"),
    "court": ("COURT", "PROCURATORATE", "POLICE"),
    "mediation": ("MEDIATION",),
    "other": ("LEGAL_AID", "HRSS", "CIVIL", "LOCATION", "PLATFORM"),
}
VIEWS = ("mine", "office", "snoozed")
FACETS = ("sev", "state", "kind", "town", "wait", "rule")
KNOWN_VALUES: Mapping[str, Sequence[str]] = {
    "sev": SEVERITIES,
    "state": STATES,
    "kind": tuple(KINDS),
    "wait": tuple(WAITS),
}
_LONGEST_CODE, _MOST_VALUES = 9, 60


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """Which rows of the queue an address asks for."""

    view: str = "office"
    sev: frozenset[str] = frozenset()
    state: frozenset[str] = frozenset()
    kind: frozenset[str] = frozenset()
    town: frozenset[str] = frozenset()
    wait: frozenset[str] = frozenset()
    rule: frozenset[str] = frozenset()
    bucket: str = ""
    q: str = ""

    def of(self, facet: str) -> frozenset[str]:
        """The chosen values of a facet."""
        found: frozenset[str] = getattr(self, facet)
        return found

    @classmethod
    def read(cls, query: QueryParams) -> Self:
        """From an address; values that are not known are left out."""
        chosen: dict[str, frozenset[str]] = {}
        for name in FACETS:
            values = query.getlist(name)[:_MOST_VALUES]
            chosen[name] = frozenset(one for one in values if _is_meant(name, one))
        view, bucket = query.get("scope", "office"), query.get("bucket", "")
        return cls(
            view=view if view in VIEWS else "office",
            bucket=bucket if bucket in BUCKETS else "",
            q=query.get("q", "").strip()[:64],
            **chosen,
        )

    def query(self, **changes: Any) -> str:
        """As they stand in an address."""
        pairs: list[tuple[str, str]] = []
        view = changes.get("view", self.view)
        bucket = changes.get("bucket", self.bucket)
        if view != "office":
            pairs.append(("scope", view))
        pairs += [(name, value) for name in FACETS for value in sorted(self.of(name))]
        if bucket:
            pairs.append(("bucket", bucket))
        if self.q:
            pairs.append(("q", self.q))
        if changes.get("after"):
            pairs.append(("after", str(changes["after"])))
        return urlencode(pairs)


def _is_meant(facet: str, value: str) -> bool:
    if facet == "rule":
        return is_rule_id(value)
    known = KNOWN_VALUES.get(facet)
    return value in known if known else _is_code(value)


def _is_code(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) <= _LONGEST_CODE
