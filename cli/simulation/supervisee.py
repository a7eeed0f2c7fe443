"""A person under community corrections: who, where, from when to when, on which plan, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cli.simulation import local_time
from cli.simulation.places import Places, Town
from cli.simulation.reported_facts import person_ref, unpack
from cli.simulation.seeded_random import Dice, mix

KINDS = {"PROBATION": 84, "PUBLIC_SURVEILLANCE": 2, "PAROLE": 10, "TEMP_EXEC": 4}
REVIEW = 90  # days between two plans


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stretch of time in which something is wrong: LOST, OUT, LEAVE, CUSTODY."""

    what: str
    since: int
    until: int
    told: bool  # whether the office did what it must


@dataclass(frozen=True, slots=True)
class Ward:
    """The frame of one life under supervision; all days are local day numbers."""

    number: int
    subject: str
    kind: str
    town: Town
    prison: str
    effective: int
    term_end: int
    arrives: int | None  # day of the first report; None: never
    moves: int | None  # day on which the person reports in another county
    next_town: Town
    strict: bool
    tracked: bool  # wears a device
    troubles: tuple[Trouble, ...]
    revoked: int | None

    @property
    def first(self) -> int:
        """The day from which plans and location checks run."""
        return (self.arrives if self.arrives is not None else self.term_end) + 3

    @property
    def last(self) -> int:
        """The last day under supervision."""
        return self.term_end if self.revoked is None else min(self.term_end, self.revoked)

    def town_on(self, day: int) -> Town:
        """Return where the person lives on a day."""
        return self.next_town if self.moves is not None and day >= self.moves else self.town

    def trouble_at(self, at: int) -> str:
        """Return what is wrong at an instant, or an empty text."""
        for trouble in self.troubles:
            if trouble.since <= at < trouble.until:
                return trouble.what
        return ""


@lru_cache(maxsize=65_536)
def ward(places: Places, number: int) -> Ward:
    """Return the frame of a number: a pure function of the seed."""
    _, effective, _ = unpack(number)
    dice = Dice(places.seed, number, 1)
    draw = mix(places.seed, number, 2)
    kind = dice.one_of(KINDS)
    term = int(min(max(dice.gammavariate(2.5, places.scale.term_months / 2.5), 2), 48) * 30.4)
    town = places.town(draw)
    arrives = _arrival(dice, places.slips(town.office), effective)
    moves = effective + dice.within(60, term) if arrives is not None and term > 90 and dice.chance(0.03) else None
    stay = effective + 15, effective + term
    return Ward(
        number,
        person_ref(places.seed, number),
        kind,
        town,
        places.prison(draw >> 32),
        effective,
        effective + term - 1,
        arrives,
        moves,
        places.town(mix(places.seed, number, 4)),
        dice.chance(0.12),
        dice.chance(0.08),
        _troubles(dice, *stay) if arrives is not None else (),
        effective + dice.within(40, term) if term > 60 and dice.chance(0.008) else None,
    )


def _arrival(dice: Dice, slips: float, effective: int) -> int | None:
    if dice.chance(0.003 * slips):
        return None
    return effective + (dice.within(11, 28) if dice.chance(0.04 * slips) else dice.within(3, 9))


def _troubles(dice: Dice, first: int, end: int) -> tuple[Trouble, ...]:
    """A year brings 1.5 % losses of contact, 4 % stays out of the area, 20 % leaves and 0.5 % detentions."""
    years = max(0, end - first) / 365
    found = []
    for what, rate, shortest, longest in (
        ("LOST", 0.015, 18, 90),
        ("OUT", 0.04, 1, 14),
        ("LEAVE", 0.20, 30, 200),
        ("CUSTODY", 0.005, 72, 900),
    ):
        if dice.chance(rate * years):
            since = dice.moment(dice.within(first, max(first, end - 10)), 7, 20)
            found.append(
                Trouble(what, since, since + dice.within(shortest, longest) * local_time.HOUR, dice.chance(0.85))
            )
    return tuple(found)
