"""Until when something may be put aside: the mornings of the next working days."""

from datetime import date, datetime, time
from typing import Any

from console.text.formatter import Words
from handover.calendar import DAY, Calendar
from schemas.instants import CHINA

_MORNING = time(8, 30)
_PRESETS = (1, 2, 3, 5)  # working days


def list_presets(words: Words, now: datetime, calendar: Calendar) -> list[dict[str, Any]]:
    """Mornings that an officer may choose."""
    found, day, number = [], now.date(), 0
    while number < max(_PRESETS):
        day += DAY
        number += calendar.is_working(day)
        if calendar.is_working(day) and number in _PRESETS:
            found.append({"value": day.isoformat(), "label": f"{words.day_wd(day)} {_MORNING:%H:%M}"})
    return found


def read_until(text: str) -> datetime | None:
    """The morning of a day as a form gives it; None for what is none."""
    try:
        return datetime.combine(date.fromisoformat(text), _MORNING, CHINA)
    except ValueError:
        return None
