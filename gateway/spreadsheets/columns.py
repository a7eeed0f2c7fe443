"""The columns of a kind of event, made from its contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from schemas.catalogue import PAYLOADS_BY_FACT, labels_of
from schemas.codes import Label
from schemas.payload import Instant, LocalDate, Payload

Kind = Literal["text", "choice", "check", "date", "instant", "number", "list", "json"]
Labels = Mapping[str, Label]  # what people read for the name of a field
YES, NO = Label("是", "yes"), Label("否", "no")
ROW_KEY, SUBJECT, TIME, HANDOVER, CORRECTS = "row_key", "subject", "time", "handoverid", "corrects"
ENVELOPE: Labels = {
    ROW_KEY: Label("行号（不变，不重复）", "row key (unique, never changed)"),
    SUBJECT: Label("人员代号", "person_ref"),
    TIME: Label("发生时间", "when it happened"),
    HANDOVER: Label("衔接编号", "handover id"),
    CORRECTS: Label("更正的行号", "row key that it corrects"),
}
_SUBJECTS: Labels = {"dispute": Label("纠纷编号", "dispute_id"), "work": Label("单位代码", "office")}  # by topic
_MOST_OF_TITLE = 31  # characters of a sheet's name (ECMA-376, 18.2.19)
_KINDS: Mapping[str, Kind] = {HANDOVER: "text", CORRECTS: "text", ROW_KEY: "text", SUBJECT: "text", TIME: "instant"}


class UnknownKind(ValueError):
    """A fact that no office sends from a sheet."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` as in the JSON of the event, what a cell holds, whether it must hold something."""

    name: str
    label: Label
    kind: Kind
    is_needed: bool
    choices: Labels
    is_envelope: bool = False

    @property
    def titles(self) -> frozenset[str]:
        """What may stand in the header for it."""
        return frozenset((self.name, *self.label))


def payload_of(fact: str) -> type[Payload]:
    """Return the contract of a fact. Raise UnknownKind for what is none, and for what people do otherwise: system facts, actions."""
    payload = PAYLOADS_BY_FACT.get(fact)
    if payload is None or fact.partition(".")[0] in ("system", "action"):
        raise UnknownKind(fact)
    return payload


def sheet_title_of(fact: str) -> str:
    """Return the name of the sheet that holds events of a kind."""
    return fact[:_MOST_OF_TITLE]


def find_kind(title: str) -> str | None:
    """Return the kind of event that the name of a sheet says; None where it says none."""
    return next((fact for fact in PAYLOADS_BY_FACT if title in (fact, sheet_title_of(fact))), None)


def columns_of(fact: str, labels: Labels) -> Sequence[Column]:
    """Return the columns of a fact; `labels` of its fields where people have words for them. Raise UnknownKind."""
    payload = payload_of(fact)
    envelope = {**ENVELOPE, SUBJECT: _SUBJECTS.get(fact.partition(".")[0], ENVELOPE[SUBJECT])}
    found = [
        Column(name, label, _KINDS[name], name in (SUBJECT, TIME), {}, is_envelope=True)
        for name, label in envelope.items()
    ]
    for name, info in payload.model_fields.items():
        wire = info.alias or name
        if wire != payload.REPEATS_TIME:
            annotation = (info.annotation, *info.metadata)
            choices = labels_of(fact, wire)
            kind = _kind_of(annotation, has_choices=bool(choices))
            label = labels.get(wire, Label(wire, wire))
            found.append(Column(wire, label, kind, info.is_required() and kind != "list", choices))
    return found


def _kind_of(annotation: Any, *, has_choices: bool) -> Kind:
    parts = list(_flatten(annotation))
    if any(isinstance(one, type) and issubclass(one, BaseModel) for one in parts) or dict in parts:
        return "json"
    if list in parts:
        return "list"
    if has_choices:
        return "choice"
    for kind, mark in (("check", bool), ("number", int), ("number", float)):
        if mark in parts:
            return kind  # type: ignore[return-value]
    for kind, value in (("date", LocalDate), ("instant", Instant)):
        if set(map(id, get_args(value)[1:])) & set(map(id, parts)):
            return kind  # type: ignore[return-value]
    return "text"


def _flatten(annotation: Any) -> list[Any]:
    inner = annotation if isinstance(annotation, tuple) else get_args(annotation)
    found = [annotation, get_origin(annotation)]
    for one in inner:
        found += _flatten(one)
    return found
