"""What goes wrong on the way: late, lost, doubled, disordered, corrected and wrong records, and silent publishers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cli.simulation import local_time
from cli.simulation.places import Places
from cli.simulation.reported_facts import Fact
from cli.simulation.seeded_random import Dice, mix, number_of

PRESETS = {"none": 0.0, "light": 0.005, "normal": 0.02, "heavy": 0.10}
WRONG = ("malformed", "enum", "type", "version", "pii", "ahead", "null")
# Of the rate. A late event is not always late by days; what is lost or wrong is mostly sent again when someone notices.
_SHARES = {"late": 1.0, "doubled": 1.0, "disordered": 1.0, "lost": 0.3, "wrong": 0.4}
_CORRECTED, _RETOLD = 0.4, 0.4
_ROUTINE = 0.1  # location systems and check-ins are machines and apps: a tenth of the mistakes
# Payload fields that repeat `time`.
_REPEATED = frozenset(("released_at", "handed_over_at", "reported_at", "at", "checked_at", "returned_at"))


@dataclass(frozen=True, slots=True)
class Letter:
    """One record on its way to the broker."""

    arrival: int  # epoch milliseconds
    fact: Fact
    sequence: str | None
    wrong: str = ""  # one of WRONG
    misplaced: bool = False  # its publisher's client puts it into the partition that CRC32 gives, not murmur2


class Faults:
    """Mistakes at a rate; with rate 0 everything arrives a few seconds after it was recorded."""

    def __init__(self, places: Places, rate: float) -> None:
        self._rate, self._seed = rate, places.seed
        self._dice = Dice(places.seed, 99)
        self._outages = lru_cache(maxsize=100_000)(self._outage)

    def at_the_desk(self, fact: Fact) -> list[Fact]:
        """Return what the office really records: the fact; or a mistake and its correction; or the fact twice."""
        dice = self._dice
        if fact.final or fact.name.startswith(("system.", "checkin.loc")) or not dice.chance(self._rate):
            return [fact]
        if dice.chance(_CORRECTED):
            back = dice.within(1, 2) * local_time.DAY
            wrong = replace(fact, id=f"{fact.id}-w", at=fact.at - back, data=_moved(fact.data, fact.at - back))
            told = fact.told + dice.within(1, 30) * local_time.HOUR
            return [wrong, replace(fact, told=told, corrects=wrong.id, final=True)]
        if dice.chance(_RETOLD):
            told = fact.told + dice.within(1, 180) * local_time.MINUTE
            return [fact, replace(fact, id=f"{fact.id}-again", told=told, final=True)]
        return [fact]

    def on_the_way(self, fact: Fact, sequence: str | None) -> Iterator[Letter]:
        """Yield the records that the broker gets of one fact."""
        dice = self._dice
        letter = Letter(fact.told + dice.within(1, 20_000), fact, sequence, misplaced=self.misplaces(fact.agency))
        back = self._outages(fact.agency, local_time.day_of(letter.arrival))
        if back is not None and back[0] <= letter.arrival < back[1]:
            if fact.name.startswith("system."):
                return  # nobody catches up on a heartbeat
            letter = replace(letter, arrival=back[1] + dice.within(1, 600_000))
        yield from self._mistakes(letter)

    def _mistakes(self, letter: Letter) -> Iterator[Letter]:
        dice = self._dice
        rate = self._rate * (_ROUTINE if letter.fact.name.startswith("checkin.") else 1.0)
        point = dice.random()
        for what, share in _SHARES.items():
            point -= rate * share
            if point < 0 and not letter.fact.name.startswith("system."):
                yield from _MISTAKES[what](dice, letter)
                return
        yield letter

    def misplaces(self, agency: str) -> bool:
        """Say whether the client of an agency chooses partitions by CRC32."""
        return self._rate > 0 and mix(self._seed, number_of(agency), 5) % 5 == 0

    def _outage(self, agency: str, day: int) -> tuple[int, int] | None:
        """Return from when to when a publisher is silent on a day; courts and townships lose single letters only."""
        if not agency.startswith(("PRISON-", "COUNTY_", "LOCATION")):
            return None
        dice = Dice(self._seed, day, number_of(agency))
        if not dice.chance(self._rate):
            return None
        since = local_time.midnight(day) + dice.within(0, 20) * local_time.HOUR
        return since, since + dice.within(3, 30) * local_time.HOUR


def _moved(data: dict[str, object], at: int) -> dict[str, object]:
    """Return a payload whose repetition of `time` is moved with it."""
    return {name: local_time.show(at) if name in _REPEATED else value for name, value in data.items()}


def _late(dice: Dice, letter: Letter) -> Iterator[Letter]:
    hours = min(dice.lognormvariate(1.2, 1.4), 12 * 24)  # the middle one three hours, one in ten a day
    yield replace(letter, arrival=letter.arrival + int(hours * local_time.HOUR))


def _doubled(dice: Dice, letter: Letter) -> Iterator[Letter]:
    yield letter
    yield replace(letter, arrival=letter.arrival + dice.within(1, 7200) * local_time.SECOND)


def _disordered(dice: Dice, letter: Letter) -> Iterator[Letter]:
    yield replace(letter, arrival=letter.arrival + dice.within(60, 3600) * local_time.SECOND)


def _lost(dice: Dice, letter: Letter) -> Iterator[Letter]:
    """Sent again when the manifest shows the gap; without one, mostly never."""
    if letter.sequence is not None or dice.chance(0.3):
        yield replace(letter, arrival=letter.arrival + dice.within(20, 70) * local_time.HOUR)


def _wrong(dice: Dice, letter: Letter) -> Iterator[Letter]:
    yield replace(letter, wrong=WRONG[dice.within(0, len(WRONG) - 1)])
    if letter.sequence is not None or dice.chance(0.7):
        yield replace(letter, arrival=letter.arrival + dice.within(1, 40) * local_time.HOUR)


_MISTAKES = {"late": _late, "doubled": _doubled, "disordered": _disordered, "lost": _lost, "wrong": _wrong}
