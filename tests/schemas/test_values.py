"""Numbers, ids, instants and lengths: what is read, what is refused, and that nothing is altered on the way."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any

import orjson
import pytest

from schemas.instants import instant, show
from schemas.parse import InvalidEvent, parse, trusted
from tests.schemas.examples import COMMENT, NOTICE, changed, message_for, read, reason_for, with_data

MANIFEST = "reentry.system.publisher_manifest.v1"
MEDIATED = "reentry.dispute.mediated.v1"
SCHEDULED = "reentry.release.scheduled.v1"


def counted(**more: Any) -> dict[str, Any]:
    return changed(MANIFEST, {"topics": [{"topic": "reentry.release.v1", "count": 1, **more}]})


# --- numbers


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (changed(MEDIATED, {"session_no": 3.0}), ("session_no",)),
        (counted(count=2.0), ("topics", 0, "count")),
        (changed("reentry.system.calendar_published.v1", {"year": 2027.0}), ("year",)),
    ],
    ids=["session_no", "count", "year"],
)
def test_a_whole_number_with_a_point_is_one(sent: dict[str, Any], place: tuple[Any, ...]) -> None:
    value = orjson.dumps(sent)
    for event in (parse(value), trusted(value) if "dispute" not in sent["type"] else parse(value)):
        found: Any = event.data
        for step in place:
            found = found[step]
        assert isinstance(found, int)
    assert b".0" not in orjson.dumps(parse(value).wire()["data"])


def test_a_whole_number_with_a_point_is_held_to_its_limits() -> None:
    assert reason_for(changed(MEDIATED, {"session_no": -1.0})) == "SCHEMA"
    assert reason_for(changed(MEDIATED, {"session_no": 1e300})) == "SCHEMA"
    assert reason_for(counted(count=1e15)) == "SCHEMA"


def test_one_verdict_of_ours_with_points_in_its_numbers() -> None:
    data = {"day": "2026-02-26", "due_at": "2026-02-27T02:00:00+08:00", "missing": {"reentry.release.v1": 2.0}}
    about = {"type": "reentry.system.manifest_judged.v1", "subject": "/agencies/PRISON-990100-01"}
    found = read(with_data(data, source="/pipeline", **about)).data["missing"]["reentry.release.v1"]
    assert (found, type(found)) == (2, int)


@pytest.mark.parametrize(
    "number", [2**64, -(2**63) - 1, 10**32, 10**6_000], ids=["2^64", "-2^63-1", "33", "6001 digits"]
)
def test_a_number_that_would_be_rounded_is_refused(number: int) -> None:
    digits = "1" + "0" * 6_000 if number > 10**40 else str(number)
    for sent in (changed(data={"new_field": [{"n": 77_777}]}), {**changed(), "counter": 77_777}):
        assert reason_for(orjson.dumps(sent).replace(b"77777", digits.encode())) == "MALFORMED"


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 2**53 + 1, 12345678901])
def test_a_number_of_64_bits_travels_on_as_it_is(number: int) -> None:
    if 10**10 <= number < 10**11:
        number *= 1_000  # eleven digits may be a telephone's
    sent = changed(data={"new_field": number})
    assert json.loads(orjson.dumps(read(sent).wire()))["data"]["new_field"] == number


def test_digits_within_a_text_are_no_number() -> None:
    sent = changed(data={"new_field": "9" * 40})
    assert read(sent).data == sent["data"]


# --- JSON in base64


def encoded(content: bytes, /, **more: Any) -> dict[str, Any]:
    return {
        **{name: one for name, one in changed().items() if name != "data"},
        "data_base64": b64encode(content).decode(),
        **more,
    }


def test_json_in_base64_is_read() -> None:
    data = changed()["data"]
    for more in ({}, {"datacontenttype": "application/json"}, {"data": None}):
        sent = encoded(orjson.dumps(data), **more)
        assert read(sent).data == data
        assert "data_base64" not in read(sent).wire()
        assert trusted(orjson.dumps(sent)).data == data


def test_what_base64_hides_is_judged_as_if_it_stood_there() -> None:
    data = changed()["data"]
    assert reason_for(encoded(b"{")) == reason_for(encoded(b'{"a":1,"a":2}')) == "MALFORMED"
    assert (
        reason_for({**encoded(b"{}"), "data_base64": "*"})
        == reason_for({**encoded(b"{}"), "data_base64": 7})
        == "MALFORMED"
    )
    assert reason_for(encoded(orjson.dumps(data), data=data)) == "MALFORMED"
    assert reason_for(encoded(orjson.dumps({**data, "note": "13800138000"}))) == "PII_IN_TEXT"
    assert reason_for(encoded(b"call 13800138000")) == "PII_IN_TEXT"
    assert reason_for(encoded(orjson.dumps({**data, "note": "13800138000"}), data=data)) == "PII_IN_TEXT"
    assert reason_for(encoded(b"[" * 40 + b"]" * 40)) == "MALFORMED"


# --- ids

UNSEEN = [
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u00ad",
    "\u202e",
    "\u2060",
    "\u3164",
    "\ufe0f",
    "\u00a0",
    "\u3000",
    "\t",
    "\n",
    "\x1b",
    "\U000e0041",
]


@pytest.mark.parametrize(
    "spoilt", [" E-1", "E-1 ", *(f"E{one}1" for one in UNSEEN), *(f"E1{one}" for one in UNSEEN)], ids=ascii
)
def test_an_id_has_no_blanks_around_it_and_nothing_unseen_in_it(spoilt: str) -> None:
    for sent in (
        changed(SCHEDULED, {"custody_episode_id": spoilt}),
        changed("reentry.intake.help_referred.v1", {"referral_id": spoilt}),
        changed("reentry.release.person_split.v1", {"event_ids": ["ev-1", spoilt]}),
        changed("reentry.intake.registered.v1", {"file_ref": spoilt}),
        changed(id=spoilt),
        changed(corrects=spoilt),
        changed(handoverid=spoilt),
        changed(COMMENT, subject=spoilt),
    ):
        assert reason_for(sent) == "SCHEMA"
        assert "nobody sees" in message_for(sent)


@pytest.mark.parametrize("name", ["E 1", "e-1", "\uff25-1", "E\u20111", "案1", "café", "e\u0301"], ids=ascii)
def test_ids_that_only_look_alike_are_different_ids(name: str) -> None:
    assert read(changed(SCHEDULED, {"custody_episode_id": name})).data["custody_episode_id"] == name
    assert read(changed(id=name)).id == name


# --- manifests


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("1", "1", ""),
        ("1", "86400000", ""),
        ("1", "86400001", "SCHEMA"),
        ("2", "1", "SCHEMA"),
        ("1", "300000000000000000", "SCHEMA"),
        ("110101199003078515", "110101199003078520", ""),
        ("000000000000000007", "13800138000", "SCHEMA"),
        ("13800138000", "13800138001", ""),
        (None, "7", ""),
    ],
)
def test_a_manifest_counts_what_a_day_can_hold(first: str | None, last: str, reason: str) -> None:
    assert reason_for(counted(first_sequence=first, last_sequence=last)) == reason


def test_only_what_counts_events_may_look_like_a_persons_number() -> None:
    assert reason_for(counted(first_sequence="tel 13800138000")) == "PII_IN_TEXT"
    assert reason_for(counted(topic="110101199003078515")) == "PII_IN_TEXT"
    assert reason_for(changed(MANIFEST, {"first_sequence": "110101199003078515"})) == "PII_IN_TEXT"


# --- time

ARRIVAL = instant("2026-02-26T09:12:00+08:00")
COMPLETED, CHECKED = "reentry.checkin.completed.v1", "reentry.checkin.location_checked.v1"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (changed(time="1949-09-30T23:59:59+08:00"), "SCHEMA"),
        (changed(recordedtime="1900-01-01T00:00:00Z"), "SCHEMA"),
        (changed("reentry.release.occurred.v1", {"released_at": "1940-01-01T00:00:00Z"}), "SCHEMA"),
        (changed(time="1949-10-01T00:00:00+08:00"), ""),
    ],
)
def test_no_event_is_older_than_the_state(sent: dict[str, Any], reason: str) -> None:
    assert reason_for(sent) == reason


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("1970-01-01T00:00:00Z", "CLOCK_BEHIND"),
        ("1980-01-06T00:00:00Z", "CLOCK_BEHIND"),
        ("2000-01-01T00:00:00+08:00", "CLOCK_BEHIND"),
        (show(ARRIVAL - timedelta(weeks=1_024)), "CLOCK_BEHIND"),
        (show(ARRIVAL - timedelta(days=9 * 365)), ""),
        (show(ARRIVAL + timedelta(minutes=5)), ""),
        (show(ARRIVAL + timedelta(minutes=6)), "CLOCK_AHEAD"),
    ],
)
def test_time_has_a_floor_and_a_ceiling(time: str, reason: str) -> None:
    now = show(ARRIVAL)
    for type_, field in ((COMPLETED, "at"), (CHECKED, "checked_at")):
        assert reason_for(changed(type_, {field: time}, time=now, recordedtime=now), arrival=ARRIVAL) == reason
    assert reason_for(changed(time=time, recordedtime=now), arrival=ARRIVAL) == reason
    custody = "reentry.intake.custody_notified.v1"
    assert reason_for(changed(custody, {"since": time}, time=now, recordedtime=now), arrival=ARRIVAL) == reason


def test_what_was_written_down_in_the_future_is_ahead() -> None:
    sent = changed(time=show(ARRIVAL), recordedtime=show(ARRIVAL + timedelta(minutes=6)))
    assert reason_for(sent, arrival=ARRIVAL) == "CLOCK_AHEAD"
    assert message_for({**sent, "time": "x"}).startswith("time")
    with pytest.raises(InvalidEvent, match="recordedtime"):
        parse(orjson.dumps(sent), arrival=ARRIVAL)


def test_a_replay_without_arrivals_has_no_floor() -> None:
    assert reason_for(changed(time="1970-01-01T00:00:00Z", recordedtime=None)) == ""


# --- lengths and spans


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        (NOTICE, {"copied_to": ["POLICE-990102-01"] * 101}),
        (NOTICE, {"documents": ["A"] * 101}),
        ("reentry.release.assessment_shared.v1", {"needs": ["MEDICAL"] * 101}),
        ("reentry.release.person_split.v1", {"event_ids": ["ev-1"] * 1_001}),
        ("reentry.checkin.plan_set.v1", {"items": [{"kind": "CALL", "cadence": "DAILY"}] * 101}),
        ("reentry.checkin.plan_set.v1", {"from": "2020-01-01"}),
        ("reentry.checkin.plan_set.v1", {"from": "2190-01-01"}),
        ("reentry.release.decision_effective.v1", {"term_end": "2199-12-31"}),
        ("reentry.checkin.excused.v1", {"until": "2126-01-01"}),
        ("reentry.checkin.leave_approved.v1", {"until": "2126-01-01"}),
        ("reentry.checkin.em_started.v1", {"until": "2126-01-01"}),
        ("reentry.intake.search_closed.v1", {"hours": 1e9}),
        (MEDIATED, {"session_no": 10**9}),
        (MANIFEST, {"topics": [{"topic": "reentry.release.v1", "count": 1}] * 101}),
        (MANIFEST, {"topics": [{"topic": "reentry.release.v1", "count": 10**9}]}),
        ("reentry.system.calendar_published.v1", {"holidays": ["2027-01-01"] * 401}),
        ("reentry.system.rules_changed.v1", {"changes": [{"rule_id": "A10", "set": {}}] * 1_001}),
        ("reentry.system.rules_changed.v1", {"changes": [{"rule_id": "A10", "set": {str(n): 1 for n in range(101)}}]}),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P9999W"}),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P400D"}),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P1Y"}),
    ],
)
def test_what_a_publisher_numbers_dates_or_lists_has_a_bound(type_: str, data: dict[str, Any]) -> None:
    assert reason_for(changed(type_, data)) == "SCHEMA"
