"""The log of a process: one line a record in JSON, libraries alike, and nobody's number in it."""

import json
import logging
import sys

import pytest

from cli.logs import Format, formatter
from tests.schemas.test_pii import CITIZEN, MOBILE


def line(form: Format, message: str, *values: object, error: Exception | None = None, **extra: object) -> str:
    told = None
    if error is not None:
        try:
            raise error
        except type(error):
            told = sys.exc_info()
    record = logging.getLogger("aiokafka.x").makeRecord(
        "aiokafka.x", logging.WARNING, "f", 1, message, values, told, extra=extra
    )
    return formatter(form).format(record)


def test_a_record_is_one_line_of_json_with_its_trace_in_one_key() -> None:
    text = line("json", "sink waits for %s", "postgres", error=ValueError("two\nlines"), sink="alerts", rows=3)
    assert "\n" not in text
    told = json.loads(text)
    assert (told["event"], told["level"], told["logger"]) == ("sink waits for postgres", "warning", "aiokafka.x")
    assert (told["sink"], told["rows"]) == ("alerts", 3)
    assert "ValueError: two" in told["exception"]
    assert told["timestamp"].endswith("Z")


def test_a_line_for_people_ends_with_keys_and_values() -> None:
    text = line("text", "sink waits", sink="alerts")
    assert text.partition(" ")[2] == "WARNING aiokafka.x sink waits sink=alerts"


@pytest.mark.parametrize("form", ["json", "text"])
def test_personal_numbers_are_starred_in_message_keys_and_trace(form: Format) -> None:
    text = line(form, "of %s", CITIZEN, error=ValueError(f"bad value {MOBILE}"), number=int(MOBILE), other=MOBILE)
    assert (MOBILE in text, CITIZEN in text, "ValueError" in text) == (False, False, True)
    if form == "json":
        json.loads(text)
