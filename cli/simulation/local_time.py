"""Local days and instants as plain integers: a simulated nation counts hundreds of millions of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

from schemas.instants import CHINA

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_OFFSET = 8 * HOUR
_EPOCH = date(1970, 1, 1).toordinal()


def number(day: date) -> int:
    """Return the day as days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def midnight(day: int) -> int:
    """Return the epoch milliseconds at which the local day begins."""
    return day * DAY - _OFFSET


def day_of(at: int) -> int:
    """Return the local day of an instant in epoch milliseconds."""
    return (at + _OFFSET) // DAY


@lru_cache(maxsize=4096)
def show_day(day: int) -> str:
    """Return the local date in ISO form."""
    return date.fromordinal(day + _EPOCH).isoformat()


def is_working(day: int) -> bool:
    """Say whether offices are open: Monday to Friday (the simulated offices do not know the holidays)."""
    return (day + 3) % 7 < 5


def later(day: int, working: int) -> int:
    """Return the day that many working days after; with 0 the day itself or the next working day."""
    while not is_working(day):
        day += 1
    for _ in range(working):
        day += 1
        while not is_working(day):
            day += 1
    return day


def month_before(day: int) -> int:
    """Return the same day one month earlier, cut to the month's last day."""
    then = date.fromordinal(day + _EPOCH)
    year, month = (then.year, then.month - 1) if then.month > 1 else (then.year - 1, 12)
    for last in (then.day, 30, 29, 28):
        try:
            return number(date(year, month, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def show(at: int) -> str:
    """Return the instant in RFC 3339 with +08:00, milliseconds only if not zero."""
    text = f"{show_day(day_of(at))}T{_clock((at + _OFFSET) % DAY // SECOND)}"
    rest = at % SECOND
    return f"{text}.{rest:03d}+08:00" if rest else f"{text}+08:00"


@lru_cache(maxsize=86_400)
def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def instant(at: int) -> datetime:
    """Return the epoch milliseconds as an aware instant."""
    whole = datetime.fromtimestamp(at // SECOND, UTC).astimezone(CHINA)
    return whole.replace(microsecond=at % SECOND * 1000)
