"""Refs of persons, their audit, keys, signatures: pure parts of the gateway."""

from pathlib import Path

import orjson
import pytest

from gateway import receipts, signing
from gateway.api_keys import InvalidKeys, make_key, read_keys
from gateway.person_refs import InvalidNumber, InvalidPersonKeys, PersonKeys, normalise, read_person_keys
from gateway.reference_audit import BrokenAudit, ReferenceAudit, verify
from gateway.signing import Forged
from schemas.receipt import read_receipt_id, receipt_id
from schemas.topics import SOURCES
from tests.gateway.fixtures import COUNTY, KEYS, citizen_number, event, signer

NUMBER = citizen_number()


def test_every_way_to_write_a_number_gives_one_ref() -> None:
    with_x = next(one for one in (citizen_number(serial=f"{n:03}") for n in range(1, 99)) if one.endswith("X"))
    full_width = "".join(chr(ord(one) + 0xFEE0) for one in with_x)
    written = [with_x, with_x.lower(), f" {with_x[:6]} {with_x[6:]}\t", full_width]
    assert len({KEYS.refs_of(one)[2] for one in written}) == 1


def test_an_old_number_is_the_same_person() -> None:
    assert normalise(NUMBER[:6] + NUMBER[8:17]) == NUMBER


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        NUMBER[:-1],
        NUMBER + "1",
        NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2"),
        citizen_number(born="19900230"),
        "十" * 18,
    ],
)
def test_a_mistyped_number_gives_no_ref(wrong: str) -> None:
    with pytest.raises(InvalidNumber) as told:
        KEYS.refs_of(wrong)
    assert not wrong or wrong not in str(told.value)


def test_a_rotation_keeps_who_somebody_was(tmp_path: Path) -> None:
    first = PersonKeys(0, {}).rotated()
    second = first.rotated()
    path = tmp_path / "keys.toml"
    path.write_text(second.text(), encoding="utf-8")
    read = read_person_keys(path)
    assert read == second
    assert read.refs_of(NUMBER)[1] == first.refs_of(NUMBER)[1]
    assert list(read.refs_of(NUMBER)) == [2, 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "current = 1",
        'current = 1\n[keys]\n1 = "zz"',
        'current = 1\n[keys]\n1 = "00"',
        f'current = 2\n[keys]\n1 = "{"0" * 64}"',
    ],
)
def test_a_spoilt_file_of_keys_is_refused_without_a_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidPersonKeys) as told:
        read_person_keys(path)
    assert "0" * 64 not in str(told.value)


def audit(path: Path) -> ReferenceAudit:
    return ReferenceAudit(path, b"k" * 32)


def test_the_audit_goes_on_after_a_restart_and_holds(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    for number in range(3):
        audit(path).append({"ref": str(number)})
    assert verify(path, b"k" * 32)[0] == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[1:],
        lambda rows: [rows[0], rows[2]],
        lambda rows: [rows[1], rows[0], rows[2]],
        lambda rows: [rows[0].replace(b'"0"', b'"9"'), *rows[1:]],
        lambda rows: [*rows, b"{}\n"],
    ],
)
def test_an_audit_that_was_changed_does_not_hold(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "audit"
    one = audit(path)
    for number in range(3):
        one.append({"ref": str(number)})
    path.write_bytes(b"".join(spoil(path.read_bytes().splitlines(keepends=True))))  # type: ignore[operator]
    with pytest.raises(BrokenAudit):
        audit(path)


def test_an_audit_under_another_key_does_not_hold(tmp_path: Path) -> None:
    audit(tmp_path / "audit").append({"ref": "1"})
    with pytest.raises(BrokenAudit):
        verify(tmp_path / "audit", b"o" * 32)


@pytest.mark.parametrize("topic", SOURCES)
def test_an_id_of_a_receipt_names_its_record(topic: str) -> None:
    assert read_receipt_id(receipt_id(topic, 3, 1207)) == (topic, 3, 1207)


@pytest.mark.parametrize(
    "text", ["", "alert-1-2", "release-1", "release-1-2-3", "release--1-2", "release-1-²", "release-1-" + "9" * 30]
)
def test_another_text_is_no_id_of_a_receipt(text: str) -> None:
    with pytest.raises(ValueError, match="no id of a receipt"):
        read_receipt_id(text)


def test_a_receipt_that_was_changed_anywhere_is_forged() -> None:
    own = signer()
    signed = receipts.sign(
        receipts.make_receipt("in_log", ("reentry.intake.v1", 1, 2), 1_770_000_000_000, orjson.dumps(event()), ()), own
    )
    whole = orjson.loads(receipts.encode(signed))
    assert receipts.verify(orjson.dumps([whole]), own.public) == [signed.receipt]
    for name, value in whole["receipt"].items():
        other = {**whole, "receipt": {**whole["receipt"], name: "x" if value != "x" else "y"}}
        with pytest.raises(Forged):
            receipts.verify(orjson.dumps(other), own.public)
    with pytest.raises(Forged):
        receipts.verify(orjson.dumps(whole), signer().public)


def test_the_digest_of_a_binary_record_covers_its_attributes() -> None:
    headers = [("ce_id", b"1"), ("ce_source", COUNTY.encode()), ("traceparent", b"x")]
    one = receipts.digest(b"{}", headers)
    assert receipts.digest(b"{}", [*headers[1::-1], ("traceparent", b"y")]) == one
    assert receipts.digest(b"{}", [("ce_id", b"2"), *headers[1:]]) != one


@pytest.mark.parametrize(
    "rows",
    [
        'id = "1"',
        'id = "1"\nsha256 = "0"\nsource = "x"',
        'id = 1\nsha256 = "0"\nsource = "x"',
        f'id = "1"\nsha256 = "0"\nsource = "{COUNTY}"\ntypes = []',
        f'id = "1"\nsha256 = "0"\nsource = "{COUNTY}"\nrate = "fast"',
        f'id = "1"\nsha256 = "0"\nsource = "{COUNTY}"\nmore = 1',
    ],
)
def test_a_spoilt_entry_of_a_key_is_named(tmp_path: Path, rows: str) -> None:
    (tmp_path / "keys").write_text(f"[[key]]\n{rows}\n", encoding="utf-8")
    with pytest.raises(InvalidKeys, match="key 1"):
        read_keys(tmp_path / "keys")


def test_a_key_is_read_as_it_was_made(tmp_path: Path) -> None:
    key, _ = make_key(COUNTY, ("intake.*",), person_refs=True)
    (tmp_path / "keys").write_text(key.entry(), encoding="utf-8")
    assert read_keys(tmp_path / "keys") == {key.id: key}


def test_keys_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("no key", encoding="utf-8")
    for read in (signing.Signer.read, signing.read_public):
        with pytest.raises(signing.InvalidKeyFile):
            read(path)
