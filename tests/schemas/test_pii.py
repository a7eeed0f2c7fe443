import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.pii import (
    found_in,
    found_in_bytes,
    found_in_event,
    holds_number,
    identifies,
    mask,
    mask_bytes,
    may_hold_number,
    row_in,
    shape_of,
)
from schemas.prose import names_person
from tests.schemas.examples import COMMENT, changed, message_for, reason_for

# Made up: the prefix 99 is no province. The first has the check digit that the standard asks for.
CITIZEN, CITIZEN_X = "990102199001011237", "99010219900101123X"
MOBILE = "19900000000"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def citizen(area: int, birth: date, nth: int) -> str:
    """A made-up number with its check digit."""
    digits = f"99{area:04d}{birth:%Y%m%d}{nth:03d}"
    return digits + "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, digits, strict=True)) % 11]


def _may_hold_number(value: bytes) -> bool:
    shape = shape_of(value)
    return may_hold_number(value, shape, row_in(shape))


citizens = st.builds(
    citizen, st.sampled_from([101, 2203, 9001]), st.dates(date(1920, 1, 1), date(2014, 12, 31)), st.integers(0, 999)
)
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
        "99010219900101123X",  # of a text that is no counter the check digit is not asked
        "1990\u200b0000000",
        "19\u00ad900\ufe0f000\u2060000",
        "199\u00a00000\u00a00000",
        "199\u202f0000\u202f0000",
        "199\u30000000\u30000000",
        "199.0000.0000",
        "199·0000·0000",
        "199–0000—0000",
        "199/0000/0000",
        "199,0000,0000",
        "(199) 0000 - 0000",
        "【199】00000000",
        "199 00000000",
        "19900-000000",
        "1 9 9 0 0 0 0 0 0 0 0",
        "1-9-9-0-0-0-0-0-0-0-0",
        "19-90-00-00-00-0",
        "8619900000000",
        "008619900000000",
        "0086-199-0000-0000",
        "+86 (199) 0000 0000",
        "T19900000000",
        "号19900000000f",
        "请打c19900000000",
        "𝟏𝟗𝟗𝟎𝟎𝟎𝟎𝟎𝟎𝟎𝟎",
        "١٩٩٠٠٠٠٠٠٠٠",
        "१९९००००००००",
        "①⑨⑨⓪⓪⓪⓪⓪⓪⓪⓪",
        "1️⃣9️⃣9️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣",
        "1\u03019900000000",
        "一九九〇〇〇〇〇〇〇〇",
        "壹玖玖零零零零零零零零",
        "联系一9九〇0000零00",
        "\\u0031\\u0039900000000",
        "990102900101123",  # of 15 digits, until 1999
        "9901 0219 9001 0112 37",
        "990102-19900101-1237",
        "990102 1990 0101 1237",
        "990102\u00a019900101\u00a01237",
        "990102,19900101,1237",
        "9901021990\u200b01011237",
        "T990102199001011237",
        "990102199001011237f",
        "990102 19900101 123 x",
        f"ab{CITIZEN}cd",
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
        "D19900000000",  # twelve hexadecimal digits: a code
        "1766666666666",  # milliseconds
        "1766666666666123",  # microseconds
        "1766666666666123456",  # nanoseconds
        "172398472398472398",  # a snowflake of 18 digits
        "（2026）苏0102刑初123号",
        "2026-03-13 15:20 至 2026-04-15 16:30",
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


JOINTS = st.sampled_from([" ", "-", ".", "/", "_", "\u00a0", "\u200b", "–", "·", "", "", " - ", "("])


@given(numbers, st.lists(JOINTS, min_size=17, max_size=17), around, st.booleans())
def test_the_quick_search_passes_over_nothing_that_the_whole_one_finds(
    number: str, joints: list[str], before: str, escaped: bool
) -> None:
    text = before + "".join(digit + joint for digit, joint in zip(number, joints, strict=False)) + number[17:]
    value = json.dumps(changed(COMMENT, {"note": text}), ensure_ascii=escaped).encode()
    assert _may_hold_number(value) or not found_in_event(orjson.loads(value))


@given(st.text(st.sampled_from("0123456789xX-. ,/_()|*ab一〇\u200b１"), max_size=40))
def test_the_quick_search_agrees_on_any_row(text: str) -> None:
    value = json.dumps(text, ensure_ascii=False).encode()
    assert _may_hold_number(value) or not found_in(text)


@given(numbers, st.lists(st.sampled_from(["", "\u200b", "\u00a0", "-", "\u0301"]), min_size=18, max_size=18))
def test_every_spelling_is_masked(number: str, joints: list[str]) -> None:
    text = "电话：" + "".join(digit + joint for digit, joint in zip(number, joints, strict=False))
    assume(holds_number(text))
    assert not holds_number(mask(text))
    assert not found_in_bytes(mask_bytes(json.dumps(text).encode()))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "utf-8-sig"])
@pytest.mark.parametrize(
    "text", ["电话 19900000000 请回", "电话１９９００００００００请回", "号码990102-19900101-1237。"]
)
def test_bodies_in_other_encodings_are_masked(encoding: str, text: str) -> None:
    kept = mask_bytes(text.encode(encoding))
    assert found_in_bytes(text.encode(encoding))
    assert not found_in_bytes(kept)
    assert "*" * 11 in kept.decode(encoding)
    plain = "今天没有号码".encode(encoding)
    assert mask_bytes(plain) == plain


def hostile(size: int) -> Iterator[str]:
    """Texts made to be slow, of about `size` bytes each."""
    for part in (
        "13800138000a", "1", "13800138000 ", "1 ", "1-", "1 - ", "１", "1\u0301", "\u200b", "1\u200b", "\\u0031", "\\", "1x",
        "110101900307851 ", "990102199001011237,", "12345678-", "5f0c2f1e-7d5b-5d0e-9a3e-019900000000", "一", "住  一一一一",
        "路一二三四", "tel 1234", "Aa ", '"note":"', '"note":"王小明 住', "a" * 64 + "1", "，", "138,0013,8000,", "138,",
    ):  # fmt: skip
        yield part * (size // len(part.encode()))


def seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        since = time.process_time()
        work()
        taken.append(time.process_time() - since)
    return min(taken)


WORK: tuple[Callable[[str], object], ...] = (
    holds_number,
    identifies,
    mask,
    names_person,
    lambda text: mask_bytes(text.encode()),
    lambda text: found_in_bytes(text.encode("utf-16")),
    lambda text: _may_hold_number(text.encode()),
)


@pytest.mark.parametrize("size", [8_000, pytest.param(60_000, marks=pytest.mark.slow)])
def test_work_grows_as_the_text_does(size: int) -> None:
    for small, large in zip(hostile(size), hostile(4 * size), strict=True):
        for work in WORK:
            less, more = seconds(lambda: work(small)), seconds(lambda: work(large))  # noqa: B023
            assert more < 0.02 + 10 * less, (small[:20], less, more)  # four times the size; quadratic would be sixteen


@pytest.mark.parametrize(
    ("size", "limit"), [(100_000, 0.25), pytest.param(1_000_000, 2.5, marks=pytest.mark.slow)], ids=["100 kB", "1 MB"]
)
def test_a_large_record_takes_no_seconds(size: int, limit: float) -> None:
    for text in hostile(size):
        value = text.encode()
        assert seconds(lambda: mask_bytes(value)) < limit, text[:20]  # noqa: B023


def test_rather_too_much_is_masked_than_too_little() -> None:
    assert b"19900000000" not in mask_bytes(b"19900000000a" * 50)
