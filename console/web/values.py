"""Values that stand in an address or a form, as what they are meant to be; None for what they cannot be."""

import re
from datetime import UTC, datetime

from schemas.instants import instant

_RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_DIGITS = 18  # what every database holds
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

# Control characters but tab and line ends, lone surrogates, and what turns the direction of writing.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def strip_invisible(text: str) -> str:
    """A text without what is not seen and yet acts on whoever reads it: on a page, in a cell, in a terminal."""
    return _UNSEEN.sub("", text)


def is_rule_id(text: str) -> bool:
    """Whether a text can be the id of a rule: any book may name its own."""
    return _RULE_ID.fullmatch(text) is not None


def read_number(text: str, *, digits: int = _DIGITS) -> int | None:
    """A number written in ASCII digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def read_time(text: str) -> datetime | None:
    """An instant with its offset, of a year in which anything can have happened."""
    try:
        return check_time(datetime.fromisoformat(text))
    except ValueError:
        return None


def check_time(at: datetime) -> datetime | None:
    """The instant, where it has an offset and any offset can be reckoned of it."""
    if at.tzinfo is None or not _FIRST.year <= at.year < _LAST.year:
        return None
    return at if _FIRST <= at < _LAST else None


def read_instant(text: str) -> datetime | None:
    """An instant with its offset; None for anything else."""
    try:
        return check_time(instant(text.replace(" ", "+"))) if text else None
    except ValueError:
        return None
