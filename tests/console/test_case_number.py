"""Short numbers of persons and disputes: made from the reference, read back from what people type, wrong ones noticed."""

import random

import pytest

from console.text.case_number import read_case_number, write_case_number

REF = "p1_ixccx2gkvzcl5waklenzuke5ip"
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def test_a_number_is_read_back_as_the_beginning_of_its_reference() -> None:
    drawn = random.Random(22)
    for kind in ("p1_", "d1_"):
        for _ in range(200):
            ref = kind + "".join(drawn.choices(ALPHABET, k=26))
            number = write_case_number(ref)
            assert number is not None
            assert read_case_number(number) == (ref[:11], True)


@pytest.mark.parametrize(
    "change", [str.lower, lambda n: n.replace("-", ""), lambda n: n.replace("-", " "), lambda n: f" {n}\t"]
)
def test_case_spaces_and_dashes_do_not_matter(change: object) -> None:
    number = write_case_number(REF)
    assert number is not None
    assert callable(change)
    assert read_case_number(change(number)) == (REF[:11], True)


def test_one_wrong_character_is_always_noticed() -> None:
    number = (write_case_number(REF) or "").replace("-", "")
    for place in range(1, len(number)):
        for one in ALPHABET.upper():
            if one != number[place]:
                told = read_case_number(number[:place] + one + number[place + 1 :])
                assert told is not None
                assert not told[1], (place, one)


def test_two_exchanged_neighbours_are_noticed() -> None:
    drawn, missed, tried = random.Random(7), 0, 0
    for _ in range(300):
        number = (write_case_number("p1_" + "".join(drawn.choices(ALPHABET, k=26))) or "").replace("-", "")
        for place in range(1, len(number) - 1):
            if number[place] != number[place + 1]:
                told = read_case_number(number[:place] + number[place + 1] + number[place] + number[place + 2 :])
                tried, missed = tried + 1, missed + (told is not None and told[1])
    assert missed / tried < 0.01


def test_what_looks_alike_is_read_as_what_was_meant() -> None:
    number = write_case_number("p1_oibgoibgaaaaaaaaaaaaaaaaaa")
    assert number is not None
    assert read_case_number(number.replace("O", "0").replace("I", "1").replace("B", "8")) == ("p1_oibgoibg", True)


@pytest.mark.parametrize("text", ["", "p1_ixcc", "/agencies/PRISON-990100-01", "97f0550e", "990102", "P-IXCC-X2GK"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_case_number(text) is None
    assert write_case_number(text) is None
