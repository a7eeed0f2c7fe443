"""The reader and the exported schemas agree: thousands of spoilt events, judged by the reader and by two independent validators."""

import copy
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import orjson
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from schemas.catalogue import PAYLOADS
from schemas.examples import event_of
from schemas.export.export import COMMITTED, read
from schemas.parse import InvalidEvent, parse

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "schemas" / "metaschema" / "node_modules"
INSTALL = "npm ci --ignore-scripts --prefix schemas/metaschema"
COUNT = 9_000

# All that a JSON Schema cannot say of these events, and nothing else: where the reader is stricter, this is why.
CANNOT_SAY = (
    r"data\.survivor_ref: must equal subject",  # one field beside another
    r"subject: must equal source on the system topic",
    r"data\.[a-z_.0-9]+: more than .* (?:before|after) .*",  # the days between two fields, the width of a range
    r"data\.topics\.[0-9]+\.last_sequence: comes before first_sequence",
    r"[a-z_.]+: (?:Value error, )?must lie between .*",  # the instant of 1949 that only its offset puts before October
    r"[a-z_.]+: (?:Value error, )?must lie in the years .*",  # and that of 2199 that its offset puts behind December
    r"value: holds an ID-card or mobile number",  # numbers of a person anywhere
    r"value: holds a NUL character",  # in free text and unknown fields
    r"value: a whole number needs more than 64 bits.*",  # in unknown fields
    r"value: nested deeper than .*",
    r"data\.period: must be a period from one minute .*",
    r"data\.(?:successor_)?code: is neither the agency's own code .*",
)
_CANNOT_SAY = re.compile("|".join(f"(?:{one})" for one in CANNOT_SAY), re.DOTALL)

TEXTS = [
    *("", " ", "x", "x ", " x", "x\n", "a b", "\u200bx", "x\u00a0", "\ufeff", "é", "字" * 200, "字" * 201, "x" * 256, "x" * 257),
    *("\x00", "\x1b[31m", "a\u0085b", "\u3000", "\u2028", "😀", "e\u0301", "\U000e0041x", "\ue000"),
    *("2026-02-29", "2028-02-29", "2026-13-01", "2026-3-1", "20260301", "2026-W10-1", "1899-12-31", "1900-02-29", "1900-01-01"),
    *("2000-02-29", "2100-02-29", "2199-12-31", "2200-01-01", "2026-03-01\n", "２０２６-03-01", "٢٠٢٦-03-01"),
    *("2026-03-31T09:00:00Z", "2026-03-31t09:00:00z", "2026-03-31 09:00:00Z", "2026-03-31T09:00:00", "2026-03-31T09:00Z"),
    *("2026-03-31T24:00:00Z", "2016-12-31T23:59:60Z", "2026-03-31T09:00:00+23:59", "2026-03-31T09:00:00+24:00"),
    *("2026-03-31T09:00:00-00:00", "2026-03-31T09:00:00+0800", f"2026-03-31T09:00:00.{'1' * 9}Z", f"2026-03-31T09:00:00.{'0' * 32}Z"),
    *(f"2026-03-31T09:00:00.{'0' * 33}Z", "2026-03-31T09:00:00.Z", "2026-02-30T09:00:00Z", "1949-09-30T00:00:00Z"),
    *("1949-10-01T00:00:00+09:00", "1949-10-01T00:00:00+08:00", "1900-01-01T00:00:00Z", "2199-12-31T23:00:00-08:00"),
    *("PT15M", "P1W", "P9W", "P10W", "P1W2D", "P99D", "P100D", "P1DT12H", "PT999H", "PT1000H", "PT1H1S", "PT0S", "P0D", "P", "PT", "P1M", "P1Y"),
    *("PT0.5S", "PT0.000S", "PT1.5H", "-PT1H", "PT1M1H", "pt1h"),
    *("1", "0" * 18, "1" * 9, "0" * 19, "-1", "1e3", "٣", "99", "990102", "9901020", "990102004", "990102\n"),
    *("PRISON-990100-01", "PRISON-990100-1", "JAIL-990100-01", "/agencies/PRISON-990100-01", "/agencies/PRISON-990100-01/mis", "/pipeline"),
    *("p1_" + "a" * 26, "p1_" + "A" * 26, "d1_" + "a" * 26, "ev-1", "1.0", "0.3", "OTHER", "EXPIRY", "expiry"),
    *("application/json", "Application/JSON; charset=utf-8", "application/problem+json", "application/xml", "text/json", "application/json;\n"),
]  # fmt: skip
NUMBERS = [
    0,
    1,
    -1,
    7,
    2026,
    2200,
    1.0,
    2.0,
    -0.0,
    0.5,
    1e5,
    100_000.5,
    10_001,
    86_400_000,
    86_400_001,
    10**15,
    1e15,
    10**16,
    1e300,
    -(2**63),
    2**53,
]
OTHERS: list[Any] = [None, True, False, [], {}, [""], ["x"], [None], [[]], {"a": 1}, {"": ""}]
VALUES: list[Any] = [*TEXTS, *NUMBERS, *OTHERS]
NAMES = [
    "note",
    "x1",
    "Note",
    "a_b",
    "a b",
    "",
    "é",
    "data2",
    "x" * 64,
    "x" * 65,
    "new_field",
    "\n",
    "traceparent",
    "corrects",
    "handoverid",
    "receivedtime",
]
LENGTHS = (0, 2, 100, 101, 200, 201, 400, 401, 1_000, 1_001)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key or index) of a JSON value."""
    for name, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, name
        if isinstance(one, dict | list):
            yield from places(one)


def value(dice: Random) -> Any:
    return copy.deepcopy(dice.choice(VALUES))


def alike(was: Any, dice: Random) -> Any:
    """A value of the same kind: another instant for an instant, another number for a number."""
    if isinstance(was, str):
        return dice.choice(
            [text for text in TEXTS if text[:1] == was[:1] and ("T" in text[1:]) == ("T" in was[1:])] or TEXTS
        )
    return dice.choice(NUMBERS) if isinstance(was, int | float) and not isinstance(was, bool) else value(dice)


def spoil(event: dict[str, Any], dice: Random) -> None:
    container, name = dice.choice(list(places(event)))
    match dice.randrange(10):
        case 0:
            del container[name]
        case 1 if isinstance(container, dict):
            container[dice.choice(NAMES)] = value(dice)
        case 2 if isinstance(container[name], list):
            container[name] = (container[name] or [value(dice)]) * dice.choice(LENGTHS)
        case 3:
            container[name] = [container[name]] * dice.choice((1, 2))
        case 4:
            event[dice.choice(NAMES)] = value(dice)
        case 5 | 6 | 7:
            container[name] = alike(container[name], dice)
        case _:
            container[name] = value(dice)


def spoilt() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each type as it should be, each of its places with some values, and mixtures."""
    dice = Random(20260301)
    types = sorted(PAYLOADS)
    for type_ in types:
        yield type_, copy.deepcopy(event_of(type_))
    for number in range(COUNT):
        event = copy.deepcopy(event_of(types[number % len(types)]))
        for _ in range(dice.choice((1, 1, 1, 2))):
            spoil(event, dice)
        yield types[number % len(types)], event


