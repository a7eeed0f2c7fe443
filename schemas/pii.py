"""Finding what must not be in an event: ID-card numbers and mobile numbers (contract.md 1), in any spelling."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from schemas.plain import NUMERALS, pieces_within, plain, plain_pieces, with_numerals
from schemas.prose import names_person

# A number is a row of digits, or of groups of digits with up to three of these between them.
_SEPARATOR = r"[ .\-/_()|*~<>]"
_RUN = re.compile(rf"[0-9]+(?:{_SEPARATOR}{{1,3}}[0-9]+)*(?:{_SEPARATOR}{{0,3}}[Xx])?")
_GROUP = re.compile(r"[0-9]+|[Xx]")
_COMMAS = re.compile(
    r"(?<![0-9,])(?:1[3-9][0-9],[0-9]{4},[0-9]{4}|[0-9]{6},[0-9]{8},[0-9]{3}[0-9Xx])(?![0-9,])"
)  # a comma stands between other numbers, too: only where the groups are those of a number
_UUID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?![0-9A-Za-z])"
)  # and `traceparent`
_MOBILE = re.compile(r"(?:00)?(?:86)?(1[3-9][0-9]{9})")
_NUMERAL = re.compile(f"[{NUMERALS}]")
_LONGEST, _OLD = 18, 15  # digits of an ID number, and until 1999
_SHORTEST = 11
_SIZES = frozenset((11, 13, 15, 18))  # mobile number, with 86, with 0086 or an old ID number, ID number
_MOST_GROUPS = 4  # more groups than these are a number only where nothing else stands in the row
_LONGEST_WORD = 8  # letters that are glued to a number: "tel", "T", "ID"
_LETTERS = re.compile(r"[0-9A-Za-z]*")
_PERSON = re.compile(r"\b([pd]1_[a-z2-7]{4})[a-z2-7]{22}\b")
_PROSE = re.compile(r"[^0-9A-Za-z_./:@+-]")  # a text that holds such a character is no identifier
_LABEL = re.compile(r"身份|证件|证号|公民|(?i:\bid\b|identity|citizen|card)")
_LABEL_WITHIN = 16  # characters before a number
_SHORT_HASH = 12
_HASH_SIZES = frozenset((_SHORT_HASH, 16, 20, 24, 32, 40, 64))

Span = tuple[int, int]


def holds_number(text: str) -> bool:
    """Whether a text holds an ID number or a mobile number. Parts of uuids, hashes or longer numbers are none."""
    if len(text) < _SHORTEST:
        return False
    return any(True for _ in _spans(plain(text), strict=False)) or ("\\" in text and _holds(text))


def found_in(value: Any) -> bool:
    """Whether any text, key or number anywhere in a JSON value holds one."""
    return any(holds_number(text) for text in texts(value))


def identifies(text: str) -> bool:
    """Whether an identifier holds one. Events are numbered, too: an ID number must have its check digit."""
    return len(text) >= _SHORTEST and any(True for _ in _spans(plain(text), strict=True))


_NOT_SEARCHED = frozenset(("specversion", "type", "time", "recordedtime", "receivedtime", "sequence"))


def found_in_event(body: Mapping[str, Any]) -> bool:
    """Whether an object of attributes and `data` holds one: identifiers of the envelope are searched as such."""
    for name, one in body.items():
        if name in ("data", "subject"):
            found = holds_number(name) or found_in(one)
        else:
            found = name not in _NOT_SEARCHED and any(identifies(text) for text in (name, *texts(one)))
        if found:
            return True
    return False


def note_of(body: Mapping[str, Any]) -> str | None:
    """The free text of an event; None where it has none."""
    data = body.get("data")
    note = data.get("note") if isinstance(data, dict) else None
    return note if isinstance(note, str) else None


def found_in_bytes(value: bytes) -> bool:
    """Whether the bytes of something that is no event hold a number, whatever their encoding. Linear in their size."""
    return _holds(_decoded(value)[0])


def _holds(text: str) -> bool:
    joined = plain("".join(_unescaped(text)) if "\\" in text else text)
    return any(True for _ in _spans(joined, strict=False))


def _spans(text: str, *, strict: bool, touched: bool = False) -> Iterator[Span]:
    """Where the numbers of a plain text stand, in order, without overlaps; `touched`: also within tokens."""
    if "-" in text and len(text) >= 36:
        text = _UUID.sub(lambda found: "#" * len(found.group()), text)
    if "," in text:
        text = _COMMAS.sub(lambda found: found.group().replace(",", "-"), text)
    found = _search(text, strict=strict, touched=touched)
    if text.isascii() or not _NUMERAL.search(text):
        return found
    return iter(_merged([*found, *_search(with_numerals(text), strict=strict, touched=touched)]))


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _search(text: str, *, strict: bool, touched: bool) -> Iterator[Span]:
    is_prose = not strict and _PROSE.search(text) is not None
    for run in _RUN.finditer(text):
        start, end = run.span()
        if end - start < _SHORTEST:
            continue
        groups = [found.span() for found in _GROUP.finditer(text, start, end)]
        for span in _numbers(text, groups, strict=strict, is_prose=is_prose):
            if touched or not _is_part_of_token(text, span, is_prose=is_prose):
                yield span


def _numbers(text: str, groups: list[Span], *, strict: bool, is_prose: bool) -> Iterator[Span]:
    """The rows of whole groups that are numbers: at each group not more are looked at than a number has digits."""
    first, size = 0, len(groups)
    while first < size:
        digits, last, found = "", first, 0
        until = size if first == 0 and size <= _LONGEST + len("0086") else min(size, first + _MOST_GROUPS)
        while last < until and len(digits) < _LONGEST:
            start, end = groups[last]
            if end - start > _LONGEST:
                break
            digits += text[start:end]
            last += 1
            if (
                len(digits) in _SIZES
                and _is_row(text, groups[first:last], whole=last == size)
                and _is_number(text, groups[first:last], digits, strict=strict, is_prose=is_prose)
            ):
                found = last
        if found:
            yield groups[first][0], groups[found - 1][1]
        first = found or first + 1


def _is_row(text: str, groups: list[Span], *, whole: bool) -> bool:
    """Whether groups may be those of one number. Identifiers such as 15-000000123 have a short group first, too."""
    if len(groups) > _MOST_GROUPS:
        return whole
    start, end = groups[0]
    return len(groups) == 1 or end - start > len("86") or text.startswith("86", start)


def _is_number(text: str, groups: list[Span], digits: str, *, strict: bool, is_prose: bool) -> bool:
    if len(digits) == _LONGEST:
        return _is_citizen(digits) and (
            _is_checked(digits) or (not strict and _is_sure(text, groups, is_prose=is_prose))
        )
    if digits[-1] in "Xx":
        return False
    return (len(digits) == _OLD and not strict and _is_old_citizen(digits)) or _MOBILE.fullmatch(digits) is not None


def _is_sure(text: str, groups: list[Span], *, is_prose: bool) -> bool:
    """Whether an ID number with a wrong check digit is one all the same, and not a counter: by its X, groups or label."""
    start, end = groups[0][0], groups[-1][1]
    is_labelled = _LABEL.search(text, max(0, start - _LABEL_WITHIN), start) is not None
    return text[end - 1] in "Xx" or (is_prose and (len(groups) > 1 or is_labelled))


# The first six digits are an area (GB/T 2260), with the old prefectures that cards still carry. 99 is no province: made-up
# numbers have it.
_AREA = re.compile(
    r"(?:(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|91|99)(?:0[1-9]|[12][0-9]|3[0-5]|4[023]|90)"
    r"(?:0[1-9]|[1-3][0-9]|4[0-3]|8[1-9])|(?:71|8[1-3])0000)"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
_BIRTHS = range(1920, 2015)  # later dates are in the numbers of papers: 990102-20260226-0042


def _is_citizen(number: str) -> bool:
    return number[:17].isdigit() and _AREA.match(number) is not None and _is_birth(number[6:14])


def _is_checked(number: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11] == number[-1].upper()


def _is_old_citizen(number: str) -> bool:
    """Those of 15 digits, until 1999: no check digit, two digits of the year."""
    return number.isdigit() and _AREA.match(number) is not None and _is_birth(f"19{number[6:12]}")


def _is_birth(digits: str) -> bool:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    if year not in _BIRTHS:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _is_part_of_token(text: str, span: Span, *, is_prose: bool) -> bool:
    """Whether letters touch a number so that it is part of an identifier, not a number with a word glued to it."""
    start, end = span
    begin = start
    while begin > 0 and start - begin <= _LONGEST_WORD and text[begin - 1].isascii() and text[begin - 1].isalnum():
        begin -= 1
    after = _LETTERS.match(text, end, end + _LONGEST_WORD + 1)
    touching = text[begin:start] + (after.group() if after else "")
    if not touching:
        return False
    if not touching.isalpha() or len(touching) > _LONGEST_WORD:
        return True
    size = len(touching) + end - start
    return size in _HASH_SIZES and (not is_prose or size > _SHORT_HASH) and set(touching.lower()) <= set("abcdef")


# Bytes as they are searched quickly: each digit is 0, and whatever may stand between groups is out.
_OUT = bytes(range(0x21)) + b"\x7f.-/_,()|*~<>"
_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_ROW, _ZEROS = b"0" * _SHORTEST, re.compile(rb"0+")
_MOBILE_BYTES = re.compile(rb"1[3-9][0-9]{9}")
_CITIZEN_BYTES = re.compile(
    rb"[1-9][0-9]{5}(?:(?:19|20)[0-9]{2}|[0-9]{2})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
)


def shape_of(value: bytes) -> bytes:
    """A record's bytes with every digit as 0 and without blanks and separators, to be searched quickly."""
    return value.translate(_TO_ZERO, _OUT)


