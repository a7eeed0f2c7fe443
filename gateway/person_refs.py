"""From an ID-card number to a `person_ref`: HMAC-SHA256 under a key that no publisher has. The number is kept nowhere."""

import base64
import hashlib
import hmac
import secrets
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

SHORTEST_KEY = 32  # bytes
_WEIGHTS, _CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"  # GB 11643
_REF_LENGTH = 26
_LONG, _OLD = 18, 15


class InvalidPersonKeys(ValueError):
    """A file of HMAC keys that cannot be used. The text says why and repeats no key."""


class InvalidNumber(ValueError):
    """What is no ID-card number. The text never repeats it."""


@dataclass(frozen=True)
class PersonKeys:
    """The keys by version; `current` makes the refs of new handovers, the others still say who somebody was."""

    current: int
    keys: Mapping[int, bytes] = field(repr=False)

    def refs_of(self, number: str) -> dict[int, str]:
        """Return the refs of a person, the current version first, then the others from the newest on. Raise InvalidNumber."""
        told = normalise(number).encode()
        versions = [self.current, *sorted(self.keys.keys() - {self.current}, reverse=True)]
        return {version: _encode(hmac.new(self.keys[version], told, hashlib.sha256).digest()) for version in versions}

    def rotated(self) -> "PersonKeys":
        """Return the same keys with a fresh one, which is the current one from then on."""
        version = max(self.keys, default=0) + 1
        return PersonKeys(version, {**self.keys, version: secrets.token_bytes(SHORTEST_KEY)})

    def text(self) -> str:
        """Return the file of the keys."""
        rows = "".join(f'{version} = "{key.hex()}"\n' for version, key in sorted(self.keys.items()))
        warning = "# Keys of person_ref (HMAC-SHA256). Lost, nobody can be recognised again: keep a copy in a safe."
        return f"{warning}\ncurrent = {self.current}\n\n[keys]\n{rows}"


def read_person_keys(path: Path) -> PersonKeys:
    """Read `current = 2` and a table `[keys]` of hexadecimal texts by version. Raise InvalidPersonKeys, OSError."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {int(version): bytes.fromhex(text) for version, text in told["keys"].items()}
        current = told["current"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidPersonKeys(
            f"{path}: must hold `current` and a table [keys] of hexadecimal texts by version"
        ) from None
    if any(len(key) < SHORTEST_KEY for key in keys.values()):
        raise InvalidPersonKeys(f"{path}: a key has fewer than {SHORTEST_KEY} bytes")
    if current not in keys:
        raise InvalidPersonKeys(f"{path}: there is no key of the current version")
    return PersonKeys(current, keys)


def normalise(number: str) -> str:
    """Return an ID-card number as 18 ASCII characters; one of 15 digits gets its century and its check. Raise InvalidNumber."""
    plain = "".join(unicodedata.normalize("NFKC", number).split()).upper()
    if len(plain) == _OLD and _is_digits(plain):
        plain = f"{plain[:6]}19{plain[6:]}"
        plain += _check_of(plain)
    if len(plain) != _LONG or not _is_digits(plain[:-1]):
        raise InvalidNumber("must be an ID-card number of 18 characters, or an old one of 15 digits")
    if plain[-1] != _check_of(plain):
        raise InvalidNumber("its last character does not fit the others: a digit is mistyped")
    try:
        date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError:
        raise InvalidNumber("its day of birth is no day of the calendar") from None
    return plain


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _check_of(number: str) -> str:
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False)) % 11]


def _encode(digest: bytes) -> str:
    return f"p1_{base64.b32encode(digest).decode().lower()[:_REF_LENGTH]}"
