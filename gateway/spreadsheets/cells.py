"""What one cell says: the value of its field, or what is wrong with it in the office's words."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

import orjson

from gateway.spreadsheets.columns import NO, YES, Column, Kind
from gateway.spreadsheets.sheet import clean
from schemas import pii
from schemas.instants import CHINA

_DAY = r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?"
_DATE = re.compile(rf"{_DAY}|(\d{{4}})(\d{{2}})(\d{{2}})", re.ASCII)
_INSTANT = re.compile(
    rf"{_DAY}\s*(?:T|\s)?\s*(\d{{1,2}})\s*[:：时点]\s*(\d{{1,2}})\s*(?:分|[:：]\s*(\d{{1,2}}))?", re.ASCII
)
_BETWEEN = re.compile(r"[,，、;；\n]")
_SURE_INTEGER = 10**15  # a spreadsheet keeps no more digits of a number
_YES = frozenset((*YES, "true", "1", "√", "y"))
_NO = frozenset((*NO, "false", "0", "×", "n"))

PERSONAL = "含身份证号或手机号：请改用人员代号 / holds an ID-card or telephone number: use the person_ref"
ROUNDED = "数字过长，表格已改动末几位：请设为文本后重填 / too long for a number, the spreadsheet has rounded it: write it as text"
NEEDED = "必填 / must be filled in"
NO_DATE = "不是日期，请写作 2026-03-05 / no date: write it like 2026-03-05"
NO_INSTANT = "请写明日期和时刻，如 2026-03-05 09:20 / write the day and the time of day, like 2026-03-05 09:20"
NO_CHECK = "请填“是”或“否” / write yes or no"
NO_NUMBER = "不是数字 / no number"
NO_TEXT = "此处不是日期 / a date is not meant here"
NO_JSON = "不是有效的 JSON / no JSON"


class WrongCell(ValueError):
    """What is wrong with a cell, in both languages; its value is not repeated."""


def read_cell(column: Column, value: Any) -> Any:
    """Return the value of a field as it stands in JSON; None for an empty cell. Raise WrongCell."""
    if isinstance(value, str):
        value = clean(value)
    if is_personal(value):
        raise WrongCell(PERSONAL)
    if value is None or value == "":
        if column.is_needed:
            raise WrongCell(NEEDED)
        return [] if column.kind == "list" else None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _SURE_INTEGER:
        raise WrongCell(ROUNDED)
    return _READERS[column.kind](column, value)


def is_personal(value: Any) -> bool:
    """Whether a cell holds a number that names a person. A spreadsheet rounds one of 18 digits, and its check fits no more."""
    if isinstance(value, str):
        return pii.holds_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 10**17 <= value < 10**18 or pii.holds_number(f"{value:.0f}")


def _text(column: Column, value: Any) -> str:
    """Codes that a spreadsheet took for numbers are written as the office typed them."""
    if isinstance(value, date | time):
        raise WrongCell(NO_TEXT)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _choice(column: Column, value: Any) -> str:
    text = _text(column, value)
    for code, label in column.choices.items():
        if text in (code, *label) or text.upper() == code or text.split(maxsplit=1)[0] == code:
            return code
    allowed = ", ".join(column.choices)
    raise WrongCell(f"请从下拉列表中选择 / choose from the list: {allowed}")


def _check(column: Column, value: Any) -> bool:
    text = str(value).lower().removesuffix(".0")
    if text in _YES or text in _NO:
        return text in _YES
    raise WrongCell(NO_CHECK)


def _date(column: Column, value: Any) -> str:
    if isinstance(value, datetime):
        if value.time() != time():
            raise WrongCell(NO_DATE)
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    found = _DATE.fullmatch(_text(column, value))
    if found is None:
        raise WrongCell(NO_DATE)
    return _day_of([one for one in found.groups() if one], NO_DATE).isoformat()


def _instant(column: Column, value: Any) -> str:
    """The time of an office is China's; a text may name another offset."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=CHINA, microsecond=0).isoformat()
    if isinstance(value, date | time | int | float):
        raise WrongCell(NO_INSTANT)
    found = _INSTANT.fullmatch(value)
    if found is not None:
        year, month, day, hour, minute, second = found.groups()
        try:
            at = time(int(hour), int(minute), int(second or 0))
        except ValueError:
            raise WrongCell(NO_INSTANT) from None
        return datetime.combine(_day_of([year, month, day], NO_INSTANT), at, CHINA).isoformat()
    try:
        at_offset = datetime.fromisoformat(value)
    except ValueError:
        raise WrongCell(NO_INSTANT) from None
    if at_offset.tzinfo is None:
        raise WrongCell(NO_INSTANT)
    return str(value)


def _day_of(parts: list[str], wrong: str) -> date:
    try:
        return date(*map(int, parts))
    except ValueError:
        raise WrongCell(wrong) from None


def _number(column: Column, value: Any) -> int | float:
    try:
        found = float(value)
    except (ValueError, TypeError):
        raise WrongCell(NO_NUMBER) from None
    return int(found) if found.is_integer() else found


def _list(column: Column, value: Any) -> list[str]:
    parts = [one for part in _BETWEEN.split(_text(column, value)) if (one := clean(part))]
    return [_choice(column, one) for one in parts] if column.choices else parts


def _json(column: Column, value: Any) -> Any:
    try:
        return orjson.loads(_text(column, value))
    except orjson.JSONDecodeError:
        raise WrongCell(NO_JSON) from None


_READERS: Mapping[Kind, Callable[[Column, Any], Any]] = {
    "text": _text,
    "choice": _choice,
    "check": _check,
    "date": _date,
    "instant": _instant,
    "number": _number,
    "list": _list,
    "json": _json,
}