def row_in(shape: bytes) -> int:
    """Where a shape first has as many digits in a row as the shortest number; -1: nowhere."""
    return shape.find(_ROW)


def may_hold_number(value: bytes, shape: bytes, start: int) -> bool:
    """A quick no for most records: all ASCII, no escapes, no such rows of digits. What the whole search finds, passes.

    But for numbers of JSON that are written with a power of ten: only the whole search sees them. `start`: the first row.
    """
    if not value.isascii() or b"\\" in value:
        return True
    if start < 0:
        return False
    digits = value.translate(None, _OUT)  # as long as the shape
    while start >= 0:
        row = _ZEROS.match(shape, start)
        end = start if row is None else row.end()
        if _MOBILE_BYTES.search(digits, start, end) or (
            end - start >= _OLD and _CITIZEN_BYTES.search(digits, start, end + 1)
        ):
            return True
        start = shape.find(_ROW, end)
    return False


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
    """A text that may be logged: numbers starred, references of persons and disputes shortened. Linear in its length."""
    return _PERSON.sub(r"\1…", _starred(list(text), text))


def _starred(pieces: list[str], text: str) -> str:
    joined, starts = (
        (text, None) if text.isascii() and text.isprintable() and "\\" not in text else plain_pieces(pieces)
    )
    spans = list(_spans(joined, strict=False, touched=True))  # rather too much is masked than too little
    if not spans:
        return text
    within = spans if starts is None else pieces_within(starts, spans)
    raw = pieces if starts is None else _escapes(text)
    kept: list[str] = []
    since = 0
    for (first, last), (start, end) in zip(within, spans, strict=True):
        kept += ["".join(raw[since:first]), "*" * (end - start)]
        since = last
    return "".join([*kept, "".join(raw[since:])])


