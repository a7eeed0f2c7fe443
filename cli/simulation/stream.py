"""The whole made-up world, a quarter of an hour at a time, with nothing kept but one number for each life."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from cli.simulation import local_time as days
from cli.simulation.correction import correction_story
from cli.simulation.dispute import dispute_story
from cli.simulation.faults import Faults, Letter
from cli.simulation.initial_register import HORIZON, LEAD, as_register, is_open
from cli.simulation.new_lives import births
from cli.simulation.places import SCALES, Places
from cli.simulation.publishers import STEP, Desk, Publishers
from cli.simulation.record import Record, record
from cli.simulation.release import release_story
from cli.simulation.reported_facts import CORRECTION, DISPUTE, RELEASE, REPORTS, ROUNDS, Fact, as_kind, pack, unpack
from cli.simulation.reports import reports_of, rounds_of
from cli.simulation.seeded_random import mix

_KINDS = (RELEASE, CORRECTION, DISPUTE)


@dataclass(frozen=True, slots=True)
class Options:
    """What a simulation depends on: equal options give equal bytes."""

    scale: str = "city"
    seed: int = 1
    days: int = 30  # 0: without end
    start: date = date(2026, 3, 2)
    faults: float = 0.02
    register: float = 1.0  # share of those already in the process on the first day who are told then


def simulate(options: Options) -> Iterator[Record]:
    """Yield the records in order of arrival. Memory grows with the open lives, eight bytes each, not with the days."""
    world = _World(options)
    first = days.midnight(days.number(options.start))
    end = first + options.days * days.DAY if options.days else None
    since = first
    while end is None or since < end:
        yield from world.step(since)
        since += STEP


class _World:
    def __init__(self, options: Options) -> None:
        self._places = Places(SCALES[options.scale], options.seed)
        self._opening = days.number(options.start)
        self._register = options.register
        self._publishers = Publishers(self._places)
        self._faults = Faults(self._places, options.faults)
        self._desk = Desk()
        self._alarms: dict[int, array[int]] = {}  # step → numbers of lives that have something to tell in it
        self._post: list[tuple[int, int, Letter]] = []
        self._nth = 0

    def step(self, since: int) -> Iterator[Record]:
        """Yield what arrives in one quarter of an hour."""
        until = since + STEP
        self._begin(since)
        for number in self._alarms.pop(since // STEP, array("q")):
            self._wake(number, since, until)
        for fact in self._publishers.speak(since):
            self._desk.put(fact)
        for fact in self._desk.take(until):
            self._send(fact)
        while self._post and self._post[0][0] < until:
            yield record(heapq.heappop(self._post)[2])

    def _begin(self, since: int) -> None:
        """Start the lives of this day, and in the first nights those that began long ago."""
        day = days.day_of(since)
        if since == days.midnight(day):
            for kind in _KINDS:
                for nth in range(births(self._places, kind, day + LEAD[kind])):
                    number = pack(kind, day + LEAD[kind], nth)
                    self._wake(number, since, since + STEP)
                    self._companions(number, since)
        step = (since - days.midnight(self._opening)) // STEP
        if step < self._places.scale.loading_steps:
            self._load(step, since)

    def _load(self, step: int, since: int) -> None:
        """Tell a part of the opening register, person by person."""
        for kind in _KINDS:
            latest = self._opening + LEAD[kind] - 1
            for day in range(latest - step, latest - HORIZON[kind], -self._places.scale.loading_steps):
                for nth in range(births(self._places, kind, day)):
                    number = pack(kind, day, nth)
                    if mix(self._places.seed, number, 6) < self._register * 2**64:
                        self._resume(number, since)

    def _resume(self, number: int, since: int) -> None:
        """Tell what the register holds of a life, and go on with it."""
        facts = self._story(number)
        told = since + mix(number) % (STEP - days.MINUTE)
        if not is_open(facts, told):
            return
        for fact in as_register(facts, told):
            self._mail(Letter(told, fact, None, misplaced=self._faults.misplaces(fact.agency)))
        self._tell(number, facts, told, since + STEP)
        self._companions(number, since)

    def _companions(self, number: int, since: int) -> None:
        """A term brings check-ins and location checks with it."""
        if unpack(number)[0] == CORRECTION:
            self._wake(as_kind(number, REPORTS), since, since + STEP)
            self._wake(as_kind(number, ROUNDS), since, since + STEP)

    def _wake(self, number: int, since: int, until: int) -> None:
        """Let one life tell what it has for this step, and set its next alarm."""
        kind = unpack(number)[0]
        if kind == REPORTS:
            facts, after = reports_of(self._places, number, self._opening, since, until)
        elif kind == ROUNDS:
            facts, after = rounds_of(self._places, number, since, until)
        else:
            self._tell(number, self._story(number), since, until)
            return
        for fact in facts:
            self._desk.put(fact)
        self._alarm(number, after)

    def _tell(self, number: int, story: list[Fact], since: int, until: int) -> None:
        for fact in story:
            if since <= fact.told < until:
                self._desk.put(fact)
        self._alarm(number, next((fact.told for fact in story if fact.told >= until), None))

    def _alarm(self, number: int, at: int | None) -> None:
        if at is not None:
            self._alarms.setdefault(at // STEP, array("q")).append(number)

    def _story(self, number: int) -> list[Fact]:
        kind = unpack(number)[0]
        if kind == RELEASE:
            return release_story(self._places, number)
        if kind == CORRECTION:
            return correction_story(self._places, number, self._opening)
        return dispute_story(self._places, number)

    def _send(self, fact: Fact) -> None:
        first, *others = self._faults.at_the_desk(fact)
        for other in others:
            self._desk.put(other)
        for letter in self._faults.on_the_way(first, self._publishers.number(first)):
            self._mail(letter)

    def _mail(self, letter: Letter) -> None:
        self._nth += 1
        heapq.heappush(self._post, (letter.arrival, self._nth, letter))
