"""Whether the working-day calendar of each year is published before deadlines are counted in it."""

from collections.abc import Iterator
from datetime import date

from handover.calendar import DAY, start_of
from schemas.instants import in_china
from schemas.payload import PIPELINE
from sinks.monitors.metrics.reading import Around, Reading


def missing_calendar(around: Around) -> Iterator[Reading]:
    """A year that has begun, or begins within `ahead_days`, has no published calendar: counted are the days until it begins."""
    ahead = around.rule.thresholds["ahead_days"]
    today = in_china(around.until).date()
    published = around.world.frame(around.until).calendar.years
    for year in (today.year, today.year + 1):
        first = date(year, 1, 1)
        left = max((first - today).days, 0)
        if year not in published and left <= ahead:
            since = start_of(first - ahead * DAY)
            yield Reading(PIPELINE, "MISSING_CALENDAR", True, left, ahead, since, key=str(year))
