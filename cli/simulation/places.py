"""Where the made-up people live and who answers for them. Every code begins with 99, which no real place has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cli.simulation.seeded_random import mix, number_of


@dataclass(frozen=True, slots=True)
class Scale:
    """How big the made-up world is. Counts a year; a county, the seed's city, a Jiangsu-like province, China."""

    cities: int
    counties: int  # in each city
    towns: int  # in each county
    prisons: int  # in each city
    releases: int  # prison leavers in a year
    intakes: int  # into community corrections in a year
    disputes: int  # in a year
    term_months: int  # mean term in community corrections
    loading_steps: int  # quarters of an hour in which the opening register is told


# domain.md 1.3 and 4.10: the city is the seed's (650 leavers, 135 intakes a month, 21 disputes a day); a county is a tenth of it.
SCALES = {
    "county": Scale(1, 1, 10, 1, 65, 162, 770, term_months=9, loading_steps=24),
    "city": Scale(1, 10, 10, 1, 650, 1_620, 7_700, term_months=9, loading_steps=24),
    "province": Scale(13, 8, 13, 2, 52_000, 32_000, 800_000, term_months=15, loading_steps=96),
    "nation": Scale(99, 30, 14, 7, 750_000, 400_000, 14_940_000, term_months=21, loading_steps=672),
}


@dataclass(frozen=True, slots=True)
class Town:
    """A township and the offices that serve it."""

    code: str  # 9 digits

    @property
    def county(self) -> str:
        return self.code[:6]

    @property
    def city(self) -> str:
        return f"{self.code[:4]}00"

    @property
    def office(self) -> str:
        return f"TOWN_JUSTICE-{self.code}-01"

    @property
    def bureau(self) -> str:
        return f"COUNTY_JUSTICE-{self.county}-01"

    @property
    def court(self) -> str:
        return f"COURT-{self.county}-01"

    @property
    def police(self) -> str:
        return f"POLICE-{self.county}-01"

    @property
    def mediation(self) -> str:
        return f"MEDIATION-{self.code}-01"

    @property
    def location(self) -> str:
        return f"LOCATION-{self.city}-01"


PROVINCE = "PROVINCE_JUSTICE-990000-01"
PRISON_ADMIN = "PRISON_ADMIN-990000-01"


class Places:
    """The map of one scale, and how diligent each office is (工作推进不平衡: the counties differ)."""

    def __init__(self, scale: Scale, seed: int) -> None:
        self.scale, self.seed = scale, seed

    def town(self, draw: int) -> Town:
        """Return the town that a number falls on; every town is as likely as any other."""
        scale = self.scale
        draw, town = divmod(draw, scale.towns)
        draw, county = divmod(draw, scale.counties)
        return _town(draw % scale.cities + 1, county + 2, town + 1)

    def prison(self, draw: int) -> str:
        """Return one of the prisons; most people are not imprisoned in their own county."""
        city, number = divmod(draw % (self.scale.cities * self.scale.prisons), self.scale.prisons)
        return f"PRISON-99{city + 1:02d}00-{number + 1:02d}"

    def prisons(self) -> list[str]:
        """Return every prison."""
        return [self.prison(n) for n in range(self.scale.cities * self.scale.prisons)]

    def bureaus(self) -> list[str]:
        """Return every county bureau."""
        return [
            f"COUNTY_JUSTICE-99{city + 1:02d}{county + 2:02d}-01"
            for city in range(self.scale.cities)
            for county in range(self.scale.counties)
        ]

    def locations(self) -> list[str]:
        """Return every location system, one in a city."""
        return [f"LOCATION-99{city + 1:02d}00-01" for city in range(self.scale.cities)]

    @lru_cache(maxsize=8192)  # noqa: B019 one map lives as long as the simulation
    def slips(self, agency: str) -> float:
        """Return how often this office is late compared with the mean: from 0.3 to 2.5, fixed for its life."""
        draw = mix(self.seed, number_of(agency)) / 2**64
        return float(0.3 + 2.2 * draw**1.6)


@lru_cache(maxsize=65_536)
def _town(city: int, county: int, town: int) -> Town:
    return Town(f"99{city:02d}{county:02d}{town:03d}")
