"""Finding what must not be in an event: ID-card numbers and mobile numbers (contract.md section 1)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# A number stands alone: neither a digit nor a letter touches it, so that hashes, references and codes are not taken for one.
_NUMBER = re.compile(r"(?<![0-9A-Za-z_])(?:[0-9]{17}[0-9Xx]|(?:\+?86[- ]?)?1[3-9][0-9](?:[- ]?[0-9]{4}){2})(?![0-9A-Za-z_])")
_PERSON = re.compile(r"\b([pd]1_[a-z2-7]{4})[a-z2-7]{22}\b")


def holds_number(text: str) -> bool:
    """Whether a text holds an 18-digit ID number or an 11-digit mobile number."""
    return _NUMBER.search(text) is not None


def found_in(value: Any) -> bool:
    """Whether any text or number anywhere in a JSON value holds one."""
    return any(holds_number(text) for text in _texts(value))


_LOOKS_LIKE = re.compile(rb"[0-9]{11}|1[3-9][0-9][- ]|\\\\u|\\+86")


def may_hold_number(value: bytes) -> bool:
    """A quick no for most records: without such bytes no JSON text in them can hold a number (escapes are looked into)."""
    return _LOOKS_LIKE.search(value) is not None


def mask(text: str) -> str:
    """A text that may be logged: numbers starred, references shortened."""
    return _PERSON.sub(r"\1…", _NUMBER.sub(lambda found: "*" * len(found.group()), text))


def mask_bytes(value: bytes) -> bytes:
    """A record's bytes with every such number starred, the length kept."""
    return _NUMBER.sub(lambda found: "*" * len(found.group()), value.decode("latin-1")).encode("latin-1")


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
