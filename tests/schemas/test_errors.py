"""All that is wrong with a record is told at once, by place and rule, and what was seen instead of an event is named."""

import gzip
import pickle
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from schemas.invalid import LONGEST_ERROR, MOST_ERRORS
from schemas.parse import InvalidEvent, parse
from tests.schemas.examples import EVENTS, MISSING, NOTICE, changed

STRUCTURED = [("content-type", b"application/cloudevents+json")]
SCHEDULED = "reentry.release.scheduled.v1"


def refused(value: Any, headers: Any = STRUCTURED, **arguments: Any) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as found:
        parse(value if isinstance(value, bytes) else orjson.dumps(value), headers, **arguments)
    return found.value


def places(error: InvalidEvent) -> set[str]:
    return {one.partition(":")[0] for one in error.errors}


def test_errors_of_envelope_and_payload_are_told_together() -> None:
    wrong = {"release_date": "31.3.2026", "home_code": 990102004, "minor": MISSING, "release_kind": "ESCAPE"}
    sent = changed(SCHEDULED, wrong, id="", time="yesterday", sequence="x", source="PRISON", subject="somebody")
    error = refused(sent)
    assert error.reason == "SCHEMA"
    assert places(error) == {
        *("id", "time", "sequence", "source", "subject"),
        *("data.release_date", "data.home_code", "data.minor", "data.release_kind"),
    }
    assert error.message == str(error) == "; ".join(error.errors)
    assert not any(value in error.message for value in ("31.3", "990102004", "ESCAPE", "yesterday", "somebody"))


def test_of_an_unknown_type_the_envelope_is_judged_too() -> None:
    error = refused(changed(type="reentry.release.notice_lost.v1", time="yesterday", id=7))
    assert error.reason == "UNKNOWN_TYPE"
    assert places(error) == {"type", "time", "id"}


def test_what_stands_wrong_to_each_other_is_told_together() -> None:
    data = {"survivor_ref": "p1_" + "a" * 26}
    error = refused(changed("reentry.release.person_merged.v1", data), topic="reentry.intake.v1")
    assert places(error) == {"type", "data.survivor_ref"}


def test_errors_are_bounded_in_number_and_length() -> None:
    error = refused(changed(NOTICE, {"copied_to": ["x"] * 90}))
    assert len(error.errors) == MOST_ERRORS + 1
    assert error.errors[-1] == f"and {90 - MOST_ERRORS} more"
    assert len(error.message) < (MOST_ERRORS + 2) * (LONGEST_ERROR + 2)
    assert len(InvalidEvent("SCHEMA", "x" * 10_000).message) == LONGEST_ERROR
    again = pickle.loads(pickle.dumps(error))
    assert (again.reason, again.errors) == (error.reason, error.errors)


BODY = orjson.dumps(EVENTS[NOTICE])


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (b"\xef\xbb\xbf" + BODY, "byte order mark"),
        (BODY.decode().encode("utf-16"), "UTF-16"),
        (BODY.decode().encode("utf-16-le"), "UTF-16"),
        (BODY.decode().encode("utf-16-be"), "UTF-16"),
        (BODY.decode().encode("utf-32"), "UTF-32"),
        (gzip.compress(BODY), "gzip"),
        (b"\x28\xb5\x2f\xfd" + BODY, "zstd"),
        (b"\0\0\0\0\x2a" + BODY, "schema registry"),
        (b"\0\0\0\x01\x07\x00" + BODY, "schema registry"),
        (b"\xac\xed\x00\x05" + BODY, "Java"),
        (BODY.replace(b'"HAND"', b'"NETWORK"').replace(b"990102", "监狱".encode("gbk")), "not UTF-8"),
        (b"", "empty"),
        (b"<event/>", "no JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bytes_that_are_no_json_are_named(value: bytes, seen: str) -> None:
    error = refused(value)
    assert error.reason == "MALFORMED"
    assert error.message.startswith("value: ")
    assert seen in error.message


def binary(prefix: str = "ce_", form: str = "{}") -> tuple[bytes, Sequence[tuple[str, bytes]]]:
    attributes = {name: one for name, one in EVENTS[NOTICE].items() if name not in ("data", "datacontenttype")}
    headers = [(prefix + name, form.format(one).encode()) for name, one in attributes.items()]
    return orjson.dumps(EVENTS[NOTICE]["data"]), [*headers, ("content-type", b"application/json")]


@pytest.mark.parametrize("prefix", ["CE_", "ce-", "Ce-", "cloudEvents:", "cloudEvents_"])
def test_headers_with_another_prefix_are_named(prefix: str) -> None:
    error = refused(*binary(prefix))
    assert error.errors[0] == f"headers: attributes begin with {prefix} here; in Kafka they begin with ce_"


def test_values_in_quotation_marks_are_named() -> None:
    error = refused(*binary(form='"{}"'))
    assert error.reason == "MALFORMED"
    assert "quotation marks" in error.errors[0]


def test_what_is_said_twice_alike_is_said_once() -> None:
    value, headers = binary()
    time = EVENTS[NOTICE]["time"].encode()
    twice = [*headers, ("ce_datacontenttype", b"application/json; charset=utf-8"), ("ce_time", time)]
    assert parse(value, twice) == parse(value, headers)
    assert refused(value, [*headers, ("ce_datacontenttype", b"text/xml")]).reason == "MALFORMED"
    assert refused(value, [*headers, ("ce_time", time[:-1] + b"1")]).reason == "MALFORMED"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (("ce_traceparent", b"00-\0-x"), "SCHEMA"),
        (("ce_note", b"\x07\x1b[31mred"), "SCHEMA"),
        (("ce_note", "a\u0085b".encode()), "SCHEMA"),
        (("ce_", b"x"), "SCHEMA"),
        (("ce_Note", b"x"), "SCHEMA"),
        (("ce_partition_key", b"x"), "SCHEMA"),
        (("ce_a\0b", b"x"), "SCHEMA"),
        (("ce_id2", b"\0"), "SCHEMA"),
    ],
)
@pytest.mark.parametrize("more", [b"", b"12345678901234567"], ids=["", "digits"])
def test_extensions_are_plain(header: tuple[str, bytes], reason: str, more: bytes) -> None:
    value, headers = binary()
    assert refused(value, [*headers, header, ("ce_more", more)]).reason in (reason, "MALFORMED")
    assert (
        parse(value, [*headers, ("ce_note", "红 plain".encode()), ("ce_more", more)]).extensions["note"] == "红 plain"
    )


@pytest.mark.parametrize("extension", [{"": 1}, {"a b": 1}, {"Key": "x"}, {"x": {}}, {"x": []}, {"x": "a\x1bb"}])
def test_extensions_are_plain_in_structured_mode_too(extension: dict[str, Any]) -> None:
    sent = {**changed(), **extension}
    assert places(refused(sent)) == {"attributes"}
    more: dict[str, Any] = {"note": "x", "number": 1.5, "flag": True, "gone": None}
    assert parse(orjson.dumps({**changed(), **more})).extensions["number"] == 1.5
