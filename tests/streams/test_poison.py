"""Records that once stopped a worker for good: each is refused by itself, counted once, and what follows is applied."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.topics import CHECKIN, DISPUTE, RELEASE, ROUTED, SYSTEM, partition_of
from streams.dead_letters import VALUE_KEPT
from tests.fuzz.loop import BROKER_BYTES, Loop, _size
from tests.fuzz.records import PARTITIONS, STRUCTURED, Draft, Header
from tests.schemas.examples import EVENTS, changed

NOW = 1_772_380_800_000
PERSON, OTHER = "p1_" + "a" * 26, "p1_" + "c" * 26


def draft(
    event: Mapping[str, Any], topic: str, headers: Sequence[Header] = STRUCTURED, partition: int | None = None
) -> Draft:
    return Draft(topic, str(event["subject"]).encode(), orjson.dumps(event), headers, partition)


def event(fact: str, data: Mapping[str, Any] | None = None, subject: str = PERSON, **more: Any) -> dict[str, Any]:
    return changed(f"reentry.{fact}.v1", data, subject=subject, time="2026-03-01T10:00:00+08:00", **more)


def fed(folder: Path, *drafts: Draft) -> Loop:
    """A worker after these records and one more as it should be, which is applied."""
    loop = Loop(folder)
    last = draft(event("release.scheduled", subject=OTHER, id="last"), RELEASE)
    asyncio.run(loop.feed([*((NOW + number, one) for number, one in enumerate(drafts)), (NOW + 10_000, last)]))
    assert b'"last"' in loop.table.data.parts[partition_of(OTHER.encode(), PARTITIONS)][OTHER.encode()]
    assert loop.uncounted() == {}
    assert all(_size(one) <= BROKER_BYTES for one in loop.dead_letters)
    return loop


def reasons(loop: Loop) -> list[str]:
    return [headers_of(number, loop)["reentry.reason"] for number in range(len(loop.dead_letters))]


def headers_of(number: int, loop: Loop) -> dict[str, str]:
    return {name: (text or b"").decode() for name, text in loop.dead_letters[number].headers}


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"x":[1]}', b'{"0":5}', b'{"0":["a"]}', b'{"0":[1.5]}'])
def test_a_marker_that_no_worker_wrote(tmp_path: Path, text: bytes) -> None:
    loop = fed(tmp_path, Draft(ROUTED, b"k", b"{}", [("reentry.marker", text)]))
    assert reasons(loop) == ["MALFORMED"]


@pytest.mark.parametrize("arrival", [None, b"", b"x", b"1" * 40, b"-99999999999999999999"])
def test_a_routed_record_that_no_worker_wrote(tmp_path: Path, arrival: bytes | None) -> None:
    told: list[Header] = [("reentry.subject", PERSON.encode()), ("reentry.arrival", arrival)]
    assert reasons(fed(tmp_path, draft(event("release.scheduled"), ROUTED, told))) == ["MALFORMED"]


def test_a_routed_event_whose_payload_is_none(tmp_path: Path) -> None:
    told: list[Header] = [("reentry.subject", PERSON.encode()), ("reentry.arrival", b"%d" % NOW)]
    wrong = {**event("action.acknowledged"), "data": {}}
    assert reasons(fed(tmp_path, draft(wrong, ROUTED, told))) == ["MALFORMED"]


def test_a_number_that_names_a_person_beside_a_header_without_value(tmp_path: Path) -> None:
    wrong = event("release.scheduled", {"remark": "13800138000"})
    loop = fed(tmp_path, draft(wrong, RELEASE, [*STRUCTURED, ("none", None)]))
    assert (reasons(loop), b"13800138000" in (loop.dead_letters[0].value or b"")) == (["PII_IN_TEXT"], False)


def test_what_was_small_only_when_compressed_is_cut(tmp_path: Path) -> None:
    told: list[Header] = [*STRUCTURED, ("long", b"y" * 500_000)]
    loop = fed(tmp_path, Draft(RELEASE, b"k" * 90_000, b"x" * 3_000_000, told))
    assert len(loop.dead_letters[0].value or b"") == VALUE_KEPT
    assert headers_of(0, loop)["reentry.cut"] == "key 90000, value 3000000 bytes, 2 headers"


def test_an_event_that_is_longer_when_it_is_sent_on(tmp_path: Path) -> None:
    numbers = b"[" + b"1e15," * 150_000 + b"0]"
    value = orjson.dumps(event("release.scheduled", {"big": "here"})).replace(b'"here"', numbers)
    away = (partition_of(PERSON.encode(), PARTITIONS) + 1) % PARTITIONS
    assert reasons(fed(tmp_path, Draft(RELEASE, PERSON.encode(), value, partition=away))) == ["MALFORMED"]


def test_a_dispute_that_names_a_town(tmp_path: Path) -> None:
    refs = [f"p1_{number:026d}".replace("0", "a").replace("1", "b").replace("8", "c").replace("9", "d") for number in range(20_000)]  # fmt: skip
    wrong = event("dispute.reported", {"person_refs": refs}, subject="d1_" + "b" * 26)
    assert reasons(fed(tmp_path, draft(wrong, DISPUTE))) == ["SCHEMA"]


@pytest.mark.parametrize(
    "keys", [{"form": ["within"]}, {"owner": []}, {"kinds": [[]]}, {"within": "99999999 wd"}, {"id": {}}, {"stages": [{"at": [], "severity": {}}]}]
)  # fmt: skip
def test_a_rule_change_that_no_book_can_have(tmp_path: Path, keys: Mapping[str, Any]) -> None:
    source = EVENTS["reentry.system.rules_changed.v1"]["source"]
    wrong = event("system.rules_changed", {"changes": [{"rule_id": "A01", "set": keys}]}, subject=source, source=source)
    loop = fed(tmp_path, draft(wrong, SYSTEM))
    assert loop.dead_letters == []  # it is an event; the book cannot be used
    assert len(loop.engine.system.world.refused) == 1


def test_fields_that_no_rule_knows_do_not_swell_a_case(tmp_path: Path) -> None:
    swollen = [event("release.scheduled", {"unknown": "u" * 400_000}) for _ in range(5)]
    loop = fed(tmp_path, *(draft(one, RELEASE) for one in swollen))
    assert (reasons(loop), all(len(one.value or b"") < 100_000 for one in loop.cases)) == ([], True)


def test_a_case_that_no_broker_takes_stays_as_it_was_and_is_told_loudly(tmp_path: Path) -> None:
    item = {"kind": "CALL", "cadence": "WEEKLY", "unknown": "u" * 600_000}
    plans = [event("checkin.plan_set", {"items": [item], "from": "2026-03-02"}) for _ in range(2)]
    loop = fed(tmp_path, *(draft(one, CHECKIN) for one in plans))
    counted = loop.counted()[CHECKIN]
    assert (counted["applied"] + counted["bug"], set(reasons(loop))) == (2, {"FAILED"})
    assert not loop.engine.busy


def test_a_merge_whose_both_sides_live_in_one_partition_is_one_record(tmp_path: Path) -> None:
    home = partition_of(PERSON.encode(), PARTITIONS)
    refs = (f"p1_{'a' * 25}{letter}" for letter in "bcdefghijklmnop")
    removed = next(ref for ref in refs if partition_of(ref.encode(), PARTITIONS) == home)
    merge = event("release.person_merged", {"survivor_ref": PERSON, "removed_ref": removed})
    loop = fed(tmp_path, draft(merge, RELEASE))
    assert loop.counted()[RELEASE].total() == 2
    assert removed.encode() in loop.table.data.parts[home]


def test_a_dead_letter_says_who_sent_it_and_all_that_is_wrong(tmp_path: Path) -> None:
    wrong = event("release.scheduled", {"release_date": "soon", "home_code": "?"}) | {"time": "x"}
    loop = fed(tmp_path, draft(wrong, RELEASE), Draft(RELEASE, b"k", b"\xef\xbb\xbf{}"))
    told = headers_of(0, loop)
    assert (told["reentry.source"], told["reentry.type"]) == (wrong["source"], wrong["type"])
    assert all(
        f"{place}: " in told["__streams.errors.message"] for place in ("time", "data.release_date", "data.home_code")
    )
    assert headers_of(1, loop).keys().isdisjoint(("reentry.source", "reentry.type"))
    assert "byte order mark" in headers_of(1, loop)["__streams.errors.message"]


def test_a_number_that_base64_hides_is_not_kept(tmp_path: Path) -> None:
    hidden = b64encode(b'{"note": "13800138000"}')
    value = orjson.dumps(event("release.scheduled")).replace(b'"data"', b'"data_base64":"' + hidden + b'","x"')
    [letter] = fed(tmp_path, Draft(RELEASE, PERSON.encode(), value)).dead_letters
    assert dict(letter.headers)["reentry.reason"] == b"PII_IN_TEXT"
    assert letter.value is not None
    assert hidden not in letter.value
