"""How many lives begin on a day."""

from __future__ import annotations

from functools import lru_cache

from cli.simulation import days
from cli.simulation.dice import Dice
from cli.simulation.places import Places
from cli.simulation.story import CORRECTION, DISPUTE, RELEASE

_WORKING_DAYS = 261  # of a year, Monday to Friday


@lru_cache(maxsize=16_384)
def births(places: Places, kind: int, day: int) -> int:
    """Return the count of releases listed, decisions taken or disputes found on a day."""
    scale = places.scale
    if kind == DISPUTE:
        mean = scale.disputes / 365 * (0.6 if not days.is_working(day) else 1.16)
    elif not days.is_working(day):
        return 0
    else:
        mean = {RELEASE: scale.releases, CORRECTION: scale.intakes}[kind] / _WORKING_DAYS
    return Dice(places.seed, kind, day, 11).many(mean)
