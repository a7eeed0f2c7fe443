"""What the exported contracts mean: they say the same as the reader, and nothing in them leads nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas import topics
from schemas.catalogue import PAYLOADS
from schemas.export.export import ASYNCAPI, COMMITTED, documents, export, read
from schemas.export.json_schema import schemas
from tests.schemas.examples import EVENTS, LINES, MISSING, changed, reason_for

SCHEMAS = schemas()


def validator(name: str) -> Any:
    return Draft202012Validator(SCHEMAS[name], format_checker=FormatChecker(["date"]))


def test_an_export_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "new" / "folder"):
        export(folder)
        assert {path.name for path in folder.glob("*.json")} - {"mine.json"} == set(documents())
    assert (tmp_path / "mine.json").read_text() == "{}"


def test_there_is_a_schema_for_every_type_and_for_what_we_write() -> None:
    assert set(SCHEMAS) == {*PAYLOADS, "reentry.alert.changed.v1", topics.CASE, topics.RECEIPT}


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["id"])
def test_the_contracts_examples_fit(line: bytes) -> None:
    event = json.loads(line)
    validator(event["type"]).validate(event)


@pytest.mark.parametrize("name", ["reentry.alert.changed.v1", topics.CASE])
def test_what_we_write_fits_its_schema(name: str) -> None:
    for example in SCHEMAS[name]["examples"]:
        validator(name).validate(example)


@pytest.mark.parametrize("type_", EVENTS)
def test_the_schema_refuses_what_the_reader_refuses(type_: str) -> None:
    for name in EVENTS[type_]["data"]:
        for wrong in (MISSING, {}, [{}], -1.5, "x" * 300):
            event = changed(type_, {name: wrong})
            if validator(type_).is_valid(event):  # formats that only the reader looks at, and fields that may be absent
                form = SCHEMAS[type_]["properties"]["data"]["properties"][name]
                assert reason_for(event) == "" or "date" in json.dumps(form) or "duration" in json.dumps(form), name
            else:
                assert reason_for(event) == "SCHEMA", name


@pytest.mark.parametrize("attribute", ["id", "source", "subject", "time", "data", "specversion", "type"])
def test_the_schema_asks_for_the_envelope(attribute: str) -> None:
    event = changed("reentry.release.occurred.v1")
    del event[attribute]
    assert not validator("reentry.release.occurred.v1").is_valid(event)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = documents()[ASYNCAPI]
    for reference in references(document):
        if reference.startswith("./"):
            assert reference.removeprefix("./") in documents()
            continue
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [one for inner in node.values() for one in references(inner)]
    return [one for inner in node for one in references(inner)] if isinstance(node, list) else []


def test_every_public_topic_is_a_channel_and_every_message_is_on_one() -> None:
    document = documents()[ASYNCAPI]
    assert {channel["address"] for channel in document["channels"].values()} == {*topics.BY_NAME} - topics.INTERNAL
    told = {name for channel in document["channels"].values() for name in channel["messages"]}
    assert told == set(document["components"]["messages"])


def test_the_files_name_no_host_but_the_dialects() -> None:
    for name, document in read(COMMITTED).items():
        assert json.dumps(document).count("://") == (0 if name == ASYNCAPI else 1), name
