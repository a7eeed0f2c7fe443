"""What a case has forgotten may be told again: by a worker that reads on from earlier, by a publisher that sends all it has once more."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from handover.analysis.replay import replay, share, verdicts
from handover.calendar import load_calendar
from handover.cases.advance import advance
from handover.cases.case import Case
from handover.cases.codec import decode_case, encode_case
from handover.cases.compaction import fold
from handover.cases.shared_state import SharedState
from handover.facts.forwarding import routes
from handover.rules.rulebook import load
from schemas.alert import Alert
from tests.golden.timelines import FOLDERS, read
from tests.handover.histories import Told
from tests.handover.test_folding import a_year_that_ends
from tests.handover.test_life import finals, found_holders

BOOK, CALENDAR = load("cn-default"), load_calendar()
MS = timedelta(milliseconds=1)


class Living:
    """Cases as a worker keeps them: written and read again, and forgetting."""

    def __init__(self, told: Iterable[Told]) -> None:
        self.world, self.cases, self.alerts = SharedState(BOOK, CALENDAR), dict[str, Case](), list[Alert]()
        for event, arrival in told:
            share(self.world, event, arrival)

    def tell(self, told: Iterable[Told], now: datetime) -> None:
        """At `now` these facts come to their cases, with the arrivals that they say."""
        queue = [(subject, event, arrival) for event, arrival in told for subject in (event.subject, *routes(event))]
        while queue:
            subject, event, arrival = queue.pop(0)
            case = self.cases.setdefault(subject, Case.empty(subject))
            case.take(event, arrival)
            queue += found_holders(self.cases, case.take_outgoing())
        self.live(now)

    def live(self, now: datetime) -> None:
        """Every case lives through `now`, forgets what it may, and is kept as it would be read back."""
        for subject, case in self.cases.items():
            self.alerts += advance(case, self.world, now + MS)
            fold(case, self.world, now + MS)
            if case.derived is not None:
                self.cases[subject] = decode_case(encode_case(case).value)


def lived(told: list[Told], until: datetime, *, again: bool = False) -> Living:
    """As it is told, then day by day, so that cases rest and forget. `again`: each day all that has been told comes again."""
    living = Living(told)
    instants = {arrival for _, arrival in told} | set(days(told[0][1], until))
    by_arrival = {arrival: list(group) for arrival, group in groupby(told, key=lambda one: one[1])}
    for now in sorted(instants):
        living.tell(by_arrival.get(now, ()), now)
        if again and now not in by_arrival:
            living.tell([one for one in told if one[1] <= now], now)
    return living


def days(first: datetime, until: datetime) -> Iterator[datetime]:
    yield from (first + timedelta(days=day) for day in range(1, (until - first).days))
    yield until


def of(folder: Path) -> list[Told]:
    told = list(read(folder).events)
    return sorted([*told, *verdicts(told)], key=lambda one: one[1])


HISTORIES = {folder.name: of(folder) for folder in FOLDERS} | {"a year that ends": a_year_that_ends()}
every_history = pytest.mark.parametrize("told", HISTORIES.values(), ids=HISTORIES.keys())


@every_history
def test_what_comes_again_day_by_day_changes_nothing(told: list[Told]) -> None:
    until = told[-1][1] + timedelta(days=60)
    assert finals(lived(told, until, again=True).alerts) == finals(list(replay(told, BOOK, CALENDAR, until)))


@every_history
@pytest.mark.parametrize("after", [35, 200])
def test_what_a_publisher_sends_once_more_later_changes_nothing(told: list[Told], after: int) -> None:
    now = told[-1][1] + timedelta(days=after)
    until = now + timedelta(days=200)
    living = lived(told, now)
    for event, _ in told:
        now += timedelta(minutes=1)
        living.tell([(event, now)], now)
    living.live(until)
    assert finals(living.alerts) == finals(list(replay(told, BOOK, CALENDAR, until)))


def test_corrections_of_what_is_forgotten_open_no_handover() -> None:
    told = HISTORIES["13-death-before-release"]
    now = told[-1][1] + timedelta(days=60)
    living = lived(told, now)
    opening = next(event for event, _ in told if event.fact == "release.scheduled")
    case = living.cases[opening.subject]
    assert case.closed
    assert not case.entries.copies
    before = len(living.alerts)
    living.tell([(replace(opening, id="corrected", corrects=opening.id), now)], now)
    living.live(now)
    living.tell([(replace(opening, id="corrected again", corrects="corrected"), now)], now)
    living.live(now + timedelta(days=200))
    assert len(living.alerts) == before
    another = replace(opening, id="another", time=now)
    living.tell([(another, now)], now)
    assert len(living.cases[opening.subject].entries.copies) == 1
