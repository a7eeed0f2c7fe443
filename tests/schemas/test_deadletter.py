"""What is said of a dead letter, and what never is."""

import orjson

from schemas.deadletter import DeadLetter
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
