"""Finding what must not be in an event: ID-card numbers and mobile numbers (contract.md section 1)."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

_CITIZEN = r"[0-9]{17}[0-9Xx]|[0-9]{6} (?:18|19|20)[0-9]{6} [0-9]{3}[0-9Xx]"
_MOBILE = r"1[3-9][0-9](?:[0-9]{8}|-[0-9]{4}-[0-9]{4}| [0-9]{4} [0-9]{4})"
_NUMBER = re.compile(rf"(?<![0-9])(?P<citizen>{_CITIZEN})(?![0-9])|(?:(?<![0-9])|(?<=\+86)){_MOBILE}(?![0-9])")
_PERSON = re.compile(r"\b([pd]1_[a-z2-7]{4})[a-z2-7]{22}\b")
_BEFORE, _AFTER = re.compile(r"[0-9A-Za-z]*\Z"), re.compile(r"[0-9A-Za-z]*")
_WIDE = str.maketrans("０１２３４５６７８９Ｘｘ＋－　", "0123456789Xx+- ")  # as Chinese input methods write them
_COUNTRY = "+86"
_LONGEST_TOKEN = 64  # characters looked at on either side
_WORD = range(2, 9)  # letters of a word such as "tel" or "id" that is glued to a number


def numbers_in(text: str) -> Iterable[re.Match[str]]:
    """The 18-digit ID numbers and 11-digit mobile numbers of a text. Parts of uuids or longer numbers are none."""
    plain = text if text.isascii() else text.translate(_WIDE)
    return (found for found in _NUMBER.finditer(plain) if not _is_part_of_token(plain, *found.span()))


def _is_part_of_token(text: str, start: int, end: int) -> bool:
    start -= len(_COUNTRY) if text.endswith(_COUNTRY, 0, start) else 0
    before = _BEFORE.search(text[max(0, start - _LONGEST_TOKEN) : start])
    after = _AFTER.match(text[end : end + _LONGEST_TOKEN])
    touching = (before.group() if before else "") + (after.group() if after else "")
    if not touching:
        return False
    is_word = touching.isalpha() and len(touching) in _WORD
    return not is_word or set(touching.lower()) <= set(
        "abcdef"
    )  # else hexadecimal, base 32, or a code like T13800000000


def holds_number(text: str) -> bool:
    """Whether a text holds an 18-digit ID number or an 11-digit mobile number."""
    return any(True for _ in numbers_in(text))


def found_in(value: Any) -> bool:
    """Whether any text, key or number anywhere in a JSON value holds one."""
    return any(holds_number(text) for text in texts(value))


def identifies(text: str) -> bool:
    """Whether an identifier holds one. Events are numbered with 18 digits, too: an ID number must be a possible one."""
    return any(found["citizen"] is None or _is_possible(found["citizen"]) for found in numbers_in(text))


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643


def _is_possible(number: str) -> bool:
    digits = number.replace(" ", "").upper()
    try:
        date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return digits[0] != "0" and "10X98765432"[total % 11] == digits[-1]


_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")


def shape_of(value: bytes) -> bytes:
    """A record's bytes with every digit as 0 and without blanks, to be searched quickly."""
    return value.translate(_TO_ZERO, b" \t\n\r")


def may_hold_number(value: bytes, shape: bytes) -> bool:
    """A quick no for most records: without such runs of digits, escapes and full-width digits they hold no number."""
    return b"00000000000" in shape or b"0-0000-0000" in shape or b"\\" in value or b"\xef" in value


def texts(value: Any) -> Iterable[str]:
    """Every text, key and number of a JSON value, as text. Recursive: the value must not be nested deeply."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield f"{value:f}" if isinstance(value, float) else str(value)


def mask(text: str) -> str:
    """A text that may be logged: numbers starred, whatever touches them; references of persons, disputes shortened."""
    return _PERSON.sub(r"\1…", _starred(text))


def _starred(text: str) -> str:
    plain = text if text.isascii() else text.translate(_WIDE)
    for found in _NUMBER.finditer(plain):
        start, end = found.span()
        text = text[:start] + "*" * (end - start) + text[end:]
    return text


_ESCAPE = re.compile(r"(\\u[0-9a-fA-F]{4}|\\.)", re.DOTALL)


def mask_bytes(value: bytes) -> bytes:
    """A record's bytes with every such number starred, also where JSON escapes hide it. Other text stays."""
    text = _ESCAPE.sub(_unescaped, value.decode("utf-8", "surrogateescape"))
    parts = _ESCAPE.split(text)
    parts[::2] = map(_starred, parts[::2])
    return "".join(parts).encode("utf-8", "surrogateescape")


def _unescaped(found: re.Match[str]) -> str:
    """The character instead of its escape, where a number could be made of it and JSON does not need the escape."""
    escape = found.group()
    if not escape.startswith("\\u") or len(escape) < len("\\u0000"):
        return escape
    character = chr(int(escape.removeprefix("\\u"), base=16)).translate(_WIDE)
    return character if character in "0123456789Xx+- " else escape
