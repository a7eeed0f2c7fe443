"""A subject whose facts fail is set aside: said once, counted, its facts in the dead letters, and all others go on."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from handover.agencies import Successors
from handover.cases.case import Case
from schemas.dead_letter import MESSAGE, REASON, REDRIVES
from schemas.envelope import Event
from schemas.instants import from_millis
from schemas.topics import CHECKIN, RELEASE, SYSTEM, partition_of
from streams import metrics, quarantine
from streams.engine.store import packed
from streams.engine.transport import TooLarge
from streams.quarantine import JUDGED, Quarantine, TooManyBugs
from tests.fuzz.loop import Loop
from tests.fuzz.records import PARTITIONS, STRUCTURED, Draft, Header
from tests.schemas.examples import changed

NOW = 1_772_380_800_000  # 2026-03-02 00:00 +08:00
HOT, OTHER = "p1_" + "a" * 26, "p1_" + "c" * 26
POISON = b'{"format":99}'  # what a version to come has written


def references(number: int) -> list[str]:
    """So many persons."""
    return [f"p1_{'d' * 24}{chr(97 + one // 26)}{chr(97 + one % 26)}" for one in range(number)]


def draft(fact: str, topic: str, subject: str, id_: str, told: Sequence[Header] = STRUCTURED, **data: Any) -> Draft:
    event = changed(f"reentry.{fact}.v1", data or None, subject=subject, id=id_, time="2026-03-01T10:00:00+08:00")
    return Draft(topic, subject.encode(), orjson.dumps(event), told)


def plan(number: int) -> Draft:
    """Two of these make a case that no broker takes."""
    item = {"kind": "CALL", "cadence": "WEEKLY", "unknown": "u" * 600_000}
    return draft("checkin.plan_set", CHECKIN, HOT, f"plan{number}", items=[item])


def released(subject: str, id_: str, told: Sequence[Header] = STRUCTURED) -> Draft:
    return draft("release.scheduled", RELEASE, subject, id_, told)


def feed(loop: Loop, *drafts: Draft, ms: int = 0) -> None:
    asyncio.run(loop.feed([(NOW + ms + number, one) for number, one in enumerate(drafts)]))


def poison(loop: Loop, subject: str, next_ms: int = NOW + 1) -> None:
    """Let the table hold a case that cannot be read, and that is due."""
    key = subject.encode()
    place = partition_of(key, PARTITIONS)
    loop.table.data.parts[place][key] = packed(0, next_ms, 0, POISON)
    if loop.engine.ready:
        loop.engine.state.timers[place].push(next_ms, key)


def kept(loop: Loop, subject: str) -> bytes:
    key = subject.encode()
    found: bytes = loop.table.data.parts[partition_of(key, PARTITIONS)].get(key, b"")
    return found


def letters(loop: Loop) -> list[tuple[str, str]]:
    heads = [dict(one.headers) for one in loop.dead_letters]
    return [((one[REASON] or b"").decode(), (one[MESSAGE] or b"").decode()) for one in heads]


def gauge() -> float:
    samples = [sample for metric in metrics.QUARANTINED.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


def test_a_subject_whose_case_would_be_too_large_is_set_aside_with_all_that_follows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop(tmp_path)
    feed(loop, plan(1))
    feed(loop, plan(2), ms=10_000)
    before = loop.table.data.parts[partition_of(HOT.encode(), PARTITIONS)][HOT.encode()]
    many = 3 * JUDGED  # once this many facts of one subject stopped the worker
    for number in range(many):
        feed(loop, released(HOT, f"h{number}"), ms=20_000 + number)
    feed(loop, released(OTHER, "last"), ms=30_000)
    assert b'"last"' in kept(loop, OTHER)
    assert kept(loop, HOT) == before
    assert {reason for reason, _ in letters(loop)} == {"FAILED"}
    assert all(text.startswith("TooLarge: ") for _, text in letters(loop))
    counted = loop.counted()
    assert (counted[CHECKIN]["bug"], counted[RELEASE]["quarantined"], counted[RELEASE]["applied"]) == (1, many, 1)
    assert len(loop.dead_letters) == many + 1
    assert loop.uncounted() == {}
    assert (len(said(caplog)), gauge()) == (1, 1)


def test_a_case_that_cannot_be_read_is_set_aside_and_its_timer_is_not_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop(tmp_path)
    poison(loop, HOT)
    feed(loop, released(OTHER, "first"))
    feed(loop, released(HOT, "h1"), released(OTHER, "last"), ms=600_000)
    assert b'"last"' in kept(loop, OTHER)
    assert kept(loop, HOT).endswith(POISON)
    assert (len(said(caplog)), gauge(), letters(loop)) == (1, 1, [("FAILED", "Unreadable")])
    assert not loop.engine.busy


def test_facts_for_a_case_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop(tmp_path)
    poison(loop, HOT, NOW * 2)
    feed(loop, *(released(HOT, f"h{number}") for number in range(50)), released(OTHER, "last"))
    assert b'"last"' in kept(loop, OTHER)
    assert (len(said(caplog)), len(loop.dead_letters)) == (1, 50)


def test_a_correction_that_an_unreadable_case_may_hold_is_a_dead_letter(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    feed(loop, released(OTHER, "first"))
    value = b'{"format":99,"facts":["gone"]}'
    for place in range(PARTITIONS):
        loop.table.data.parts[place][HOT.encode()] = packed(0, NOW * 2, 0, value)
    wrong = orjson.loads(released(OTHER, "right").value or b"") | {"corrects": "gone"}
    feed(loop, Draft(RELEASE, OTHER.encode(), orjson.dumps(wrong), STRUCTURED), ms=10_000)
    assert {reason for reason, _ in letters(loop)} == {"FAILED"}
    assert b'"right"' in kept(loop, OTHER)


def test_after_a_mend_a_redriven_fact_is_a_try_and_then_the_subject_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(tmp_path)
    poison(loop, HOT, NOW * 2)
    again = [*STRUCTURED, (REDRIVES, b"1")]
    feed(loop, released(HOT, "h1"))
    feed(loop, released(HOT, "h1", again), ms=10_000)
    assert (len(loop.dead_letters), gauge()) == (2, 1)  # it has just failed: tries are seldom
    del loop.table.data.parts[partition_of(HOT.encode(), PARTITIONS)][HOT.encode()]
    monkeypatch.setattr(quarantine, "TRIED_EACH_SECONDS", 0.0)
    feed(loop, released(HOT, "h2"), ms=20_000)
    assert (len(loop.dead_letters), gauge()) == (3, 1)
    feed(loop, released(HOT, "h1", again), released(HOT, "h3"), ms=30_000)
    assert (len(loop.dead_letters), gauge()) == (3, 0)
    assert all(id_ in kept(loop, HOT) for id_ in (b'"h1"', b'"h3"'))


def test_whoever_owns_the_partition_next_tries_each_subject_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop(tmp_path)
    poison(loop, HOT, NOW * 2)
    feed(loop, *(released(HOT, f"h{number}") for number in range(20)))
    asyncio.run(loop.engine.stop(None, None))
    feed(loop, *(released(HOT, f"i{number}") for number in range(20)), ms=60_000)
    assert (len(said(caplog)), len(loop.dead_letters), gauge()) == (2, 40, 1)


def test_a_program_under_which_most_subjects_fail_stops_and_buries_nothing_of_that_step(tmp_path: Path) -> None:
    loop, many = Loop(tmp_path), references(JUDGED + 50)
    for subject in many:
        poison(loop, subject, NOW * 2)
    with pytest.raises(TooManyBugs):
        feed(loop, *(released(subject, "x") for subject in many))
    assert loop.dead_letters == []


class _Failing(Case):
    """A feed that fails by each fact."""

    __slots__ = ()

    def take(self, event: Event, arrival: datetime) -> bool:
        raise RuntimeError("a bug")


def test_a_feed_that_fails_is_set_aside_and_the_others_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loop = Loop(tmp_path)
    bad, good = "/agencies/PRISON-990100-01", "/agencies/PRISON-990100-02"
    loop.system.world._feeds[bad] = _Failing.empty(bad)
    for number, source in enumerate((bad, good, bad)):
        event = changed("reentry.system.publisher_heartbeat.v1", subject=source, source=source, id=f"b{number}", time="2026-03-01T10:00:00+08:00")  # fmt: skip
        feed(loop, Draft(SYSTEM, source.encode(), orjson.dumps(event), STRUCTURED), ms=number * 60_000)
    feed(loop, released(OTHER, "last"), ms=20 * 86_400_000)
    assert b'"last"' in kept(loop, OTHER)
    assert loop.system.world.set_aside == {bad}
    assert loop.system.world.downtimes.is_down("PRISON-990100-02", from_millis(loop.log.now_ms), Successors({}))
    assert len([text for text in said(caplog) if bad in text]) == 1


def test_the_breaker_counts_subjects(tmp_path: Path) -> None:
    one = Quarantine(0.5)
    one.lived(b"%d" % number for number in range(JUDGED))
    for _ in range(10 * JUDGED):
        assert one.add(0, b"hot", TooLarge("5 bytes, of at most 4")) == "TooLarge: 5 bytes, of at most 4"
    for number in range(JUDGED // 2 - 1):
        one.add(1, b"failing%d" % number, ValueError("a value that must not be told"))
    assert one.why(1, b"failing0") == "ValueError"
    with pytest.raises(TooManyBugs):
        one.add(1, b"one more", ValueError("x"))
