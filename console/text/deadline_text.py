"""A deadline as an officer reads it: how late or how long still, in the rule's own unit, and its boxes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from handover.calendar import DAY, MILLISECOND, Calendar, due_day_of

Unit = Literal["wd", "d", "h"]
Tense = Literal["over", "judging", "today", "left"]
HOUR = timedelta(hours=1)
_LONGEST_IN_HOURS = 48 * HOUR
_FIRST_DAYS, _LAST_DAYS, _LONGEST_STRIP = 3, 14, 21


@dataclass(frozen=True, slots=True)
class Boxes:
    """One box per unit: of `total` before the deadline `spent` are over, then `over` after it; a half one is today."""

    total: int
    spent: int
    half: bool
    over: int
    over_half: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline seen at an instant; "judging": it has passed, and nobody has judged yet.

    `n` counts units; an hour clock has its length in `length`.
    """

    tense: Tense
    unit: Unit
    n: int
    length: timedelta
    day: date  # the last day in time
    at: datetime  # the first instant that is too late
    boxes: Boxes


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day of the strip; `day` is None for the cut."""

    day: date | None
    kind: Literal["anchor", "counted", "off", "due", "over", "today", "plain", "cut"]
    n: int
    is_today: bool
    is_makeup: bool


def find_unit(computation: Sequence[Mapping[str, Any]]) -> Unit:
    """The unit that a computation counts in."""
    if any("hours" in one for one in computation):
        return "h"
    return "wd" if any("n" in one for one in computation) else "d"


def compute_deadline(
    computation: Sequence[Mapping[str, Any]],
    anchor_at: datetime,
    due_at: datetime,
    now: datetime,
    calendar: Calendar,
    judged: datetime | None = None,
) -> Deadline:
    """A deadline seen at `now`, by what is judged up to `judged` (None: all)."""
    if judged is not None and judged < due_at <= now:
        boxes = _count_boxes(find_unit(computation), computation, anchor_at, due_at, due_at - MILLISECOND, calendar)
        return Deadline("judging", find_unit(computation), 0, now - due_at, due_day_of(due_at), due_at, boxes)
    unit, last = find_unit(computation), due_day_of(due_at)
    if unit == "h" and abs(now - due_at) >= _LONGEST_IN_HOURS:
        unit = "d"
    boxes = _count_boxes(unit, computation, anchor_at, due_at, now, calendar)
    length = abs(now - due_at)
    if now >= due_at:
        n = boxes.over if unit == "wd" else length // (HOUR if unit == "h" else DAY)
        return Deadline("over", unit, n, length, last, due_at, boxes)
    if unit != "h" and last == now.date():
        return Deadline("today", unit, 0, length, last, due_at, boxes)
    n = count_working_days(calendar, now.date(), last) if unit == "wd" else (last - now.date()).days
    return Deadline(
        "left", unit if n or unit == "h" else "d", n or max(1, (last - now.date()).days), length, last, due_at, boxes
    )


def count_working_days(calendar: Calendar, after: date, last: date) -> int:
    """How many working days follow `after` up to and with `last`."""
    return _count_working(calendar, after + DAY, last)


@lru_cache(maxsize=16_384)  # rows of one page were begun and fall due on the same few days
def _count_working(calendar: Calendar, first: date, last: date) -> int:
    return sum(map(calendar.is_working, _list_days(first, last)))


def find_soon_end(calendar: Calendar, today: date) -> date:
    """The third working day after today."""
    day, left = today, 3
    while left:
        day += DAY
        left -= calendar.is_working(day)
    return day


def _count_boxes(
    unit: Unit,
    computation: Sequence[Mapping[str, Any]],
    anchor_at: datetime,
    due_at: datetime,
    now: datetime,
    calendar: Calendar,
) -> Boxes:
    if unit == "h":
        total = max(1, round((due_at - anchor_at) / HOUR))
        spent = min(total, max(0, (now - anchor_at) // HOUR))
        over = max(0, (now - due_at) // HOUR)
        return Boxes(total, spent, spent < total and now > anchor_at, over, now >= due_at)
    today, last, first = now.date(), due_day_of(due_at), anchor_at.date()

    def count(start: date, end: date) -> int:
        return _count_working(calendar, start, end) if unit == "wd" else max(0, (end - start).days + 1)

    total = max((one["n"] for one in computation if "n" in one), default=0) or max(1, (last - first).days)
    if today <= last:
        left = count(today + DAY, last)
        half = bool(count(today, today)) and left < total
        return Boxes(total, max(0, total - left - half), half, 0, False)
    return Boxes(total, total, False, count(last + DAY, today - DAY), bool(count(today, today)))


def _list_days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += DAY


def list_strip(
    computation: Sequence[Mapping[str, Any]],
    anchor_at: datetime,
    due_at: datetime,
    until: datetime,
    calendar: Calendar,
    *,
    is_open: bool = True,
    is_late: bool = True,
) -> list[DayCell]:
    """Day by day from the start to the deadline, and on to `until` where it is later; long ones are cut in the middle.

    `is_late`: days after the deadline count as late; else nobody has judged them yet.
    """
    unit, last, today = find_unit(computation), due_day_of(due_at), until.date()
    told = {date.fromisoformat(one["day"]): one for one in computation if "day" in one}
    first = min([*told, last])
    number = over = 0
    cells = []
    for day in _list_days(first, max(last, today)):
        kind: str = str(told.get(day, {}).get("is", ""))
        works = unit != "wd" or calendar.is_working(day)
        makeup = calendar.is_working(day) and day.weekday() >= 5
        if kind == "anchor":
            cells.append(DayCell(day, "anchor", 0, day == today, makeup))
            continue
        if day <= last:
            number += works if kind != "off" else 0
            shown = "due" if day == last else "counted" if works and kind != "off" else "off"
            cells.append(DayCell(day, shown, number, day == today, makeup))  # type: ignore[arg-type]
        elif day == today and is_open:
            cells.append(DayCell(day, "today", over, True, makeup))
        elif not is_late:
            cells.append(DayCell(day, "plain", 0, day == today, makeup))
        else:
            over += works
            cells.append(DayCell(day, "over" if works else "off", over, day == today, makeup))
    if len(cells) > _LONGEST_STRIP:
        cells = [*cells[:_FIRST_DAYS], DayCell(None, "cut", 0, False, False), *cells[-_LAST_DAYS:]]
    return cells
