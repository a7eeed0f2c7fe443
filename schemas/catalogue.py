"""All event types: from type and fact name to payload class."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from schemas import action, checkin, dispute, intake, release, system
from schemas.payload import Payload

PAYLOADS: Mapping[str, type[Payload]] = {
    payload.TYPE: payload for module in (release, intake, checkin, dispute, action, system) for payload in module.PAYLOADS
}
PAYLOADS_BY_FACT: Mapping[str, type[Payload]] = {type_[8:-3]: payload for type_, payload in PAYLOADS.items()}
SAME_WHEN: Mapping[str, tuple[str, ...] | None] = {fact: payload.SAME_WHEN for fact, payload in PAYLOADS_BY_FACT.items()}


@cache
def fields_of(fact: str) -> frozenset[str]:
    """The names of a fact's fields, as they stand in JSON."""
    return frozenset(_properties(fact))


@cache
def codes_of(fact: str, field: str) -> frozenset[str]:
    """The enum codes a field may have; empty where it is no enum."""
    found = _properties(fact).get(field, {})
    for one in (found, found.get("items", {}), *found.get("anyOf", ())):
        if "enum" in one:
            return frozenset(one["enum"])
    return frozenset()


def _properties(fact: str) -> dict[str, Any]:
    return dict(PAYLOADS_BY_FACT[fact].model_json_schema()["properties"])
