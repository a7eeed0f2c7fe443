"""Rule books as nobody should write them: the shipped one, changed in letters, lines and values."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from handover.rules.rulebook import BOOKS, InvalidRuleBook, RuleBook, load

_SHIPPED = (BOOKS / "cn-default.toml").read_text(encoding="utf-8")
_VALUES = (
    *('""', "0", "-1", "9" * 5_000, "1.5", "nan", "inf", "true", "[]", "{}", "[[]]", '["x"]', "[1]", "[[1], {}]", '"within"', '"3 wd"', '"99999999 d"'),
    *('"９ d"', '"1 month + 3 h"', '"a\\nb"', '"\\u0000"', "2026-01-01", "12:00:00", '"release date"', '"later intake.registered[x=]"', "[" * 3_000 + "]" * 3_000),
    *('{ zh = [], en = 1 }', '[{ at = "due", severity = [] }]', '[{ at = "due + 999999 wd", severity = "HIGH" }]', '"' + "x" * 50_000 + '"'),
)  # fmt: skip
_LINES = (
    *("[[rule]]", "[rule]", "[roles]", "book = 1", 'extends = "cn-default@1"', 'extends = "/"', 'extends = ["a"]', 'extends = "\\u0000"', "rule = 1", "x = 1"),
    *('"a\\nb" = 1', "[codes]", "codes = 1", "[late_limit]", 'late_limit = "x"', "off = 1", "off = true", "roles = []", "]", "= 1", "\x01", "id = 7", "part = []"),
)  # fmt: skip


def _letters(text: str, dice: Random) -> str:
    at = dice.randrange(len(text))
    put = dice.choice(("", '"', "[", "]", "=", "\n", "\t", "{", "\\", "é", "\x00", text[at : at + 40]))
    return text[:at] + put + text[at + dice.choice((0, 1, 1, 20)) :]


def _line(text: str, dice: Random) -> str:
    lines = text.splitlines()
    at = dice.randrange(len(lines))
    match dice.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, dice.choice(_LINES))
        case 2:
            lines.insert(at, dice.choice(lines))
        case _:
            other = dice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines)


def _value(text: str, dice: Random) -> str:
    lines = text.splitlines()
    given = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    at = dice.choice(given)
    name = lines[at].partition(" = ")[0]
    lines[at] = f"{name} = {dice.choice(_VALUES)}"
    return "\n".join(lines)


_CHANGES: Sequence[Callable[[str, Random], str]] = (_letters, _line, _value, _value)


def books(seed: int) -> Iterator[bytes]:
    """Texts of books without end: a few rules each, so that a thousand are read in a second."""
    dice = Random(f"books {seed}")
    head, *rules = _SHIPPED.split("\n[[rule]]\n")
    last, _, tail = rules[-1].partition("\n[codes.")
    rules[-1] = last
    while True:
        text = "\n[[rule]]\n".join((head, *dice.sample(rules, 3))) + ("\n[codes." + tail if dice.random() < 0.1 else "")
        for change in dice.choices(_CHANGES, k=dice.choice((1, 1, 2, 4))):
            text = change(text, dice)
        data = text.encode(errors="replace")
        yield data if dice.random() < 0.98 else data.replace(b"=", dice.choice((b"\xff", b"\xef\xbb\xbf", b"\r")), 3)


def outcome(path: Path) -> RuleBook | str:
    """A book, or the one line that says what is wrong with it. Anything else is raised."""
    try:
        return load(path)
    except InvalidRuleBook as error:
        line = str(error)
        assert line.isprintable(), f"not one line: {line!r}"
        assert line.startswith(f"{path}: "), f"no file: {line}"
        assert len(line) > len(f"{path}: "), "says nothing"
        return line
