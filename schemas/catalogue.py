"""All event types in one table, and what is asked of it: fields, codes, labels, examples."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, get_args

from pydantic import BaseModel

from schemas import action, checkin, dispute, intake, release, system, work
from schemas.codes import Codes, Label
from schemas.envelope import PREFIX, VERSION
from schemas.payload import Payload

PAYLOADS: Mapping[str, type[Payload]] = {
    payload.TYPE: payload
    for module in (release, intake, checkin, dispute, work, action, system)
    for payload in module.PAYLOADS
}
PAYLOADS_BY_FACT: Mapping[str, type[Payload]] = {
    type_.removeprefix(PREFIX).removesuffix(VERSION): payload for type_, payload in PAYLOADS.items()
}
SAME_WHEN: Mapping[str, tuple[str, ...] | None] = {
    fact: payload.SAME_WHEN for fact, payload in PAYLOADS_BY_FACT.items()
}


@cache
def fields_of(fact: str) -> frozenset[str]:
    """The names of a fact's fields, as they stand in JSON. Raise KeyError on an unknown fact."""
    return frozenset(_named(PAYLOADS_BY_FACT[fact]))


@cache
def codes_of(fact: str, field: str) -> frozenset[str]:
    """The codes a field may have; empty where it is no list of codes."""
    return frozenset(labels_of(fact, field))


@cache
def labels_of(fact: str, field: str) -> Mapping[str, Label]:
    """What people read for each code of a field, in both languages; empty where it is no list of codes."""
    annotation = _named(PAYLOADS_BY_FACT[fact]).get(field)
    found = next((part for part in _parts(annotation) if isinstance(part, Codes)), None)
    return found.labels if found else {}


def _named(model: type[BaseModel]) -> dict[str, Any]:
    """Annotation and metadata of every field, by its name in JSON."""
    return {field.alias or name: (field.annotation, *field.metadata) for name, field in model.model_fields.items()}


def _parts(annotation: Any) -> Iterator[Any]:
    """Everything an annotation is made of: `list[Annotated[str, X]]` gives str and X, among others."""
    yield annotation
    inner = annotation if isinstance(annotation, tuple) else get_args(annotation)
    yield from chain.from_iterable(_parts(part) for part in inner)


def _models() -> Iterator[type[BaseModel]]:
    for payload in PAYLOADS.values():
        yield payload
        for annotation in _named(payload).values():
            yield from (part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel))


FIELD_NAMES = frozenset(name for model in _models() for name in _named(model))
