from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent

from schemas.catalogue import PAYLOADS
from schemas.instants import instant, show
from schemas.parse import InvalidEvent, parse
from tests.schemas.examples import (
    COMMENT,
    EVENTS,
    LINES,
    MISSING,
    NOTICE,
    changed,
    message_for,
    read,
    reason_for,
    with_data,
)

TIMELINES = sorted((Path(__file__).parents[1] / "golden").glob("*/events.jsonl"))
REFUSED = {"58-neighbouring-year-and-dead-letters": ("58-009",)}  # instants before 1949-10-01
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
MILLISECOND = timedelta(milliseconds=1)


def test_the_timelines_are_there() -> None:
    assert len(TIMELINES) >= 31


@pytest.mark.parametrize("path", TIMELINES, ids=lambda path: path.parent.name)
def test_every_event_of_the_timelines_is_read(path: Path) -> None:
    refused = REFUSED.get(path.parent.name, ())
    for line in path.read_bytes().splitlines():
        if orjson.loads(line)["id"] in refused:
            with pytest.raises(InvalidEvent):
                parse(line, STRUCTURED)
        else:
            assert parse(line, STRUCTURED).wire() == orjson.loads(line)


# --- content modes


@pytest.mark.parametrize("line", LINES, ids=lambda line: orjson.loads(line)["id"])
def test_both_content_modes_say_the_same(line: bytes) -> None:
    body = orjson.loads(line)
    data = body.pop("data")
    message = kafka.to_binary_event(CloudEvent(dict(body, time=instant(body["time"])), data))
    headers = list(message.headers.items())
    assert parse(message.value, headers) == parse(line, STRUCTURED) == parse(line)
    assert parse(kafka.to_structured_event(CloudEvent(dict(body, time=instant(body["time"])), data)).value) == parse(
        line
    )


def test_what_we_write_is_read_by_another_implementation() -> None:
    event = read(changed(recordedtime="2026-02-26T09:12:30.250+08:00"))
    value = orjson.dumps(event.wire())
    found = kafka.from_structured_event(
        kafka.KafkaMessage({"content-type": b"application/cloudevents+json"}, None, value)
    )
    assert (found.get_id(), found.get_source(), found.get_type()) == (event.id, event.source, event.type)
    assert found.get_time() == event.time
    assert found.get_data() == event.data


def binary(**headers: bytes) -> list[tuple[str, bytes]]:
    body = {name: str(one).encode() for name, one in EVENTS[NOTICE].items() if name not in ("data", "datacontenttype")}
    return [(f"ce_{name}", one) for name, one in {**body, **headers}.items()]


DATA = orjson.dumps(EVENTS[NOTICE]["data"])


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (binary(), ""),
        ([*binary(), ("content-type", b"application/json; charset=utf-8")], ""),
        ([*binary(), ("x-other", b"\xff\xfe")], ""),
        ([*binary(), ("content-type", b"text/plain")], "SCHEMA"),
        ([*binary(), ("content-type", b"application/cloudevents+avro")], "MALFORMED"),
        ([*binary(), ("content-type", b"application/cloudevents-batch+json")], "MALFORMED"),
        ([*binary(), ("ce_id", b"again")], "MALFORMED"),
        (binary(id=b"\xff"), "MALFORMED"),
        (binary(id=b""), "SCHEMA"),
        (binary(specversion=b"0.3"), "SCHEMA"),
        (binary(type=b"reentry.release.notice_sent.v2"), "UNKNOWN_VERSION"),
        (binary(subject=b"19900000000"), "PII_IN_TEXT"),
        ([one for one in binary() if one[0] != "ce_specversion"], "SCHEMA"),
    ],
)
def test_binary_headers_are_judged(headers: list[tuple[str, bytes]], reason: str) -> None:
    assert reason_for(DATA, headers=headers) == reason


def test_a_payload_cannot_be_given_in_a_header() -> None:
    assert parse(DATA, [*binary(), ("ce_data", b"{}")]).data == EVENTS[NOTICE]["data"]


