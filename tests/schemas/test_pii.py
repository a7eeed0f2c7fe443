import json
import uuid
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.pii import holds_number, identifies, mask, mask_bytes
from tests.schemas.examples import COMMENT, changed, message_for, reason_for

# Made up: the prefix 99 is no province. The first has the check digit that the standard asks for.
CITIZEN, CITIZEN_X = "990102199001011237", "99010219900101123X"
MOBILE = "19900000000"
citizens = st.from_regex(r"[1-9][0-9]{16}[0-9Xx]", fullmatch=True)
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
numbers = st.one_of(citizens, mobiles)
around = st.text(st.sampled_from(" ,.:;()/-_\n电话身份证，。"), max_size=6)


@given(around, numbers, around)
def test_a_number_is_found_in_any_text(before: str, number: str, after: str) -> None:
    assert holds_number(before + number + after)


@given(st.sampled_from([COMMENT]), around, numbers, around)
def test_an_event_with_a_number_is_refused_and_the_number_never_told(
    type_: str, before: str, number: str, after: str
) -> None:
    sent = changed(type_, {"note": before + number + after})
    assert reason_for(sent) == "PII_IN_TEXT"
    assert number not in message_for(sent)


@pytest.mark.parametrize(
    "text",
    [
        f"tel{MOBILE}",
        f"ID{CITIZEN}",
        f"wechat:{MOBILE}",
        f"+86{MOBILE}",
        f"+86 {MOBILE}",
        f"86-{MOBILE}",
        "199-0000-0000",
        "199 0000 0000",
        "tel 199-0000-0000",
        "990102 19900101 1237",
        CITIZEN_X,
        CITIZEN_X.lower(),
        "１９９００００００００",
        "电话１９９００００００００，请回",
        f"{MOBILE}_{MOBILE}",
    ],
)
def test_numbers_are_found_as_people_write_them(text: str) -> None:
    assert holds_number(text)
    assert reason_for(changed(COMMENT, {"note": text})) == "PII_IN_TEXT"


@pytest.mark.parametrize(
    "text",
    [
        "1990000000",  # ten digits
        "199000000001",  # twelve
        "12900000000",  # no mobile number begins so
        "99010219900101123",  # seventeen
        "9901021990010112371",  # nineteen
        "9901021990010112XX",
        "p1_o2jmhljvic5yapacbm5o4zwnrc",
        "5f0c2f1e-7d5b-5d0e-9a3e-019900000000",  # twelve hexadecimal digits
        "5f0c2f1e-7d5b-5d0e-9a3e-a19900000000",
        "D19900000000",  # a code, not a word
        f"ab{CITIZEN}cd",  # hexadecimal
        "(2026)990102刑初4711号",
        "D-2026-0042",
        "COUNTY_JUSTICE-990102-01",
        "2026-02-26T09:12:00.123456+08:00",
        "990102-20260226-0042",
        "01HV19900000000ABCDEFGHJKM",
    ],
)
def test_other_numbers_and_tokens_are_left_alone(text: str) -> None:
    assert not holds_number(text)
    assert reason_for(changed("reentry.release.decision_effective.v1", {"decision_no": text})) == ""


@given(st.uuids())
def test_a_uuid_is_never_taken_for_a_number(value: uuid.UUID) -> None:
    assert not holds_number(str(value))
    assert not holds_number(value.hex)


@given(st.binary(max_size=8))
def test_a_hash_is_never_taken_for_a_number(value: bytes) -> None:
    found = sha256(value).hexdigest()
    assume(not found.isdigit())
    assert not holds_number(found)


@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26))
def test_a_reference_is_never_taken_for_a_number(text: str) -> None:
    assert not holds_number(f"p1_{text}")
    assert reason_for(changed(subject=f"p1_{text}")) == ""


@given(st.integers(10**18, 10**30))
def test_a_longer_number_is_none(value: int) -> None:
    assert not holds_number(str(value))


@pytest.mark.parametrize(
    "data",
    [
        {"detail": {"deep": [{"er": [MOBILE]}]}},
        {f"of {CITIZEN}": True},
        {"detail": int(MOBILE)},
        {"detail": int(CITIZEN)},
        {"detail": float(MOBILE)},
        {"detail": [None, False, MOBILE]},
        {"detail": {MOBILE: {}}},
    ],
    ids=["value", "key", "integer", "18-digit integer", "float", "list", "inner key"],
)
def test_numbers_are_found_anywhere_in_a_payload(data: dict[str, object]) -> None:
    assert reason_for(changed(data=data)) == "PII_IN_TEXT"


@pytest.mark.parametrize("name", ["subject", "id", "handoverid", "corrects", "source", "note"])
def test_numbers_are_found_in_the_envelope(name: str) -> None:
    for text in (f"/agencies/{CITIZEN}", f"tel {MOBILE}"):
        attribute: dict[str, Any] = {name: text}
        assert reason_for(changed(**attribute)) == "PII_IN_TEXT"


def test_an_event_id_of_18_digits_is_an_id_unless_it_could_name_a_person() -> None:
    assert identifies(CITIZEN)
    assert not identifies("172398472398472398")
    assert reason_for(changed(id="172398472398472398")) == ""
    assert reason_for(changed(sequence="13800000000")) == ""


def test_escapes_do_not_hide_a_number() -> None:
    note = "".join(f"\\u{ord(digit):04x}" for digit in MOBILE)
    line = orjson.dumps(changed(COMMENT, {"note": "here"})).replace(b'"here"', f'"{note}"'.encode())
    assert reason_for(line) == "PII_IN_TEXT"


def test_a_record_that_is_no_event_is_refused_for_its_numbers_first() -> None:
    assert reason_for(f"call {MOBILE}".encode()) == "PII_IN_TEXT"
    assert reason_for(f'{{"note": "{MOBILE}", "note": "ok"}}'.encode()) == "PII_IN_TEXT"
    assert reason_for(changed(COMMENT, {"note": MOBILE}, type="reentry.else.v1")) == "PII_IN_TEXT"


@given(around, numbers, around, st.booleans())
def test_masked_bytes_hold_no_number_any_more(before: str, number: str, after: str, escaped: bool) -> None:
    value = json.dumps(changed(COMMENT, {"note": before + number + after}), ensure_ascii=escaped).encode()
    assert reason_for(mask_bytes(value)) != "PII_IN_TEXT"
    assert number.encode() not in mask_bytes(value)


def test_masked_bytes_keep_what_is_no_number() -> None:
    for value in (orjson.dumps(changed()), b"\xff\xfe\x00 not UTF-8", b'{"a": "\\u5f20\\n"}'):
        assert mask_bytes(value) == value


@pytest.mark.parametrize(
    ("escaped", "masked"),
    [
        (b'"\\n19900000000"', b'"\\n***********"'),
        (b'"\\u00001990000000\\u0030"', b'"\\u0000***********"'),
        (b"19900000000", b"***********"),
        (b"a19900000000f", b"a***********f"),
    ],
)
def test_masking_sees_through_escapes_and_rather_masks_too_much(escaped: bytes, masked: bytes) -> None:
    assert mask_bytes(escaped) == masked


def test_a_log_line_shows_neither_numbers_nor_whole_references() -> None:
    line = (
        f"p1_o2jmhljvic5yapacbm5o4zwnrc d1_dcwd442d6alisdcrb2j7snjgcf {CITIZEN_X} tel{MOBILE}，１９９００００００００"
    )
    assert mask(line) == f"p1_o2jm… d1_dcwd… {'*' * 18} tel{'*' * 11}，{'*' * 11}"
