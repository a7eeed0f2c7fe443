"""One AsyncAPI 3.0 document: which topics there are, what travels on them, and who reads and writes."""

from collections.abc import Iterable
from typing import Any, get_args

from schemas import codes, topics
from schemas.alert import TYPE as ALERT_TYPE
from schemas.catalogue import PAYLOADS
from schemas.export.json_schema import Document, schemas
from schemas.invalid import Reason
from schemas.payload import PIPELINE
from schemas.topics import BY_NAME, Topic

_KAFKA = "0.5.0"  # version of AsyncAPI's Kafka binding
_DIALECT = "application/schema+json;version=2020-12"
_EVENT = "application/cloudevents+json"
_INFO = {
    "title": "Reentry handover pipeline",
    "version": "1.0.0",
    "description": (
        "Facts about the handover of persons from prison to a county, and the obligations that were not met. "
        "Both CloudEvents content modes are read, structured mode is written. Schemas change only by adding."
    ),
    "license": {"name": "Apache-2.0"},
}
_DEAD_LETTER_HEADERS = {
    "__streams.errors.topic": "topic of the record",
    "__streams.errors.partition": "its partition",
    "__streams.errors.offset": "its offset",
    "__streams.errors.exception": "name of the error",
    "__streams.errors.message": "all that is wrong with the record, by path; never a value of it",
    "reentry.reason": ", ".join(get_args(Reason)),
    "reentry.version": "version of the pipeline",
    "reentry.masked": "`true` where something that names a person was starred; such a record is not sent again",
}
_TOLD_HEADERS = {
    "reentry.source": "its publisher, where the record says it in the form that publishers have",
    "reentry.type": "its event type, where it looks like one",
}


def document() -> Document:
    """The document. Its payload schemas stand in files beside it."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:reentry:handover",
        "info": _INFO,
        "defaultContentType": _EVENT,
        "channels": {_short(name): _channel(BY_NAME[name]) for name in _public()},
        "operations": _operations(),
        "components": {"messages": dict(_messages()), "x-labels": _labels()},
    }


def _labels() -> Document:
    """What people read for codes, by the list of codes; no keyword of JSON Schema can hold it."""
    return {
        name: {code: label._asdict() for code, label in found.labels.items()}
        for name, found in vars(codes).items()
        if isinstance(found, codes.Codes)
    }


def _public() -> tuple[str, ...]:
    return tuple(name for name in BY_NAME if name not in topics.INTERNAL)


def _short(name: str) -> str:
    """`release` of `reentry.release.v1`, `release.scheduled` of `reentry.release.scheduled.v1`."""
    return name.removeprefix("reentry.").removesuffix(".v1")


def _on(topic: str) -> list[str]:
    """The messages of a topic, by their names in this document."""
    if topic in topics.SOURCES:
        return [_short(type_) for type_ in PAYLOADS if type_.split(".")[1] == _short(topic)]
    return [
        {topics.ALERT: _short(ALERT_TYPE), topics.CASE: "case", topics.DLQ: "dead_letter", topics.RECEIPT: "receipt"}[
            topic
        ]
    ]


def _channel(topic: Topic) -> Document:
    settings: Document = {"cleanup.policy": [topic.cleanup]}
    if topic.retention_ms is not None:
        settings["retention.ms"] = topic.retention_ms
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}. Written by: {topic.writers}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _on(topic.name)},
        "bindings": {"kafka": {"topic": topic.name, "topicConfiguration": settings, "bindingVersion": _KAFKA}},
    }


def _messages() -> Iterable[tuple[str, Document]]:
    for name, schema in schemas().items():
        topic = name if name in BY_NAME else f"reentry.{name.split('.')[1]}.v1"
        yield (
            _short(name),
            {
                "name": name,
                "title": name,
                "summary": schema["description"],
                "contentType": "application/json" if name in BY_NAME else _EVENT,
                "payload": {"schemaFormat": _DIALECT, "schema": {"$ref": f"./{name}.json"}},
                "bindings": {"kafka": _key(BY_NAME[topic])},
            },
        )
    always = {name: {"type": "string", "description": text} for name, text in _DEAD_LETTER_HEADERS.items()}
    told = {name: {"type": "string", "description": text} for name, text in _TOLD_HEADERS.items()}
    yield (
        "dead_letter",
        {
            "name": "dead_letter",
            "title": "Dead letter",
            "summary": "The bytes of a record that could not be applied; ID-card and mobile numbers in it are masked.",
            "contentType": "application/octet-stream",
            "headers": {"type": "object", "required": list(always), "properties": always | told},
            "bindings": {"kafka": _key(BY_NAME[topics.DLQ])},
        },
    )


def _key(topic: Topic) -> Document:
    return {"key": {"type": "string", "description": topic.key}, "bindingVersion": _KAFKA}


def _operations() -> Document:
    """Seen from this pipeline, its console included."""
    ours = [_short(type_) for type_, payload in PAYLOADS.items() if payload.BY == PIPELINE]
    found = {f"receive_{_short(name)}": _operation("receive", name, _on(name)) for name in topics.SOURCES}
    for name in (topics.ACTION, topics.CASE, topics.ALERT, topics.DLQ, topics.RECEIPT):
        found[f"send_{_short(name)}"] = _operation("send", name, _on(name))
    found[f"send_{_short(topics.SYSTEM)}"] = _operation("send", topics.SYSTEM, ours)
    return found


def _operation(action: str, topic: str, messages: list[str]) -> dict[str, Any]:
    channel = f"#/channels/{_short(topic)}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in messages],
    }