def test_the_content_type_decides_and_not_a_stray_header() -> None:
    assert parse(LINES[0], [*STRUCTURED, ("ce_id", b"stray")]).id == "ev-release-scheduled"


def test_a_header_without_a_value_is_no_crash() -> None:
    headers: list[Any] = [*binary(), ("ce_corrects", None)]
    assert reason_for(DATA, headers=headers) == "SCHEMA"


# --- bad records


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{",
        b"{}x",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\u0000"}',
        b'{"a": 01}',
        b'{"a": 1,}',
        b'{"a": 1, "a": 1}',
        b'{"a" :1, "a":2}',
        b'{"a":1,"\\u0061":2}',
        b'{"data": {"b": [{"c": 1, "c": 2}]}}',
        b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"x" * 1_000_001,
    ],
    ids=lambda value: repr(value[:24]) if value is not None else "null",
)
def test_what_is_no_json_object_is_malformed(value: bytes | None) -> None:
    assert reason_for(value) == "MALFORMED"


@pytest.mark.parametrize("number", [b"1" * 20, b"-" + b"9" * 25, b"1" * 5_000, b"1e300", b"0.1", b"-0"])
def test_numbers_of_any_size_are_no_crash(number: bytes) -> None:
    line = orjson.dumps(changed(data={"detail": 77_777})).replace(b"77777", number)
    assert reason_for(line) in ("", "MALFORMED")
    session = orjson.dumps(changed("reentry.dispute.mediated.v1", {"session_no": 77_777})).replace(b"77777", number)
    assert reason_for(session) in ("", "MALFORMED", "SCHEMA")


def test_blanks_and_escaped_quotes_are_no_repeated_names() -> None:
    sent = changed(COMMENT, {"note": 'say ": twice, "x": \\" and \\'})
    assert reason_for(orjson.dumps(sent)) == reason_for(orjson.dumps(sent, option=orjson.OPT_INDENT_2)) == ""
    assert reason_for(LINES[0].replace(b'":', b'"\t\n :')) == ""


# --- envelope


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time", "data"])
@pytest.mark.parametrize(
    "value",
    [MISSING, None, "", 1, True, [], ["x"]],
    ids=["absent", "null", "empty", "number", "true", "list", "list of text"],
)
def test_required_attributes_are_required(name: str, value: Any) -> None:
    sent = with_data(value) if name == "data" else changed(**{name: value})
    assert reason_for(sent) in ("SCHEMA", "UNKNOWN_TYPE")


