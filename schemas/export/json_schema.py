"""JSON Schema 2020-12 of everything on a topic, made from the classes that read it."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from schemas import examples
from schemas.alert import TYPE as ALERT_TYPE
from schemas.alert import Alert
from schemas.case import CaseSnapshot
from schemas.catalogue import PAYLOADS
from schemas.cloudevents import JSON_TYPE, NAME
from schemas.envelope import SPECVERSION
from schemas.export import senders
from schemas.payload import (
    AGENCY,
    DISPUTE,
    ID,
    INSTANT_FORM,
    LONGEST_TEXT,
    PERSON,
    PIPELINE,
    Payload,
    matching,
    source_of,
)
from schemas.receipt import SignedReceipt
from schemas.topics import CASE, RECEIPT

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Document = dict[str, Any]
_TEXT: Document = matching(ID, minLength=1, maxLength=LONGEST_TEXT)
_NO_CONTROLS = "[^\x00-\x1f\x7f-\x9f]*"
_EXTENSION: Document = {
    "anyOf": [matching(_NO_CONTROLS), {"type": "number"}, {"type": "boolean"}, {"type": "null"}],
    "description": "an attribute of your own; carried through",
}


class _Plain(GenerateJsonSchema):
    """Without titles made up from names, and without `default: null`, which only says that a field may be absent."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schemas() -> Mapping[str, Document]:
    """Every JSON Schema: by event type, and by topic name where a value is no CloudEvent."""
    found = {type_: _event(payload) for type_, payload in PAYLOADS.items()}
    return {**found, ALERT_TYPE: _alert(), CASE: _case(), RECEIPT: _receipt()}


def _model(model: type[BaseModel], mode: JsonSchemaMode = "validation") -> tuple[Document, Document]:
    """The schema of a class, and the definitions it refers to."""
    body = model.model_json_schema(by_alias=True, schema_generator=_Plain, mode=mode)
    definitions = body.pop("$defs", {})
    for part in (body, *definitions.values()):
        part.pop("title", None)
    return body, definitions


def _document(name: str, description: str, body: Document, definitions: Document, example: Document) -> Document:
    found = {
        "$schema": DIALECT,
        "$id": f"urn:reentry:schema:{name}",
        "title": name,
        "description": description,
        **body,
    }
    if definitions:
        found["$defs"] = definitions
    return {**found, "examples": [example]}


def _envelope(type_: str, source: Document, subject: Document, data: Document) -> Document:
    """A CloudEvent in structured mode: contract.md 1."""
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": {"const": SPECVERSION},
            "id": {**_TEXT, "description": "unique within source; both together identify the event"},
            "source": {"description": "who says it", **source},
            "type": {"const": type_},
            "subject": {**subject, "description": "whom it is about; also the Kafka key"},
            "time": {**INSTANT_FORM, "description": "when the fact happened, with offset; from 1949-10-01 to 2199"},
            "datacontenttype": _perhaps(matching(JSON_TYPE), "application/json, which is also meant where absent"),
            "recordedtime": _perhaps(INSTANT_FORM, "when the publisher's own system recorded it"),
            "sequence": _perhaps(matching("[0-9]{1,18}"), "the publisher's counter per source and topic"),
            "handoverid": _perhaps(_TEXT, "names the handover where a person has more than one"),
            "corrects": _perhaps(_TEXT, "id of an earlier event of the same source which this one replaces"),
            "receivedtime": _perhaps(INSTANT_FORM, "in files for replay only: when the event arrived"),
            "traceparent": {**_EXTENSION, "description": "W3C trace context, carried through"},
            "data": data,
        },
        "propertyNames": {"type": "string", "pattern": f"^{NAME}$"},
        "additionalProperties": _EXTENSION,
    }


def _perhaps(schema: Document, description: str) -> Document:
    """An attribute that may be absent, which is also what null means (CloudEvents JSON format 2.2)."""
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def _event(payload: type[Payload]) -> Document:
    data, definitions = _model(payload)
    description = data.pop("description")
    topic = payload.TYPE.split(".")[1]
    subjects = {
        "dispute": matching(DISPUTE),
        "action": _TEXT,
        "work": matching(AGENCY),
        "system": matching(payload.ABOUT),
    }
    source = {"const": PIPELINE} if payload.BY == PIPELINE else matching(source_of(payload.SENT_BY))
    source["description"] = "who says it: " + senders.said(payload)
    body = _envelope(payload.TYPE, source, subjects.get(topic, matching(PERSON)), data)
    return _document(payload.TYPE, description, body, definitions, examples.event_of(payload.TYPE))


def _alert() -> Document:
    data, definitions = _model(Alert, "serialization")
    description = data.pop("description")
    body = _envelope(ALERT_TYPE, {"const": PIPELINE}, _TEXT, data)
    return _document(ALERT_TYPE, description, body, definitions, examples.alert_event())


def _case() -> Document:
    body, definitions = _model(CaseSnapshot, "serialization")
    description = body.pop("description")
    return _document(CASE, description, body, definitions, examples.case())


def _receipt() -> Document:
    body, definitions = _model(SignedReceipt, "serialization")
    description = body.pop("description")
    return _document(RECEIPT, description, body, definitions, examples.receipt())
