"""The exported contracts: equal to the code, valid against their public meta-schemas, and true of the examples."""

import json
from pathlib import Path

import jsonschema
import orjson
import pytest

from schemas.catalogue import PAYLOADS
from schemas.examples import event_of
from schemas.export.export import ASYNCAPI, COMMITTED, documents, export, read

METASCHEMA = (
    Path(__file__).parents[2]
    / "schemas"
    / "metaschema"
    / "node_modules"
    / "@asyncapi"
    / "specs"
    / "schemas"
    / "3.0.0.json"
)
INSTALL = "npm ci --ignore-scripts --prefix schemas/metaschema"


def test_the_committed_files_are_what_the_code_says(tmp_path: Path) -> None:
    export(tmp_path)
    fresh, kept = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (tmp_path, COMMITTED))
    assert fresh == kept, "run: handover schemas export schemas/exported"


@pytest.mark.parametrize("name", sorted(name for name in documents() if name != ASYNCAPI))
def test_every_schema_is_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(documents()[name])


@pytest.mark.parametrize("type_", sorted(PAYLOADS))
def test_every_example_fits_its_schema(type_: str) -> None:
    jsonschema.Draft202012Validator(read(COMMITTED)[f"{type_}.json"]).validate(
        orjson.loads(orjson.dumps(event_of(type_)))
    )


def test_the_asyncapi_document_is_valid() -> None:
    assert METASCHEMA.exists(), f"install the public meta-schema: {INSTALL}"
    metaschema = json.loads(METASCHEMA.read_text(encoding="utf-8"))
    document = read(COMMITTED)[ASYNCAPI]
    errors = [error.message for error in jsonschema.Draft7Validator(metaschema).iter_errors(document)]
    assert errors == []
