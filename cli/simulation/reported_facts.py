"""What the offices tell of one life: facts, each with the instant it happened and the instant it was recorded."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cli.simulation import local_time
from cli.simulation.seeded_random import Dice

# What a life is numbered by: kind, first day, and the how manieth of that day, in one integer of 64 bits.
RELEASE, CORRECTION, DISPUTE, REPORTS, ROUNDS = range(5)
_LETTERS = "ACDRL"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as an office tells it. Instants in epoch milliseconds; `at` is never after `told`."""

    told: int  # when the office's own system recorded it
    id: str
    at: int  # when it happened
    name: str  # without "reentry." and ".v1"
    subject: str
    agency: str
    data: dict[str, Any]
    corrects: str | None = None
    final: bool = False  # no mistake happens to it any more


def pack(kind: int, day: int, nth: int) -> int:
    """Return the number of a life (or of the reports or rounds that belong to it)."""
    return (kind << 56) | (day << 32) | nth


def unpack(number: int) -> tuple[int, int, int]:
    """Return kind, first day and the how manieth."""
    return number >> 56, (number >> 32) & 0xFFFFFF, number & 0xFFFFFFFF


def as_kind(number: int, kind: int) -> int:
    """Return the same number under another kind."""
    return (kind << 56) | (number & ((1 << 56) - 1))


def label(number: int) -> str:
    """Return the number as event ids show it."""
    kind, day, nth = unpack(number)
    return f"{_LETTERS[kind]}{day}-{nth}"


def reference(seed: int, prefix: str, text: str) -> str:
    """Return a pseudonym: prefix and 26 base32 characters of a hash, as the provincial gateway would make it."""
    digest = hashlib.sha256(f"{seed}|{prefix}|{text}".encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:26]}"


def person_ref(seed: int, number: int) -> str:
    """Return the reference of the person whose life has this number."""
    return reference(seed, "p1", label(number))


@dataclass(slots=True)
class Story:
    """A life while it is being written down."""

    label: str
    subject: str
    dice: Dice
    facts: list[Fact] = field(default_factory=list)

    def tell(self, at: int, agency: str, name: str, data: dict[str, Any], *, slow: int = 20 * local_time.MINUTE) -> str:
        """Add a fact that is recorded a while after it happened (`slow`: the mean, in milliseconds); return its id."""
        lag = min(int(self.dice.expovariate(1.0) * slow) // local_time.SECOND * local_time.SECOND, 6 * local_time.HOUR)
        event_id = f"{self.label}-{len(self.facts):02d}"
        self.facts.append(Fact(at + lag, event_id, at, name, self.subject, agency, data))
        return event_id

    def when(self, name: str) -> int | None:
        """Return the instant of the first fact of that name."""
        return min((fact.at for fact in self.facts if fact.name == name), default=None)

    def cut(self, at: int) -> None:
        """Forget what would have happened after an instant (the person is dead, revoked, gone)."""
        self.facts = [fact for fact in self.facts if fact.at <= at]

    def done(self) -> list[Fact]:
        """Return the facts in the order in which they were recorded."""
        return sorted(self.facts, key=lambda fact: (fact.told, fact.id))
