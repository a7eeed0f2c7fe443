"""The ledger of duties on the golden timelines: it agrees with every alert of replay, and knows what it knew at each instant."""

from datetime import datetime
from pathlib import Path

import pytest

from handover.analysis.obligation_history import Duty, county_of, reckon, world_of
from handover.analysis.replay import live_all
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.alert import Alert
from tests.golden.timelines import FOLDERS, Timeline, read

BOOK, CALENDAR = load("cn-default"), load_calendar()
OF_ALERT = {"firing": "open", "met_late": "late", "late_delivery": "in_time", "met": "in_time"}


def standing(timeline: Timeline, until: datetime, at: datetime | None = None) -> dict[str, Duty]:
    """Every duty as known at an instant, by its alert's id."""
    found: dict[str, Duty] = {}
    world = world_of((one for one in timeline.events if one[1] <= until), BOOK, CALENDAR)
    for subject in reckon(timeline.events, world, until):
        for entry in subject.entries:
            then = at or until
            if entry.known_from <= then and (entry.known_until is None or entry.known_until > then):
                assert entry.duty.alert_id not in found, "one duty stands twice"
                found[entry.duty.alert_id] = entry.duty
    return found


def last_alerts(timeline: Timeline) -> dict[str, Alert]:
    """The last snapshot of every alert about a person or dispute."""
    alerts = live_all(timeline.events, BOOK, CALENDAR, timeline.until).alerts
    return {one.alert_id: one for one in alerts if one.handover_kind != "SYSTEM"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_alert_of_replay_is_a_duty_that_stands_as_it_says(folder: Path) -> None:
    timeline = read(folder)
    duties = standing(timeline, timeline.until)
    for alert_id, alert in last_alerts(timeline).items():
        duty = duties.get(alert_id)
        if alert.outcome == "mistake":
            continue  # what it stood for is not owed any more; the next test finds it if it were
        assert duty is not None, alert.rule_id
        said = OF_ALERT.get(alert.outcome or alert.state, alert.outcome)
        assert duty.standing == ("in_time" if said == "redated" and duty.met_at else said), alert.rule_id
        assert (duty.due_at, duty.contest) == (alert.due_at, alert.contest)
        if (
            alert.state == "firing"
        ):  # an alert that has ended names who owed it then; a transfer may have moved it since
            assert duty.owner_agency == alert.owner_agency


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_has_no_alert_was_answered_in_time_or_is_not_due(folder: Path) -> None:
    timeline = read(folder)
    alerted = last_alerts(timeline)
    for alert_id, duty in standing(timeline, timeline.until).items():
        if alert_id in alerted and alerted[alert_id].outcome != "mistake":
            continue
        late = duty.standing == "late" or (duty.standing == "open" and duty.due_at <= timeline.until)
        assert not late, (duty.rule_id, duty.standing)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_as_known_at_an_instant_is_what_a_reckoning_of_that_instant_finds(folder: Path) -> None:
    timeline = read(folder)
    for at in sorted({arrival for _, arrival in timeline.events if arrival <= timeline.until})[::3]:
        assert standing(timeline, timeline.until, at) == standing(timeline, at), at


def test_a_duty_is_counted_where_its_office_is_and_a_prisons_where_the_person_is() -> None:
    assert county_of("TOWN_JUSTICE-990102004-01", "990103001") == "990102"
    assert county_of("MEDIATION-990102004-01", "990102004") == "990102"
    assert county_of("PRISON-990100-01", "990103001") == "990103"
    assert county_of("CITY_JUSTICE-990100-01", "990102") == "990102"
