"""What is wrong with a form: a text for each field, in the visitor's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.text.formatter import Words
from schemas.instants import CHINA, FIRST_YEAR, LAST_YEAR

FieldError = tuple[str, Mapping[str, Any]]  # the key of a text, and the values that it needs


class InvalidForm(ValueError):
    """A form that was read and cannot be accepted."""

    def __init__(self, errors: Mapping[str, FieldError]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


def describe_errors(words: Words, errors: Mapping[str, FieldError]) -> dict[str, str]:
    """What is wrong, by field."""
    return {name: words.t(key, **values) for name, (key, values) in errors.items()}


def to_china_time(at: datetime) -> datetime:
    """An instant in China's time; one without an offset is local. Raise InvalidForm for a year that nobody means."""
    if not FIRST_YEAR < at.year < LAST_YEAR:
        raise InvalidForm({"time": ("error.time", {})})
    return at.replace(tzinfo=CHINA) if at.tzinfo is None else at.astimezone(CHINA)
