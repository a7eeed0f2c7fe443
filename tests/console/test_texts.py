"""Texts: each key that code and templates use is in the catalogue, each in the catalogue says the same with the same values."""

import re
from pathlib import Path

import pytest

from console.text.formatter import Words
from console.text.i18n import MissingText, catalogue, choose_language, texts
from handover.rules.rulebook import load
from schemas.agencies import AGENCY_TYPES
from schemas.catalogue import PAYLOADS, PAYLOADS_BY_FACT

FOLDER = Path(__file__).parents[2] / "console"
CJK = re.compile(r"[\u4e00-\u9fff]")
VALUE = re.compile(r"\{(\w+)\}")
USED = re.compile(r"""\bt\(\s*(?:f?)(["'])([^"'{}]+)\1""")
STATIC = [path for path in FOLDER.rglob("*") if path.suffix in (".html", ".py") and "node_modules" not in path.parts]


@pytest.mark.parametrize("path", STATIC, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_key_that_is_used_is_in_the_catalogue(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    keys = {found[2] for found in USED.finditer(text) if not text[found.end() :].lstrip().startswith("~")}
    assert not {key for key in keys if key not in catalogue() and f"{key}.one" not in catalogue()}, path


@pytest.mark.parametrize("path", [one for one in STATIC if one.suffix == ".html"], ids=lambda path: path.name)
def test_no_text_stands_in_a_template(path: Path) -> None:
    assert not CJK.search(path.read_text(encoding="utf-8"))


def test_both_languages_take_the_same_values_and_only_one_is_chinese() -> None:
    named_in_their_own = {"other_language", "other_language.long", "settings.language.zh"}
    for key, (chinese, english) in catalogue().items():
        few = {"month", "name"} if key.startswith("date.") else set()  # a month is a number here and a name there
        assert set(VALUE.findall(chinese)) - few == set(VALUE.findall(english)) - few, key
        assert key in named_in_their_own or not CJK.search(english), key


def test_facts_fields_agencies_and_states_all_have_names() -> None:
    known = catalogue()
    assert {f"fact.{fact}" for fact in PAYLOADS_BY_FACT} <= known.keys()
    assert {f"agency.{kind}" for kind in AGENCY_TYPES} <= known.keys()
    recordable = {type_ for rule in load("cn-default").rules for type_ in rule.missing}
    for type_ in recordable:
        for name, field in PAYLOADS[type_].model_fields.items():
            assert f"field.{field.alias or name}" in known, (type_, name)


def test_a_missing_key_is_an_error_and_one_has_its_own_form() -> None:
    with pytest.raises(MissingText):
        texts("en")("no.such.key")
    assert texts("en")("due.over.wd", n=1) == "1 working day over"
    assert texts("en")("due.over.wd", n=2) == "2 working days over"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr;q=1, en;q=0.2", "en"),
        ("en;q=x", "en"),
        ("*", "zh"),
    ],
)
def test_the_browsers_language(header: str, language: str) -> None:
    assert choose_language(header) == language


def test_offices_places_and_references_are_said_short() -> None:
    words = Words("zh", load("cn-default"))
    assert words.agency("COUNTY_JUSTICE-990102-01") == "县司法局 990102"
    assert words.agency("PRISON-990100-02") == "监狱 990100-02"
    assert words.agency("PLATFORM") == "平台运维"
    assert words.source("/agencies/LOCATION-990102-01/gps") == "定位系统 990102 · gps"
    assert words.place("990102004") == "乡镇 990102004"
    assert words.person("p1_ixccx2gkvzcl5waklenzuke5ip") == "P-IXCC-X2GK-5"
    assert words.rule("A11", "decide:R1") == "法律援助转介未决定"
    assert words.rule("A99") == "A99"
