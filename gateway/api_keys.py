"""Keys of publishers: each is bound to one source and its types. Only a digest is stored; the secret is shown once.

A secret has 256 random bits, so a plain SHA-256 of it cannot be searched; a slow hash protects only what people choose.
"""

import hashlib
import hmac
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from schemas.authority import type_of_source

SCHEME = "rk1"
_ID_BYTES, _SECRET_BYTES = 6, 32
_FIELDS = {"id": str, "sha256": str, "source": str, "types": list, "person_refs": bool, "rate": str}


class InvalidKeys(ValueError):
    """A file of keys that cannot be used. The text says what is wrong where."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `types`: facts like `release.notice_sent` or `release.*`; `rate`: events, like `600/minute`, None: as set for all."""

    id: str
    sha256: str
    source: str
    types: tuple[str, ...] = ("*",)
    person_refs: bool = False
    rate: str | None = None

    def may_send(self, fact: str) -> bool:
        """Say whether the key allows a fact; what the source itself may say is asked elsewhere."""
        return any(fnmatchcase(fact, one) for one in self.types)

    def entry(self) -> str:
        """Return the key as an entry of the file."""
        types = ", ".join(f'"{one}"' for one in self.types)
        rows = [f'id = "{self.id}"', f'sha256 = "{self.sha256}"', f'source = "{self.source}"', f"types = [{types}]"]
        rows += [f"person_refs = {str(self.person_refs).lower()}"]
        return "\n[[key]]\n" + "\n".join(rows) + "\n"


def make_key(source: str, types: tuple[str, ...], *, person_refs: bool) -> tuple[ApiKey, str]:
    """Make a key. Return it, and the token that its owner is told once. Raise InvalidKeys for what is no source."""
    if type_of_source(source) is None:
        raise InvalidKeys(f"{source}: no source, which is like /agencies/PRISON-990100-01")
    id_, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    return ApiKey(id_, _digest(secret), source, types, person_refs), f"{SCHEME}.{id_}.{secret}"


def read_keys(path: Path) -> Mapping[str, ApiKey]:
    """Read a file of keys, by their ids. Raise InvalidKeys, OSError."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidKeys(f"{path}: {error}") from None
    entries = told.get("key", [])
    if not isinstance(entries, list):
        raise InvalidKeys(f"{path}: write each key as [[key]]")
    found: dict[str, ApiKey] = {}
    for number, entry in enumerate(entries, start=1):
        key = _read_entry(entry, f"{path}: key {number}")
        if key.id in found:
            raise InvalidKeys(f"{path}: key {number}: its id is given twice")
        found[key.id] = key
    return found


def _read_entry(entry: Mapping[str, object], place: str) -> ApiKey:
    if unknown := sorted(entry.keys() - _FIELDS.keys()):
        raise InvalidKeys(f"{place}: {unknown[0]} is no field of a key")
    for name, kind in _FIELDS.items():
        if name in entry and not isinstance(entry[name], kind):
            raise InvalidKeys(f"{place}: {name} must be of type {kind.__name__}")
    if missing := [name for name in ("id", "sha256", "source") if not entry.get(name)]:
        raise InvalidKeys(f"{place}: {missing[0]} is missing")
    source = str(entry["source"])
    if type_of_source(source) is None:
        raise InvalidKeys(f"{place}: source is not like /agencies/PRISON-990100-01")
    types, rate = entry.get("types", ["*"]), entry.get("rate")
    if not isinstance(types, list) or not types or not all(isinstance(one, str) for one in types):
        raise InvalidKeys(f"{place}: types must be a list of texts like release.*")
    if rate is not None:
        _check_rate(str(rate), place)
    is_trusted = bool(entry.get("person_refs", False))
    return ApiKey(
        str(entry["id"]),
        str(entry["sha256"]).lower(),
        source,
        tuple(types),
        is_trusted,
        None if rate is None else str(rate),
    )


def _check_rate(rate: str, place: str) -> None:
    from limits import parse

    try:
        parse(rate)
    except ValueError:
        raise InvalidKeys(f"{place}: rate is not like 600/minute") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyRing:
    """The keys of a file, read again when it changes, so that a key can be revoked while the gateway runs."""

    def __init__(self, path: Path) -> None:
        """Raise InvalidKeys, OSError."""
        self._path = path
        self._stamp = self._look()
        self._keys = read_keys(path)

    def find(self, authorization: str | None) -> ApiKey | None:
        """Return the key of an `Authorization` header; None for anything else. Raise InvalidKeys, OSError once the file is spoilt."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        version, _, rest = token.strip().partition(".")
        id_, _, secret = rest.partition(".")
        if scheme.lower() != "bearer" or version != SCHEME or not secret.isascii():
            return None
        if (stamp := self._look()) != self._stamp:
            self._keys, self._stamp = read_keys(self._path), stamp
        key = self._keys.get(id_)
        return key if key is not None and hmac.compare_digest(key.sha256, _digest(secret)) else None

    def _look(self) -> tuple[int, int, int]:
        told = self._path.stat()
        return told.st_mtime_ns, told.st_size, told.st_ino
