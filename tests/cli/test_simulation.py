"""The made-up world: equal options give equal bytes, everything it says is valid, and it needs little memory."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest

from cli.commands.simulate import _Place, _wait
from cli.simulation import local_time
from cli.simulation.faults import WRONG
from cli.simulation.record import Record
from cli.simulation.stream import Options, simulate
from handover.analysis.replay import replay
from handover.calendar import load_calendar
from handover.rules.rulebook import load
from schemas.instants import from_millis, instant, millis, show
from schemas.parse import InvalidEvent, parse

SMALL = Options(days=4, faults=0.0, register=0.05)


def valid(records: Iterator[Record]) -> Iterator[Record]:
    for record in records:
        try:
            parse(record.value, (), from_millis(record.received))
        except InvalidEvent:
            continue
        yield record


def test_equal_options_give_equal_bytes() -> None:
    options = Options(days=3, faults=0.1, register=0.02, seed=9)
    first = [record.line() for record in simulate(options)]
    assert first == [record.line() for record in simulate(options)]
    assert first != [record.line() for record in simulate(Options(days=3, faults=0.1, register=0.02, seed=10))]


def test_more_days_only_add_to_the_same_history() -> None:
    longer = simulate(Options(days=5, faults=0.05, register=0.02))
    for record, again in zip(simulate(Options(days=3, faults=0.05, register=0.02)), longer, strict=False):
        assert record == again


class Acknowledging:
    """Stands for a sender where only its being asked counts."""

    asked = 0

    def flush(self) -> None:
        self.asked += 1


@pytest.mark.parametrize("ahead", [1, 10, 19, 50])
def test_a_paced_record_is_never_sent_before_its_time(ahead: int, tmp_path: Path) -> None:
    place, sender = _Place(tmp_path / "state.json", SMALL), Acknowledging()
    for number in range(3):
        place.sent = number
        arrives = time.time_ns() // 1_000_000 + ahead
        _wait(arrives, sender, place)  # type: ignore[arg-type]
        assert time.time_ns() // 1_000_000 >= arrives
    assert sender.asked == 1, "a position a second"
    assert _Place(tmp_path / "state.json", SMALL).sent == 0, "the one which was acknowledged"


def test_without_faults_every_record_is_an_event_in_its_place() -> None:
    last = 0
    for record in simulate(SMALL):
        event = parse(record.line(), (), from_millis(record.received))
        assert event.topic == record.topic
        assert event.subject == record.key
        assert event.receivedtime == from_millis(record.received)
        assert event.recordedtime is not None
        assert event.time <= event.recordedtime <= event.receivedtime
        assert not record.misplaced
        assert record.received >= last
        last = record.received


def test_no_place_is_a_real_one() -> None:
    for record in simulate(SMALL):
        body = orjson.loads(record.value or b"")
        text = orjson.dumps([body["source"], body["data"]]).decode()
        for word in text.replace('"', " ").replace("/", " ").split():
            kind, _, rest = word.partition("-")
            if kind.isupper() and rest and kind not in "ACDEFORTVM":
                assert rest.startswith("99"), word


def test_each_id_is_told_once_where_nothing_is_doubled() -> None:
    seen = Counter((body["source"], body["id"]) for body in (orjson.loads(one.value or b"") for one in simulate(SMALL)))
    assert set(seen.values()) == {1}


def test_sequences_have_no_gap_and_manifests_count_what_was_sent() -> None:
    sequences: dict[tuple[str, str], list[int]] = {}
    told: Counter[tuple[str, str, str]] = Counter()
    manifests = []
    for record in simulate(SMALL):
        body = orjson.loads(record.value or b"")
        if "sequence" in body:
            sequences.setdefault((body["source"], record.topic), []).append(int(body["sequence"]))
            told[body["source"], record.topic, body["time"][:10]] += 1
        if body["type"].endswith("manifest.v1"):
            manifests.append(body)
    assert sequences
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in sequences.values())
    counted = [(one, topic) for one in manifests for topic in one["data"]["topics"]]
    assert counted
    for body, topic in counted:
        assert 0 < topic["count"] <= told[body["source"], topic["topic"], body["data"]["day"]]


def test_faults_are_a_few_percent_and_of_every_kind() -> None:
    records = list(simulate(Options(days=12, faults=0.05, register=0.1, seed=3)))
    reasons: Counter[str] = Counter()
    late = disordered = corrected = 0
    newest: dict[str, int] = {}
    ids: Counter[str] = Counter()
    for record in records:
        try:
            event = parse(record.value, (), from_millis(record.received))
        except InvalidEvent as error:
            reasons[error.reason] += 1
            continue
        recorded = millis(event.recordedtime or event.time)
        late += record.received - recorded > local_time.HOUR
        ids[f"{event.source} {event.id}"] += 1
        corrected += event.corrects is not None
        disordered += recorded < newest.get(event.source, 0)
        newest[event.source] = max(recorded, newest.get(event.source, 0))
    share = sum(reasons.values()) / len(records)
    assert 0.001 < share < 0.03
    assert set(reasons) == {"MALFORMED", "SCHEMA", "UNKNOWN_TYPE", "UNKNOWN_VERSION", "PII_IN_TEXT", "CLOCK_AHEAD"}
    assert len(WRONG) == len(reasons) + 1  # null is malformed too
    assert late > 10
    assert disordered > 10
    assert corrected > 3
    assert sum(count > 1 for count in ids.values()) > 10
    assert any(record.misplaced for record in records)
    assert any(record.value is None for record in records)


def test_the_first_hours_already_hold_alerts_that_rise_climb_and_end() -> None:
    options = Options(days=3, faults=0.0, register=0.3)
    told = [(parse(one.value), from_millis(one.received)) for one in simulate(options)]
    alerts = list(replay(told, load("cn-default"), load_calendar()))
    raised = [one for one in alerts if one.revision == 1]
    assert sum(one.changed_at < instant("2026-03-02T06:15:00+08:00") for one in raised) > 10
    assert sum(one.changed_at >= instant("2026-03-03T00:00:00+08:00") for one in raised) > 3
    assert any(one.state == "firing" and one.step > 0 for one in alerts)
    assert any(one.outcome == "met_late" for one in alerts)
    assert len({one.severity for one in alerts}) >= 3
    assert len({one.rule_id for one in alerts}) >= 8
    orphans = sum(one.rule_id == "X05" for one in raised)
    assert orphans <= 3  # loading the register raises none but those whose decision is on its way


@pytest.mark.parametrize(("day", "working"), [(date(2026, 3, 6), True), (date(2026, 3, 7), False)])
def test_offices_close_at_weekends(day: date, working: bool) -> None:
    assert local_time.is_working(local_time.number(day)) is working


def test_instants_are_shown_as_everywhere_else() -> None:
    for at in (0, 1_772_380_800_000, 1_772_380_800_123, 1_767_196_799_999):
        assert local_time.show(at) == show(from_millis(at))
        assert local_time.instant(at) == from_millis(at)


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2026, 1, 15), date(2025, 12, 15)),
        (date(2024, 3, 30), date(2024, 2, 29)),
    ],
)
def test_a_month_before_is_cut_to_the_months_last_day(day: date, before: date) -> None:
    assert local_time.month_before(local_time.number(day)) == local_time.number(before)


def test_a_nation_needs_little_memory() -> None:
    code = (
        "from pathlib import Path; from itertools import islice; from cli.simulation.stream import Options, simulate\n"
        "for _ in islice(simulate(Options('nation', days=0, register=0.002)), 40_000): pass\n"
        "print(int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) // 1024)"  # not the parent's
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) < 250
