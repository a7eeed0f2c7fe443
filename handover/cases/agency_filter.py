"""Whose feeds may hold the firing alerts of a case (semantics.md 9.4, 9.5): when another feed goes or comes back, the case need not be opened.

A set of agencies is kept as 64 bits, one for each agency: several agencies share a bit, so a sieve lets too many through, never too few.
"""

from collections.abc import Iterable
from zlib import crc32

from handover.cases.case import Case
from handover.obligations.derive import Derived

ANY = 2**64 - 1
_BIT = 63


def sieve(agencies: Iterable[str]) -> int:
    """The bits of these agencies."""
    found = 0
    for agency in agencies:
        found |= 1 << (crc32(agency.encode()) & _BIT)
    return found


def awaited(case: Case, derived: Derived) -> frozenset[str]:
    """The agencies that should answer the firing alerts of a case, by what is derived of it."""
    firing = (derived.duties.get(slot) for slot, memory in case.memories.items() if memory.firing)
    return frozenset(agency for duty in firing if duty is not None for agency in duty.answered_by)


def sieve_of(case: Case) -> int:
    """The bits of the agencies that a case waits for: 0 where no alert of it can be held, ANY where what is owed is not derived yet."""
    if case.kind == "SOURCE" or not case.has_firing:
        return 0
    return ANY if case.derived is None else sieve(awaited(case, case.derived))
