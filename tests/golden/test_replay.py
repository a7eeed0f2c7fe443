"""Every golden timeline through replay."""

from pathlib import Path

import orjson
import pytest

from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas import alert as written
from tests.golden.timelines import FOLDERS, ordered, read, rows

BOOK, CALENDAR = load("cn-default"), load_calendar()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_rules_tell_the_timeline(folder: Path) -> None:
    timeline = read(folder)
    alerts = list(replay(timeline.events, BOOK, CALENDAR, timeline.until))
    assert rows(alerts) == ordered(timeline.expected)


@pytest.mark.parametrize(
    "folder", [folder for folder in FOLDERS if (folder / "steps.jsonl").exists()], ids=lambda folder: folder.name
)
def test_every_step_of_the_ladder_is_told(folder: Path) -> None:
    timeline = read(folder)
    names = list(timeline.steps[0])
    alerts = [alert.wire() for alert in replay(timeline.events, BOOK, CALENDAR, timeline.until)]
    found = [{name: alert[name] for name in names} for alert in alerts]
    order = ("changed_at", "rule_id", "subject", "step")
    assert sorted(found, key=lambda row: [row[n] for n in order]) == sorted(
        timeline.steps, key=lambda row: [row[n] for n in order]
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_alert_is_one_that_a_reader_takes(folder: Path) -> None:
    timeline = read(folder)
    for alert in replay(timeline.events, BOOK, CALENDAR, timeline.until):
        assert written.read(orjson.dumps(written.event(alert))) == alert
