"""The contracts as files: JSON Schema 2020-12 for each event type, the alert and the case, and one AsyncAPI 3.0 document."""

import re
from collections.abc import Mapping
from pathlib import Path

import orjson

from schemas.export import asyncapi, json_schema
from schemas.export.json_schema import Document
from schemas.payload import UNSEEN

COMMITTED = Path(__file__).parents[1] / "exported"
ASYNCAPI = "asyncapi.json"
_UNSEEN = re.compile(f"(?!\n){UNSEEN}")


def documents() -> Mapping[str, Document]:
    """Every document by the name of its file."""
    found = {f"{name}.json": schema for name, schema in json_schema.schemas().items()}
    return {**found, ASYNCAPI: asyncapi.document()}


def export(directory: Path) -> None:
    """Write all of them; a file that no document has any more is removed. Raise OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    fresh = documents()
    for path in directory.glob("reentry.*.json"):
        if path.name not in fresh:
            path.unlink()
    for name, document in fresh.items():
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
        (directory / name).write_text(_UNSEEN.sub(_escaped, text), encoding="utf-8")


def _escaped(found: re.Match[str]) -> str:
    """A character that no editor shows, as JSON escapes it."""
    units = found.group().encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def read(directory: Path) -> Mapping[str, Document]:
    """The documents in a directory, by the names of their files."""
    return {path.name: orjson.loads(path.read_bytes()) for path in sorted(directory.glob("*.json"))}
