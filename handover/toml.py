"""TOML that somebody else has written, read in time that grows with its length only."""

import re
import tomllib
from typing import Any

_MOST_PARTS = 16  # of a key like a.b.c: what a key costs grows with the square of its parts
_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_MOST_PARTS}}}")


class InvalidToml(ValueError):
    """A text that is no TOML, or has keys or numbers longer than anybody needs. It says where, in one line."""


def parse_toml(text: str) -> dict[str, Any]:
    """Read a document. Raise InvalidToml."""
    long = _LONG_KEY.search(text)
    if long is not None:
        line = text.count("\n", 0, long.start()) + 1
        raise InvalidToml(f"a key of more than {_MOST_PARTS} parts (at line {line}, column 1)")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond what is read
        raise InvalidToml(str(error) or "nested too deeply") from error
