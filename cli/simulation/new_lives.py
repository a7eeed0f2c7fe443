"""How many lives begin on a day."""

from __future__ import annotations

from functools import lru_cache

from cli.simulation import local_time
from cli.simulation.places import Places
from cli.simulation.reported_facts import CORRECTION, DISPUTE, RELEASE
from cli.simulation.seeded_random import Dice

_WORKING_DAYS = 261  # of a year, Monday to Friday


@lru_cache(maxsize=16_384)
def births(places: Places, kind: int, day: int) -> int:
    """Return the count of releases listed, decisions taken or disputes found on a day."""
    scale = places.scale
    if kind == DISPUTE:
        mean = scale.disputes / 365 * (0.6 if not local_time.is_working(day) else 1.16)
    elif not local_time.is_working(day):
        return 0
    else:
        mean = {RELEASE: scale.releases, CORRECTION: scale.intakes}[kind] / _WORKING_DAYS
    return Dice(places.seed, kind, day, 11).many(mean)
