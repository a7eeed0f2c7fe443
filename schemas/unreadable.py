"""What stands in a record that is no JSON: named, so that its publisher knows which setting to change."""

import re
from collections.abc import Iterable

_BEGINNINGS = (  # the longer ones first
    (b"\xef\xbb\xbf", "begins with a byte order mark (EF BB BF); write UTF-8 without one"),
    (b"\xff\xfe\x00\x00", "is UTF-32; write UTF-8"),
    (b"\x00\x00\xfe\xff", "is UTF-32; write UTF-8"),
    (b"\xff\xfe", "is UTF-16; write UTF-8"),
    (b"\xfe\xff", "is UTF-16; write UTF-8"),
    (b"\x1f\x8b", "is gzip; let the Kafka client compress (compression.type), not the application"),
    (b"\x28\xb5\x2f\xfd", "is zstd; let the Kafka client compress (compression.type), not the application"),
    (b"\xac\xed\x00\x05", "is a serialized Java object; write JSON"),
    (b"Obj\x01", "is an Avro file; write JSON"),
)
_PREFIX = re.compile(r"(?:ce|cloudevents)[-_:.]", re.IGNORECASE)
_LOOKED_AT = 1_000  # bytes
_MANY = 2


def kind_of(value: bytes) -> str:
    """What the bytes are that could not be read as JSON, and what to do: the end of a sentence without any of them."""
    if not value.strip():
        return "is empty"
    for beginning, told in _BEGINNINGS:
        if value.startswith(beginning):
            return told
    beginning = value[:_LOOKED_AT]
    if any(beginning[at::2].count(0) * _MANY > len(beginning[at::2]) for at in (0, 1)):
        return "is UTF-16; write UTF-8"
    if value.startswith(b"\0"):
        return "begins with the prefix of a schema registry (a zero byte and a number); use a serializer without one"
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8, first at byte {error.start}"
    return "is no JSON"


def foreign_prefix(names: Iterable[str]) -> str:
    """How attributes are spelt in headers where it is not `ce_`: told in an error, or empty."""
    for name in names:
        found = _PREFIX.match(name)
        if found is not None and not name.startswith("ce_"):
            return f"headers: attributes begin with {found.group()} here; in Kafka they begin with ce_"
    return ""


def are_quoted(texts: Iterable[bytes | None]) -> bool:
    """Whether texts stand in quotation marks, as a JSON serializer writes them."""
    quoted = [text for text in texts if text and len(text) > 1 and text[:1] == text[-1:] == b'"']
    return len(quoted) >= _MANY