@pytest.mark.parametrize("name", ["recordedtime", "sequence", "handoverid", "corrects", "receivedtime"])
@pytest.mark.parametrize("value", ["", 1, [], {}, "\n", "x" * 257], ids=lambda value: repr(value)[:9])
def test_optional_attributes_have_their_form(name: str, value: Any) -> None:
    assert reason_for(changed(**{name: value})) == "SCHEMA"
    absent: dict[str, Any] = {name: None}
    assert reason_for(changed(**absent)) == ""


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"specversion": "0.3"}, "SCHEMA"),
        ({"type": "reentry.release.notice_sent.v2"}, "UNKNOWN_VERSION"),
        ({"type": "reentry.release.notice_sent.v10"}, "UNKNOWN_VERSION"),
        ({"type": "reentry.release.notice_sent"}, "UNKNOWN_TYPE"),
        ({"type": "reentry.release.notice_lost.v1"}, "UNKNOWN_TYPE"),
        ({"type": "reentry.release.notice_lost.v2"}, "UNKNOWN_TYPE"),
        ({"type": "REENTRY.release.notice_sent.v1"}, "UNKNOWN_TYPE"),
        ({"type": "reentry.alert.changed.v1"}, "UNKNOWN_TYPE"),
        ({"source": "/agencies/PRISON-990100-01/mis"}, ""),
        ({"source": "/agencies/PRISON-990100-01/mis/2"}, "SCHEMA"),
        ({"source": "/agencies/PRISON-990100-01/"}, "SCHEMA"),
        ({"source": "/agencies/JAIL-990100-01"}, "SCHEMA"),
        ({"source": "/agencies/PRISON-99010-01"}, "SCHEMA"),
        ({"source": "/agencies/PRISON-990100-1"}, "SCHEMA"),
        ({"source": "PRISON-990100-01"}, "SCHEMA"),
        ({"source": "/agencies/O-4471"}, "SCHEMA"),
        ({"source": "/pipeline"}, "SCHEMA"),
        ({"subject": "p1_" + "a" * 25}, "SCHEMA"),
        ({"subject": "p1_" + "A" * 26}, "SCHEMA"),
        ({"subject": "p1_" + "1" * 26}, "SCHEMA"),
        ({"subject": "p2_" + "a" * 26}, "SCHEMA"),
        ({"subject": "d1_" + "a" * 26}, "SCHEMA"),
        ({"subject": "p1_" + "a" * 26 + "\n"}, "SCHEMA"),
        ({"time": "2026-02-26T09:12:00"}, "SCHEMA"),
        ({"time": "2026-02-26"}, "SCHEMA"),
        ({"time": "2026-02-30T09:12:00+08:00"}, "SCHEMA"),
        ({"time": "2026-02-26T01:12:00Z"}, ""),
        ({"sequence": "0010401"}, ""),
        ({"sequence": "1e3"}, "SCHEMA"),
        ({"sequence": "-1"}, "SCHEMA"),
        ({"sequence": "٣"}, "SCHEMA"),
        ({"sequence": "1" * 18}, ""),
        ({"sequence": "1" * 19}, "SCHEMA"),
        ({"datacontenttype": "application/xml"}, "SCHEMA"),
        ({"datacontenttype": "application/json; charset=utf-8"}, ""),
    ],
)
def test_the_envelope_is_judged(attributes: dict[str, Any], reason: str) -> None:
    assert reason_for(changed(**attributes)) == reason


def test_data_is_json_and_not_encoded() -> None:
    assert reason_for(with_data("{}")) == "SCHEMA"
    assert reason_for(with_data(MISSING, data_base64="e30=")) == "SCHEMA"


@pytest.mark.parametrize(
    ("type_", "attributes", "reason"),
    [
        ("reentry.dispute.agreed.v1", {"subject": "p1_" + "a" * 26}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"subject": "/agencies/PRISON-990200-01"}, "SCHEMA"),
        (COMMENT, {"subject": "d1_" + "a" * 26}, ""),
        (COMMENT, {"subject": "/agencies/PRISON-990100-01"}, ""),
        (COMMENT, {"subject": "990102"}, ""),
        (COMMENT, {"source": "/agencies/COUNTY_JUSTICE-990102-01/console"}, ""),
        (COMMENT, {"source": "/agencies/O-4471"}, "NOT_ALLOWED"),
        (COMMENT, {"source": "/officers/O-4471"}, "SCHEMA"),
    ],
)
def test_source_and_subject_fit_the_topic(type_: str, attributes: dict[str, Any], reason: str) -> None:
    assert reason_for(changed(type_, **attributes)) == reason


def test_only_the_pipeline_judges_manifests() -> None:
    judged = PAYLOADS["reentry.system.manifest_judged.v1"]
    sent = with_data(dict(judged.EXAMPLE), type=judged.TYPE, subject="/agencies/PRISON-990100-01")
    assert reason_for(sent | {"source": "/pipeline"}) == ""
    assert reason_for(sent) == "SCHEMA"
    assert reason_for(sent | {"source": "/pipeline", "subject": "/pipeline"}) == "SCHEMA"


@pytest.mark.parametrize(
    ("ahead", "reason"),
    [(-MILLISECOND, ""), (timedelta(), ""), (MILLISECOND, "CLOCK_AHEAD")],
    ids=["one millisecond less", "five minutes", "one millisecond more"],
)
def test_an_event_is_at_most_five_minutes_ahead_of_its_arrival(ahead: timedelta, reason: str) -> None:
    arrival = instant("2026-02-26T09:12:00+08:00")
    sent = changed(time=show(arrival + timedelta(minutes=5) + ahead))
    assert reason_for(sent, arrival=arrival) == reason
    assert reason_for(sent) == ""


