"""Chance that is a function of seed and number, so that nothing needs to be remembered to be told again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache

from cli.simulation import local_time

_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """Return 64 well mixed bits of some integers (splitmix64), the same on every machine."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = ((state ^ (part & _MASK)) + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


@lru_cache(maxsize=65_536)
def number_of(word: str) -> int:
    """Return 64 bits that stand for a word."""
    return mix(*word.encode())


class Dice(random.Random):
    """A generator of its own for one life, one day or one office."""

    def __init__(self, *parts: int) -> None:
        super().__init__(mix(*parts))

    def chance(self, share: float) -> bool:
        """Say yes in that share of the cases."""
        return self.random() < share

    def within(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included (faster than randint)."""
        return low + int(self.random() * (high - low + 1))

    def one_of(self, weights: Mapping[str, float]) -> str:
        """Return one of the words, drawn by their weights."""
        point = self.random() * sum(weights.values())
        for word, weight in weights.items():
            point -= weight
            if point < 0:
                return word
        return word

    def many(self, mean: float) -> int:
        """Return a count around the mean: the whole part, one more as often as the rest says, and some spread."""
        spread = mean + self.gauss(0, mean**0.5) if mean > 0 else 0.0
        whole = int(max(0.0, spread))
        return whole + self.chance(max(0.0, spread) - whole)

    def moment(self, day: int, first_hour: float = 8.5, last_hour: float = 17.5) -> int:
        """Return an instant of that day between two hours, to the second."""
        seconds = int((first_hour + self.random() * (last_hour - first_hour)) * 3600)
        return local_time.midnight(day) + seconds * local_time.SECOND

    def office(self, day: int) -> int:
        """Return an instant in office hours of that day or the next working day."""
        return self.moment(local_time.later(day, 0))
