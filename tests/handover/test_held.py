"""A case lives through the comings and goings of those feeds only that may hold one of its alerts, and nothing is lost by it."""

from datetime import datetime, timedelta

import pytest

from cli.simulation.stream import Options, simulate
from handover.analysis.replay import Told, replay
from handover.calendar import load_calendar
from handover.cases import advance
from handover.cases.case import Case
from handover.cases.shared_state import SharedState
from handover.rules.rulebook import load
from schemas.alert import Alert
from schemas.instants import from_millis, millis
from schemas.parse import InvalidEvent, parse

DAYS = 25
EACH, LENGTH = timedelta(days=4), timedelta(hours=30)


def _with_outages() -> list[Told]:
    """A county of which everything waits for thirty hours, every fourth day: all its feeds go and come back."""
    found, first = list[Told](), 0
    for record in simulate(Options("county", 3, DAYS)):
        first = first or record.received
        since = timedelta(milliseconds=record.received - first) % EACH
        arrival = from_millis(record.received) + max(timedelta(0), LENGTH - since)
        try:
            found.append((parse(record.value or b"", (), arrival), arrival))
        except InvalidEvent:
            continue
    return sorted(found, key=lambda one: (millis(one[1]), one[0].source, one[0].id))


def _any_move(case: Case, world: SharedState, after: datetime) -> datetime | None:
    return world.downtimes.next_move(after)


@pytest.mark.skipif(advance.__file__.endswith(".so"), reason="what is compiled cannot be replaced")
def test_alerts_are_those_of_a_case_that_lives_through_every_move_of_every_feed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, book, calendar = _with_outages(), load("cn-default"), load_calendar()
    few = list(replay(told, book, calendar))
    monkeypatch.setattr(advance, "_next_move", _any_move)
    every = list(replay(told, book, calendar))
    assert sum(alert.held for alert in few) > 20
    assert sorted(few, key=_place) == sorted(every, key=_place)


def _place(alert: Alert) -> tuple[str, int]:
    return alert.alert_id, alert.revision
