"""Work on what others have written grows with its length: twice as much takes about twice as long, not four times.

A line of `READERS` is: a name, what reads, what makes an input of a size, and the size to begin with.
"""

import contextlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from handover.analysis.replay import live_all
from handover.calendar import Calendar
from handover.rules.rulebook import InvalidRuleBook, load, read
from handover.toml import InvalidToml, parse_toml
from schemas.invalid import InvalidEvent
from schemas.parse import parse
from tests.growth import growth
from tests.handover.histories import DISPUTE, MEDIATION, PERSON, Told, at, told
from tests.schemas.examples import changed

MOST = 3.0
CALENDAR = Calendar({})
HEAD = 'book = "x@1"\nextends = "cn-default"\n'


def document(text: str) -> None:
    with contextlib.suppress(InvalidToml):
        parse_toml(text)


def book(text: str) -> None:
    with contextlib.suppress(InvalidRuleBook):
        read(text)


def record(value: bytes) -> None:
    with contextlib.suppress(InvalidEvent):
        parse(value)


def named(type_: str, **data: Any) -> bytes:
    return orjson.dumps(changed(type_, data))


def far_days(size: int) -> bytes:
    days = [(date(2026, 1, 1) + timedelta(days=number % 365)).isoformat() for number in range(size)]
    return named("reentry.system.calendar_published.v1", year=2026, holidays=days, workdays=days)


def split(size: int) -> list[Told]:
    """A person of as many facts as a split names."""
    visits = [
        told("intake.visit_done", "2026-02-01 09:00", {"visited_on": "2026-02-01", "met_person": True})
        for _ in range(size)
    ]
    data = {"survivor_ref": PERSON, "removed_ref": "p1_" + "z" * 26, "event_ids": [one.id for one in visits]}
    moved = told("release.person_split", "2026-02-02 09:00", {**data, "cause": "WRONG_MATCH"})
    return [(one, one.time) for one in (*visits, moved)]


def lived(history: list[Told]) -> None:
    live_all(history, load("cn-default"), CALENDAR, at("2026-02-03 00:00"))


def dispute(size: int) -> list[Told]:
    """A dispute of many facts."""
    sessions = [
        told("dispute.mediated", "2026-02-01 09:00", {"session_no": number}, MEDIATION, DISPUTE)
        for number in range(size)
    ]
    return [(one, one.time) for one in sessions]


READERS: Mapping[str, tuple[Callable[[Any], Any], Callable[[int], Any], int]] = {
    "TOML, a dotted key": (document, lambda size: ".".join(["a"] * size) + " = 1", 5_000),
    "TOML, a dotted key of texts": (document, lambda size: " . ".join(['"a b"'] * size) + " = 1", 5_000),
    "TOML, a long bare key": (document, lambda size: "a" * size + " = 1", 60_000),
    "TOML, a long table name": (document, lambda size: "[" + ".b" * size + "]", 5_000),
    "TOML, dotted keys under a long table name": (
        document,
        lambda size: "[" + "b." * 15 + "b]\n" + "\n".join(f"{'a.' * 15}a{number} = 1" for number in range(size)),
        200,
    ),
    "TOML, tables": (document, lambda size: "\n".join(f"[a{number}]" for number in range(size)), 3_000),
    "TOML, lists in lists": (document, lambda size: "a = " + "[" * size, 5_000),
    "TOML, tables in tables": (document, lambda size: "a = " + "{a = " * size, 5_000),
    "TOML, dotted keys in a table": (document, lambda size: "a = {" + "b." * size + "b = 1}", 5_000),
    "TOML, open texts": (document, lambda size: 'a = "' * size, 20_000),
    "TOML, open long texts": (document, lambda size: 'a = \\"""' * size, 20_000),
    "TOML, escapes": (document, lambda size: 'a = "' + "\\n" * size + '"', 20_000),
    "TOML, dots and blanks": (document, lambda size: "a .\t" * size, 20_000),
    "TOML, a list": (document, lambda size: f"a = [{'1,' * size}]", 20_000),
    "rule book, rules": (
        book,
        lambda size: HEAD + "".join(f'[[rule]]\nid = "A{number}"\noff = true\n' for number in range(size)),
        1_000,
    ),
    "rule book, changed rules": (book, lambda size: HEAD + '[[rule]]\nid = "A02"\nwithin = "3 d"\n' * size, 1_000),
    "rule book, stages": (
        book,
        lambda size: HEAD + '[[rule]]\nid = "A02"\nstages = [' + '{at = "due", severity = "WARN"},' * size + "]\n",
        1_000,
    ),
    "rule book, a pattern": (book, lambda size: HEAD + f'[[rule]]\nid = "A02"\nanchor = "{"a." * size}"\n', 5_000),
    "JSON, lists in lists": (record, lambda size: b"[" * size, 20_000),
    "a calendar's days": (record, far_days, 3_000),
    "a split's ids": (record, lambda size: named("reentry.release.person_split.v1", event_ids=["e1"] * size), 10_000),
    "a split of a long file": (lived, split, 150),
    "a long dispute": (lived, dispute, 150),
}


@pytest.mark.parametrize("name", READERS)
def test_twice_as_much_takes_about_twice_as_long(name: str) -> None:
    work, of_size, size = READERS[name]
    assert growth(work, of_size, size) < MOST
