"""What a dead letter keeps: nothing that names a person in any of its parts, and all else byte for byte."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

import orjson
import pytest

from schemas.dead_letter import MASKED, DeadLetter, Refusal, understood
from schemas.parse import Reason
from schemas.pii import WITHHELD
from streams.dead_letters import VALUE_KEPT, dead_letter
from tests.schemas.examples import COMMENT, changed

MOBILE, CITIZEN = "19900000000", "990102199001011237"
Header = tuple[str, bytes | None]


@dataclass(frozen=True)
class Record:
    key: bytes | None
    value: bytes | None
    headers: list[Header] = field(default_factory=list)
    topic: str = "reentry.action.v1"
    partition: int = 0
    offset: int = 7


def letter(record: Record, reason: Reason = "MALFORMED", message: str = "value: no JSON in UTF-8") -> DeadLetter:
    output = dead_letter(record, reason, message)
    return DeadLetter(0, 0, datetime(2026, 3, 2, tzinfo=UTC), output.key, output.value, tuple(output.headers))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_key_value_headers_and_message_are_masked_whatever_the_reason(reason: Reason) -> None:
    value = orjson.dumps(changed(COMMENT, {"note": f"call {MOBILE}"}))
    told: list[Header] = [("from", f"tel {MOBILE}".encode()), (f"x-{MOBILE}", b"1"), ("empty", None)]
    found = letter(Record(f"id-{CITIZEN}".encode(), value, told), reason, f"data.{MOBILE}: unknown")
    everything = b"|".join(
        [found.key or b"", found.value or b"", *(name.encode() + (text or b"") for name, text in found.headers)]
    )
    assert MOBILE.encode() not in everything
    assert CITIZEN.encode() not in everything
    assert found.told(MASKED) == "true"
    refusal = understood(found, found.arrival, "")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "MASKED"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_bodies_in_other_encodings_are_masked(encoding: str) -> None:
    text = f'{{"note": "电话 {MOBILE}，证件 {CITIZEN}"}}'
    found = letter(Record(b"k", text.encode(encoding)))
    kept = (found.value or b"").decode(encoding)
    assert (MOBILE in kept, CITIZEN in kept, found.told(MASKED)) == (False, False, "true")
    assert kept == text.replace(MOBILE, "*" * 11).replace(CITIZEN, "*" * 18)


def test_what_cannot_be_masked_is_withheld() -> None:
    broken = "电话 ".encode("utf-16") + MOBILE.encode("utf-16-le") + b"\x00"  # half a character at the end
    found = letter(Record(b"k", broken))
    assert (found.value, found.told(MASKED)) == (WITHHELD, "true")


def test_a_note_that_names_somebody_is_starred_whole() -> None:
    note = "王小明 住幸福路18号"
    found = letter(Record(b"k", orjson.dumps(changed(COMMENT, {"note": note}))), "PII_IN_TEXT", "data.note: names")
    assert orjson.loads(found.value or b"")["data"]["note"] == "*" * len(note)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (orjson.dumps(changed(type="reentry.else.v1", sequence="13800000000")), "UNKNOWN_TYPE"),
        (orjson.dumps(changed(id="172398472398472398", time="2026-03-13T15:20:30.123456+08:00")), "SCHEMA"),
        (b'{"broken": [1, 2', "MALFORMED"),
        (b"\xff\xfe\x00 \x01", "MALFORMED"),
        ("第一行\n第二行".encode("gb18030"), "MALFORMED"),
    ],
)
def test_what_names_nobody_stays_byte_for_byte_and_may_be_sent_again(value: bytes, reason: Reason) -> None:
    told: list[Header] = [("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("none", None)]
    found = letter(Record(b"p1_o2jmhljvic5yapacbm5o4zwnrc", value, told), reason)
    assert (found.key, found.value, found.own_headers()) == (b"p1_o2jmhljvic5yapacbm5o4zwnrc", value, told)
    assert found.told(MASKED) == ""
    refusal = understood(found, found.arrival, "")
    assert not isinstance(refusal, Refusal) or refusal.reason != "MASKED"


def test_a_number_at_the_cut_is_not_kept_in_part() -> None:
    value = b"x" * (VALUE_KEPT - 5) + b" " + MOBILE.encode() + b" " + b"y" * 1_000
    assert (letter(Record(b"k", value)).value or b"").endswith(b" ****")
