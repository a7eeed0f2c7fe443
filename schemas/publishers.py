"""The register of publishers: the sources of which heartbeats and manifests are heard."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from schemas.payload import SOURCE

_SOURCE = re.compile(SOURCE)
_ENTRIES = "publisher"


class InvalidPublishers(ValueError):
    """A register that cannot be used. The text names the file and the entry."""


def load(path: Path | None) -> frozenset[str] | None:
    """Read a register (TOML). None where there is none: every source is heard. Raise InvalidPublishers, OSError."""
    if path is None:
        return None
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPublishers(f"{path}: no TOML: {error}") from None
    entries = told.get(_ENTRIES)
    if told.keys() != {_ENTRIES} or not isinstance(entries, list):
        raise InvalidPublishers(f"{path}: must hold [[{_ENTRIES}]] entries and nothing else")
    return frozenset(_source(path, number, entry) for number, entry in enumerate(entries, start=1))


def _source(path: Path, number: int, entry: object) -> str:
    source = entry.get("source") if isinstance(entry, dict) else None
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        raise InvalidPublishers(
            f"{path}: entry {number}: source must be /agencies/{{agency_id}} with an optional system"
        )
    return source


def written(sources: Iterable[str]) -> str:
    """The text of a register."""
    return "\n".join(f'[[{_ENTRIES}]]\nsource = "{source}"\n' for source in sorted(sources))
