"""The short number of a person or a dispute, to be read out and typed: P-IXCC-X2GK-V, made from the reference alone.

P or D, the first eight characters of the reference (base 32: letters and 2 to 7, so that none looks like another), and a check
character over them (Luhn's method, modulo 32): one wrong character is always noticed, and nearly every exchange of two neighbours.
"""

import re
from collections.abc import Iterator

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE, _LENGTH = len(_ALPHABET), 8
_KINDS = {"p1_": "P", "d1_": "D"}
_PREFIXES = {kind: prefix for prefix, kind in _KINDS.items()}
_NUMBER = re.compile(rf"([PD])([{_ALPHABET}]{{{_LENGTH}}})([{_ALPHABET}])")
_BETWEEN = re.compile(r"[\s\-–—_.·]+")
_LOOK_ALIKE = str.maketrans("0189", "OIBG")  # what is not in the alphabet is typed for what looks like it


def write_case_number(subject: str) -> str | None:
    """The number of a reference; None for what is neither a person nor a dispute."""
    kind, body = _KINDS.get(subject[:3]), subject[3 : 3 + _LENGTH].upper()
    if kind is None or len(body) < _LENGTH or any(one not in _ALPHABET for one in body):
        return None
    return f"{kind}-{body[:4]}-{body[4:]}-{_check(body)}"


def read_case_number(text: str) -> tuple[str, bool] | None:
    """What a reference of this number begins with, and whether the check character is right; None for what is no number."""
    found = _NUMBER.fullmatch(_BETWEEN.sub("", text.upper()).translate(_LOOK_ALIKE))
    if found is None:
        return None
    kind, body, check = found.groups()
    return _PREFIXES[kind] + body.lower(), check == _check(body)


def _check(body: str) -> str:
    return _ALPHABET[-sum(_weigh(body)) % _BASE]


def _weigh(body: str) -> Iterator[int]:
    for place, one in enumerate(reversed(body)):
        value = _ALPHABET.index(one) * (1 if place % 2 else 2)
        yield value // _BASE + value % _BASE