def _as_ecma_does(validator: Any, pattern: str, value: object, schema: object) -> Iterator[ValidationError]:
    """Patterns as the schemas' dialect means them: `$` is the end, and not also the place before a last line break."""
    if isinstance(value, str) and re.search(re.sub(r"\$\Z", r"\\Z", pattern), value) is None:
        yield ValidationError("pattern")


Validator = extend(Draft202012Validator, {"pattern": _as_ecma_does})


@cache
def strict() -> list[bool]:
    """What ajv says of them in strict mode, formats included."""
    assert (MODULES / "ajv").exists(), f"install the validator: {INSTALL}"
    lines = b"\n".join(orjson.dumps(one) for one in spoilt())
    ran = subprocess.run(
        ["node", str(HERE / "strict.mjs"), str(COMMITTED), str(MODULES)], input=lines, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()[-2_000:]
    return [verdict == "1" for verdict in ran.stdout.decode().split()]


def test_strict_mode_takes_all_schemas_and_all_examples() -> None:
    assert strict()[: len(PAYLOADS)] == [True] * len(PAYLOADS)


def test_two_validators_and_the_reader_agree() -> None:
    documents = read(COMMITTED)
    validators = {type_: Validator(documents[f"{type_}.json"]) for type_ in PAYLOADS}
    judged, taken, only_read = 0, 0, 0
    for (type_, event), by_ajv in zip(spoilt(), strict(), strict=True):
        by_jsonschema = validators[type_].is_valid(event)
        assert by_jsonschema == by_ajv, (type_, event)
        errors: tuple[str, ...] = ()
        try:
            parse(orjson.dumps(event))
        except InvalidEvent as error:
            errors = error.errors
        if by_ajv:
            assert all(_CANNOT_SAY.fullmatch(one) for one in errors), (type_, errors, event)
            only_read += bool(errors)
        else:
            assert errors, (type_, event)
        judged, taken = judged + 1, taken + by_ajv
    assert judged > COUNT
    assert COUNT / 20 < taken < COUNT
    assert 0 < only_read < COUNT / 20