_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_NOTE = re.compile(r'("note"\s{0,9}:\s{0,9}")((?:[^"\\]|\\.)*)', re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


WITHHELD = b"withheld: held a personal number where it cannot be masked"


def mask_bytes(value: bytes) -> bytes:
    """A record's bytes with every such number starred, and notes that name somebody; also where JSON escapes or another
    encoding hide them. Other text stays. What cannot be written back as it was is withheld as a whole. Linear in its size.
    """
    text, encoding = _decoded(value)
    masked = _NOTE.sub(_without_person, _starred(_unescaped(text), text))
    if masked == text:
        return value
    if _encoded(text, encoding) != value:
        return WITHHELD
    return _encoded(masked, encoding)


def _without_person(found: re.Match[str]) -> str:
    note = found[2]
    return found[1] + "*" * len(note) if names_person("".join(_unescaped(note))) else found.group()


def _escapes(text: str) -> list[str]:
    return _ESCAPE.findall(text)


def _unescaped(text: str) -> list[str]:
    """The characters of a text, each JSON escape as what it stands for: as many pieces as `_escapes` has."""
    if "\\" not in text:
        return list(text)
    return [_character(one) if len(one) > 1 else one for one in _escapes(text)]


def _character(escape: str) -> str:
    if escape[1] != "u" or len(escape) == len("\\u"):
        return _SIMPLE.get(escape[1], escape[1])
    code = int(escape[2:6], base=16)
    if len(escape) > len("\\u0000"):
        code = 0x10000 + ((code - 0xD800) << 10) + int(escape[8:12], base=16) - 0xDC00
    return chr(code)


_UTF8 = "utf-8"
_LOOKED_AT = 4_096  # bytes by which an encoding is known


def _decoded(value: bytes) -> tuple[str, str]:
    """The text of bytes and the encoding that it was read in: UTF-8, UTF-16 or UTF-32 with or without mark, GB 18030."""
    for mark, encoding in ((b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be")):
        if value.startswith(mark):
            return value.decode(encoding, "replace"), encoding
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if value.startswith(mark):
            return value.decode(encoding, "replace"), encoding
    head = value[:_LOOKED_AT]
    for odd, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[odd::2].count(0) * 4 > len(head) > 1:
            return value.decode(encoding, "replace"), encoding
    try:
        return value.decode(), _UTF8
    except UnicodeDecodeError:
        return _guessed(value)


def _guessed(value: bytes) -> tuple[str, str]:
    """Of bytes without a mark and not in UTF-8: the first reading in which a number is found."""
    for encoding in ("gb18030", "utf-16-le", "utf-16-be"):
        try:
            text = value.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _holds(text):
            return text, encoding
    return value.decode(_UTF8, "surrogateescape"), _UTF8


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding, "surrogateescape" if encoding == _UTF8 else "strict")
    except UnicodeEncodeError:
        return b""
