"""A library's line comes once a minute, with the number of those left out; ours always."""

import logging

from streams.log_rate_limit import AGAIN_SECONDS, OneLine, RateLimit


def record(name: str, message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)


def test_a_line_comes_once_a_minute_with_how_many_were_left_out() -> None:
    now = 0.0
    seldom = RateLimit("aiokafka", clock=lambda: now)
    assert seldom.filter(record("aiokafka.client", "no node %s", 1))
    assert not seldom.filter(record("aiokafka.client", "no node %s", 2))
    assert seldom.filter(record("aiokafka.client", "another"))
    assert seldom.filter(record("aiokafka.fetcher", "no node %s", 1))
    now = AGAIN_SECONDS
    again = record("aiokafka.client", "no node %s", 3)
    assert seldom.filter(again)
    assert again.getMessage() == "no node 3 (and 1 times more)"
    now = 2 * AGAIN_SECONDS
    last = record("aiokafka.client", "no node %s", 4)
    assert seldom.filter(last)
    assert last.getMessage() == "no node 4"


def test_our_own_lines_always_come() -> None:
    seldom = RateLimit("aiokafka")
    assert all(seldom.filter(record("streams.step", "the broker does not answer")) for _ in range(3))


def test_an_end_on_purpose_is_one_line_and_a_bug_keeps_its_traceback() -> None:
    one_line, found = OneLine(KeyError), list[logging.LogRecord]()
    for error in (known := KeyError("why"), known, ValueError("bug")):
        told = logging.LogRecord(
            "mode", logging.ERROR, "", 0, "Crashed reason=%r", (error,), (type(error), error, None)
        )
        found += [told] if one_line.filter(told) else []
    assert [(one.getMessage(), one.exc_info is None) for one in found] == [
        ("'why'", True),
        ("Crashed reason=ValueError('bug')", False),
    ]
