"""The publishers' own counting: sequence numbers, a heartbeat every six hours, a manifest every night."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from cli.simulation import local_time
from cli.simulation.places import Places
from cli.simulation.reported_facts import Fact
from cli.simulation.seeded_random import mix, number_of

STEP = 15 * local_time.MINUTE
PERIOD_HOURS = 6
_STEPS_A_PERIOD = PERIOD_HOURS * 4
_STEPS_A_DAY = 96


def source_of(agency: str) -> str:
    """Return the CloudEvents source of an agency."""
    return f"/agencies/{agency}"


class Publishers:
    """Prisons, bureaus and location systems say that they live; prisons and bureaus also say how much they sent."""

    def __init__(self, places: Places) -> None:
        self._counted = frozenset((*places.prisons(), *places.bureaus()))
        self._beats = _spread([*sorted(self._counted), *places.locations()], places.seed, _STEPS_A_PERIOD, 0)
        self._nights = _spread(sorted(self._counted), places.seed, 6, 2)  # between 00:30 and 02:00
        self._sequences: dict[tuple[str, str], int] = {}
        # Day of `time` → agency → topic → [count, first, last].
        self._sent: dict[int, dict[str, dict[str, list[int]]]] = {}

    def sources(self) -> list[str]:
        """Return the sources that say they live."""
        return sorted(source_of(agency) for beats in self._beats.values() for agency, _ in beats)

    def number(self, fact: Fact) -> str | None:
        """Return the sequence of the next event of this agency and topic; None where the agency does not count."""
        if fact.agency not in self._counted or fact.name.startswith("system."):
            return None
        topic = fact.name.partition(".")[0]
        sequence = self._sequences.get((fact.agency, topic), 0) + 1
        self._sequences[fact.agency, topic] = sequence
        told = self._sent.setdefault(local_time.day_of(fact.at), {}).setdefault(fact.agency, {})
        counted = told.setdefault(topic, [0, sequence, sequence])
        counted[0] += 1
        counted[2] = sequence
        return str(sequence)

    def speak(self, since: int) -> Iterator[Fact]:
        """Yield what publishers say about themselves in the quarter of an hour that begins then."""
        step = (since - local_time.midnight(local_time.day_of(since))) // STEP
        for agency, seconds in self._beats.get(step % _STEPS_A_PERIOD, ()):
            at = since + seconds * local_time.SECOND
            yield _system(agency, "publisher_heartbeat", at, {"period": f"PT{PERIOD_HOURS}H"})
        day = local_time.day_of(since) - 1
        for agency, seconds in self._nights.get(step, ()):
            yield self._manifest(agency, day, since + seconds * local_time.SECOND)
        if step == _STEPS_A_DAY // 2:
            self._forget(day)

    def _manifest(self, agency: str, day: int, at: int) -> Fact:
        counts = self._sent.get(day, {}).pop(agency, {})
        topics: list[dict[str, Any]] = [
            {"topic": f"reentry.{topic}.v1", "count": count, "first_sequence": str(first), "last_sequence": str(last)}
            for topic, (count, first, last) in sorted(counts.items())
        ]
        return _system(agency, "publisher_manifest", at, {"day": local_time.show_day(day), "topics": topics})

    def _forget(self, day: int) -> None:
        for old in [one for one in self._sent if one <= day]:
            del self._sent[old]


def _system(agency: str, name: str, at: int, data: dict[str, Any]) -> Fact:
    return Fact(at, f"{name}-{agency}-{at // local_time.SECOND}", at, f"system.{name}", source_of(agency), agency, data)


def _spread(agencies: list[str], seed: int, steps: int, first: int) -> dict[int, list[tuple[str, int]]]:
    """Give each agency a step and a second in it, for ever."""
    found: dict[int, list[tuple[str, int]]] = {}
    for agency in agencies:
        draw = mix(seed, number_of(agency), 3)
        found.setdefault(first + draw % steps, []).append((agency, (draw >> 32) % (STEP // local_time.SECOND)))
    return found


class Desk:
    """Facts that are recorded later than now, in the order in which they will be."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, str, int, Fact]] = []
        self._nth = 0

    def put(self, fact: Fact) -> None:
        """Keep a fact until it is told."""
        self._nth += 1
        heapq.heappush(self._waiting, (fact.told, fact.id, self._nth, fact))

    def take(self, until: int) -> Iterator[Fact]:
        """Yield what is told before an instant; what is put meanwhile is seen too."""
        while self._waiting and self._waiting[0][0] < until:
            yield heapq.heappop(self._waiting)[3]