# --- payload


@pytest.mark.parametrize("type_", EVENTS)
def test_every_required_field_is_required_and_every_other_is_not(type_: str) -> None:
    for name, field in PAYLOADS[type_].model_fields.items():
        wire = field.alias or name
        for gone in (MISSING, None):
            assert reason_for(changed(type_, {wire: gone})) == ("SCHEMA" if field.is_required() else "")


@pytest.mark.parametrize("type_", EVENTS)
def test_no_field_takes_a_value_of_another_kind(type_: str) -> None:
    wrongs: list[Any] = [{}, {"a": 1}, [{}], [[]], "\x01" * 300, -1.5]
    for name in EVENTS[type_]["data"]:
        for wrong in wrongs:
            assert reason_for(changed(type_, {name: wrong})) == "SCHEMA", (name, wrong)


@pytest.mark.parametrize(
    ("type_", "data", "reason"),
    [
        ("reentry.release.occurred.v1", {"reason": "VANISHED"}, "SCHEMA"),
        ("reentry.release.occurred.v1", {"reason": "released"}, "SCHEMA"),
        ("reentry.release.assessment_shared.v1", {"needs": ["EMPLOYMENT", "LUCK"]}, "SCHEMA"),
        ("reentry.release.assessment_shared.v1", {"needs": []}, ""),
        ("reentry.release.scheduled.v1", {"home_code": "99010200"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"home_code": 990102004}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"home_code": "99"}, ""),
        ("reentry.release.scheduled.v1", {"home_code": "990102\n"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"release_date": "2026-3-31"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"release_date": "20260331"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"release_date": "2026-W14-2"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"release_date": "2026-02-29"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"release_date": "2028-02-29"}, ""),
        ("reentry.release.scheduled.v1", {"release_date": "2026-03-31T00:00:00+08:00"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"release_date": "9999-12-31"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"key_person": 1}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"key_person": "true"}, "SCHEMA"),
        ("reentry.release.scheduled.v1", {"custody_episode_id": ""}, "SCHEMA"),
        ("reentry.release.occurred.v1", {"released_at": "2026-03-31T09:00:00"}, "SCHEMA"),
        ("reentry.release.occurred.v1", {"released_at": 1774918800}, "SCHEMA"),
        ("reentry.release.occurred.v1", {"released_at": "2026-03-31T09:00:01+08:00"}, ""),
        ("reentry.release.person_merged.v1", {"survivor_ref": "p1_" + "a" * 26}, "SCHEMA"),
        ("reentry.release.person_merged.v1", {"removed_ref": "p1_" + "a" * 26}, ""),
        ("reentry.release.person_merged.v1", {"removed_ref": "p1_x"}, "SCHEMA"),
        (NOTICE, {"to_agency": "COUNTY_JUSTICE-990102"}, "SCHEMA"),
        (NOTICE, {"copied_to": ["POLICE-990102-01", "X-990102-01"]}, "SCHEMA"),
        (NOTICE, {"documents": ["SOMETHING_NEW"]}, ""),
        (NOTICE, {"new_field": {"kept": True}}, ""),
        ("reentry.intake.registered.v1", {"file_ref": ""}, ""),
        ("reentry.intake.search_closed.v1", {"hours": 8}, ""),
        ("reentry.intake.search_closed.v1", {"hours": True}, "SCHEMA"),
        ("reentry.checkin.plan_set.v1", {"items": [{"kind": "CALL"}]}, "SCHEMA"),
        ("reentry.checkin.plan_set.v1", {"items": [{"kind": "LOCATION", "cadence": "DAILY"}]}, "SCHEMA"),
        ("reentry.checkin.excused.v1", {"kind": "LOCATION"}, ""),
        ("reentry.dispute.reported.v1", {"person_refs": []}, ""),
        ("reentry.dispute.reported.v1", {"person_refs": ["d1_" + "a" * 26]}, "SCHEMA"),
        ("reentry.dispute.mediated.v1", {"session_no": 1.5}, "SCHEMA"),
        ("reentry.dispute.mediated.v1", {"session_no": True}, "SCHEMA"),
        (COMMENT, {"alert_id": "5F0C2F1E-7D5B-5D0E-9A3E-0D6F5F1B2C3D"}, "SCHEMA"),
        (COMMENT, {"alert_id": "5f0c2f1e"}, "SCHEMA"),
        (COMMENT, {"note": "字" * 200}, ""),
        (COMMENT, {"note": "字" * 201}, "SCHEMA"),
        ("reentry.action.acknowledged.v1", {"note": "字" * 201}, "SCHEMA"),
        ("reentry.action.acknowledged.v1", {"note": ""}, ""),
        *(
            (f"reentry.action.{action}.v1", {"note": " \n"}, "SCHEMA")
            for action in ("snoozed", "waived", "contested", "contest_decided")
        ),
        ("reentry.action.contest_decided.v1", {"upheld": "yes"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "PT0S"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P1M"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "15 min"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P1DT12H"}, ""),
        ("reentry.system.publisher_heartbeat.v1", {"period": "PT1S"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "PT59.999S"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "PT60S"}, ""),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P31D"}, ""),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P31DT1S"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "P"}, "SCHEMA"),
        ("reentry.system.publisher_heartbeat.v1", {"period": "PT"}, "SCHEMA"),
        ("reentry.system.publisher_manifest.v1", {"topics": [{"topic": "reentry.release.v1", "count": -1}]}, "SCHEMA"),
        ("reentry.system.publisher_manifest.v1", {"topics": [{"topic": "reentry.release.v1", "count": 0}]}, ""),
        ("reentry.system.calendar_published.v1", {"holidays": ["2027-02-30"]}, "SCHEMA"),
        ("reentry.system.calendar_published.v1", {"year": 27}, "SCHEMA"),
        ("reentry.system.rules_changed.v1", {"changes": [{"rule_id": "A10"}]}, "SCHEMA"),
    ],
)
def test_a_payload_is_judged(type_: str, data: dict[str, Any], reason: str) -> None:
    assert reason_for(changed(type_, data)) == reason


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (changed(data={"channel": "secret-value"}), "data.channel: "),
        (
            changed("reentry.checkin.plan_set.v1", {"items": [{"kind": "secret-value", "cadence": "DAILY"}]}),
            "data.items.0.kind: ",
        ),
        (changed("reentry.release.scheduled.v1", {"release_date": "secret-value"}), "data.release_date: "),
        (changed("reentry.release.scheduled.v1", {"release_date": "2026-02-31"}), "data.release_date: "),
        (changed(time="2026-02-31T00:00:00Z"), "time: "),
        (changed(source="secret-value"), "source: "),
        (changed(type="secret-value"), "type: "),
    ],
)
def test_a_message_names_the_place_and_never_the_value(sent: dict[str, Any], place: str) -> None:
    message = message_for(sent)
    assert message.startswith(place)
    assert "secret" not in message
    assert "02-31" not in message


def test_a_name_that_the_publisher_made_up_is_not_repeated() -> None:
    judged = {"day": "2026-02-26", "due_at": "2026-02-27T02:00:00+08:00", "missing": {"secret-name": "x"}}
    sent = with_data(
        judged,
        type="reentry.system.manifest_judged.v1",
        source="/pipeline",
        subject="/agencies/PRISON-990100-01",
    )
    assert message_for(sent).startswith("data.missing.*: ")


def test_an_invalid_event_tells_why() -> None:
    with pytest.raises(InvalidEvent) as refused:
        parse(None)
    assert (refused.value.reason, str(refused.value)) == ("MALFORMED", refused.value.message)


def test_a_message_that_repeats_a_pattern_is_printable() -> None:
    body = {**EVENTS["reentry.action.commented.v1"]}
    data = {**body["data"], "note": "\u200b"}
    with pytest.raises(InvalidEvent) as refused:
        parse(orjson.dumps({**body, "data": data}))
    assert str(refused.value).isprintable()
    assert "data.note" in str(refused.value)
