"""What is said of a dead letter, and what never is."""

import orjson

from schemas.dead_letter import DeadLetter, Refusal, understood
from schemas.envelope import Event
from schemas.instants import from_millis

REFERENCE = "p1_" + "k" * 26


def letter(value: bytes | None, **headers: str) -> DeadLetter:
    told = {"__streams.errors.topic": "reentry.intake.v1", "reentry.reason": "SCHEMA", **headers}
    pairs = tuple((name, text.encode()) for name, text in told.items())
    return DeadLetter(2, 7, from_millis(0), REFERENCE.encode(), value, (*pairs, ("traceparent", b"00-1")))


def test_the_shape_shows_paths_and_types_and_no_value() -> None:
    shape = letter(orjson.dumps({"id": "secret", "data": {"on": "2026-01-01", "n": 3, "items": []}})).shape()
    assert shape == ["id: str of 6", "data.on: str of 10", "data.n: int", "data.items: list of 0"]


def test_what_is_no_json_has_only_a_length() -> None:
    assert letter(b"{secret").shape() == ["not JSON, 7 bytes"]
    assert letter(None).shape() == ["null"]


def test_a_key_is_shortened() -> None:
    assert letter(b"{}").wire()["key"] == "p1_kkkk…"


def test_only_the_publishers_own_headers_are_sent_again() -> None:
    assert letter(b"{}", **{"reentry.redrives": "2"}).own_headers() == [("traceparent", b"00-1")]
    assert letter(b"{}", **{"reentry.redrives": "2"}).redrives == 2
    assert letter(b"{}", **{"reentry.redrives": "many"}).redrives == 0


def told(value: object, message: str = "", **headers: str) -> DeadLetter:
    return letter(orjson.dumps(value), **{"__streams.errors.message": message, **headers})


def test_who_sent_it_is_told_only_in_the_form_that_publishers_have() -> None:
    assert told({"source": "/agencies/PRISON-990100-01"}).source == "/agencies/PRISON-990100-01"
    assert told({}, ce_source="/agencies/PRISON-990100-01").source == "/agencies/PRISON-990100-01"
    for other in ("/agencies/Zhang San", "13800000000", 7, None, ["x"]):
        assert told({"source": other}).source == ""
    assert told([]).source == letter(None).source == letter(b"{").source == ""


def test_its_type_is_told_only_if_it_looks_like_one_of_ours() -> None:
    for type_ in ("reentry.release.scheduled.v1", "reentry.release.scheduled.v7", "reentry.made.up_draft.v1"):
        assert told({"type": type_}).type == type_
    for other in ("reentry.release.13800000000.v1", "张三", 1):
        assert told({"type": other}).type == ""


def test_the_path_that_is_wrong_is_what_stands_before_the_colon() -> None:
    assert told({}, "data.to_agency: Field required").field == "data.to_agency"
    assert told({}, "data.topics.12.count: Input should be a valid integer").field == "data.topics.*.count"
    assert told({}, "source, subject: only the pipeline judges").field == "source, subject"
    assert told({}, "KeyError").field == ""


def test_it_is_tried_again_unless_it_would_fail_again() -> None:
    now = from_millis(1_773_100_800_000)
    good = {
        "specversion": "1.0", "id": "1", "source": "/agencies/COUNTY_JUSTICE-990102-01", "type": "reentry.intake.acknowledged.v1",
        "subject": REFERENCE, "time": "2026-03-01T10:00:00+08:00", "data": {"accepted": True, "officer_ref": "O-1"},
    }  # fmt: skip
    assert isinstance(understood(told(good), now, ""), Event)
    for again, reason in (
        (told(good, **{"reentry.redrives": "3"}), "TRIES"),
        (told(good, **{"reentry.reason": "PII_IN_TEXT"}), "MASKED"),
        (told({**good, "data": {}}), "SCHEMA"),
        (told({**good, "time": "2026-04-01T10:00:00+08:00"}), "CLOCK_AHEAD"),
        (told(good, **{"__streams.errors.topic": "reentry.release.v1"}), "SCHEMA"),
    ):
        found = understood(again, now, "")
        assert isinstance(found, Refusal)
        assert found.reason == reason


def test_what_its_headers_say_counts_only_in_the_form_that_we_write() -> None:
    said = {"reentry.source": "/agencies/PRISON-990100-02", "reentry.type": "reentry.release.occurred.v1"}
    value = {"source": "/agencies/PRISON-990100-01", "type": "reentry.release.scheduled.v1"}
    assert (told(value, **said).source, told(value, **said).type) == tuple(said.values())
    assert told({}, **said).wire().items() >= said.items()
    assert told(value).wire().items() >= {"reentry.source": "/agencies/PRISON-990100-01"}.items()
    spoilt = told(value, **{"reentry.source": "Zhang San", "reentry.type": "\x1b[31m"})
    assert (spoilt.source, spoilt.type) == ("/agencies/PRISON-990100-01", "reentry.release.scheduled.v1")


def test_a_source_with_a_number_of_a_person_is_not_told() -> None:
    assert told({"source": "/agencies/PRISON-990100-01/13800138000"}).source == ""
