import copy
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.parse import InvalidEvent, parse
from tests.schemas.examples import EVENTS, LINES

ROUNDS = settings(max_examples=300, deadline=None)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["content-type", "ce_specversion", "ce_id", "ce_type", "ce_time", "ce_source", "ce_subject", "other", "ce_"]
)
contents = st.sampled_from([b"application/cloudevents+json", b"application/json", b"1.0", b"", b"\xff"]) | st.binary(
    max_size=20
)
headers = st.lists(st.tuples(names, contents), max_size=8)


def outcome(value: bytes | None, told: list[tuple[str, bytes]]) -> Event | None:
    """The event, or None for InvalidEvent; any other error fails the test."""
    try:
        event = parse(value, told)
    except InvalidEvent:
        return None
    assert parse(orjson.dumps(event.wire())) == event
    assert event.canonical()
    return event


@ROUNDS
@given(st.none() | st.binary(max_size=200), headers)
def test_any_bytes_are_an_event_or_invalid(value: bytes | None, told: list[tuple[str, bytes]]) -> None:
    outcome(value, told)


@ROUNDS
@given(plain, headers)
def test_any_json_is_an_event_or_invalid(value: Any, told: list[tuple[str, bytes]]) -> None:
    outcome(orjson.dumps(value), told)


@ROUNDS
@given(st.sampled_from(LINES), st.integers(0, 600), st.binary(min_size=1, max_size=3), st.integers(0, 3))
def test_a_damaged_line_is_an_event_or_invalid(line: bytes, at: int, put: bytes, cut: int) -> None:
    at %= len(line)
    outcome(line[:at] + put + line[at + cut :], [])


@ROUNDS
@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_an_event_with_any_other_value_in_one_place_is_an_event_or_invalid(type_: str, data: st.DataObject) -> None:
    event = copy.deepcopy(EVENTS[type_])
    part = data.draw(st.sampled_from([event, event["data"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(plain)
    outcome(orjson.dumps(event), [])


@ROUNDS
@given(
    st.sampled_from(sorted(EVENTS)),
    st.dictionaries(st.text(max_size=8).filter(lambda name: name not in "data"), plain, max_size=3),
)
def test_unknown_fields_never_matter(type_: str, more: dict[str, Any]) -> None:
    event = copy.deepcopy(EVENTS[type_])
    event["data"] = {**more, **event["data"]}
    found = outcome(orjson.dumps(event), [])
    assert (
        found is None or found.data == event["data"]
    )  # None: such a text was an ID-card or mobile number, or held NUL
