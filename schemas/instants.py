"""Instants: aware, +08:00, whole milliseconds, everywhere in this code."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

CHINA = timezone(timedelta(hours=8))  # one zone, no daylight saving since 1991
FIRST_YEAR, LAST_YEAR = 1900, 2199  # dates outside are typing errors, and would overflow when a period is added
FIRST = datetime(1949, 10, 1, tzinfo=CHINA)  # no agency tells of an earlier instant

# The forms of days and instants, calendar included, as any engine of regular expressions reads them.
_MONTHS = "-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_LEAP = "(?:0[48]|[2468][048]|[13579][26])"
DAY = rf"(?:(?:19|20|21)[0-9]{{2}}{_MONTHS}|(?:(?:19|20|21){_LEAP}|2000)-02-29)"
_OF_1949 = "1949-(?:1[02]-(?:0[1-9]|[12][0-9]|3[01])|11-(?:0[1-9]|[12][0-9]|30))"
_LEAP_YEAR = f"(?:19(?:5[26]|[68][048]|[79][26])|2[01]{_LEAP}|2000)"
_LATE = rf"(?:(?:19[5-9][0-9]|2[01][0-9]{{2}}){_MONTHS}|{_OF_1949}|{_LEAP_YEAR}-02-29)"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_REST = rf"[Tt]{_CLOCK}:[0-5][0-9](?:\.[0-9]{{1,32}})?(?:[Zz]|[+-]{_CLOCK})"
INSTANT = _LATE + _REST  # from 1949-10 on; which zone a day is meant in, no pattern can say

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).astimezone(CHINA)
_MILLISECOND = timedelta(milliseconds=1)
_KEPT = 65_536  # instants of facts and limits are shown and read again with every change of their case
_LONGEST = 64  # characters; more are no instant
_RFC_3339 = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_REST}")


def instant(text: str) -> datetime:
    """Read RFC 3339 with an offset, cut to milliseconds. Raise ValueError, which never quotes the text."""
    return _read(text[:_LONGEST])


def derived_instant(text: str) -> datetime:
    """Read an instant that the pipeline wrote: periods are added to dates up to LAST_YEAR. Raise ValueError as `instant`."""
    return _parsed(text[:_LONGEST], LAST_YEAR + 100)


def _parsed(text: str, last_year: int = LAST_YEAR) -> datetime:
    if not _RFC_3339.fullmatch(text):
        raise ValueError("must be an RFC 3339 instant with an offset, for example 2026-03-31T09:00:00+08:00")
    try:
        at = datetime.fromisoformat(text.upper()).astimezone(CHINA)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no instant of the calendar") from error
    if not FIRST_YEAR <= at.year <= last_year:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {last_year}")
    return _cut(at)


_read = lru_cache(maxsize=1_024)(_parsed)  # fields repeat the `time` of their event, and events are read again


def event_instant(text: str) -> datetime:
    """Read the instant that an event tells: not before FIRST. Raise ValueError, which never quotes the text."""
    return _read_told(text[:_LONGEST])


@lru_cache(maxsize=1_024)
def _read_told(text: str) -> datetime:
    at = _parsed(text)
    if at < FIRST:
        raise ValueError(f"must lie between {FIRST.date()} and the end of {LAST_YEAR}")
    return at


def in_china(at: datetime) -> datetime:
    """The same instant with +08:00, cut to milliseconds. Raise ValueError on a naive one."""
    if at.tzinfo is None:
        raise ValueError("must be aware: an instant has an offset")
    return _cut(at if at.tzinfo is CHINA else at.astimezone(CHINA))


def _cut(at: datetime) -> datetime:
    finer = at.microsecond % 1000
    return at.replace(microsecond=at.microsecond - finer) if finer else at


@lru_cache(maxsize=_KEPT)
def show(at: datetime) -> str:
    """Write an aware instant: +08:00, seconds, milliseconds only if not zero."""
    local = in_china(at)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


@lru_cache(maxsize=_KEPT)
def from_millis(value: int) -> datetime:
    """The instant so many milliseconds after 1970-01-01T00:00:00Z."""
    return _EPOCH + timedelta(milliseconds=value)


def millis(at: datetime) -> int:
    """Milliseconds from 1970-01-01T00:00:00Z to an aware instant, cut."""
    return (at - _EPOCH) // _MILLISECOND
