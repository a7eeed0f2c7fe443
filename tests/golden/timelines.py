"""Reading golden timelines, and comparing alerts with what they expect (semantics.md 10.3)."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.alert import Alert
from schemas.envelope import Event
from schemas.instants import instant
from schemas.parse import InvalidEvent, parse

FOLDERS = sorted(path for path in Path(__file__).parent.iterdir() if (path / "events.jsonl").exists())
FIELDS = ("changed_at", "rule_id", "subject", "state", "severity", "outcome", "due_at")
Row = dict[str, Any]


@dataclass(frozen=True)
class Timeline:
    """One folder: events with arrivals (invalid lines left out), the instant to stop at, the rows expected."""

    name: str
    until: datetime
    events: tuple[tuple[Event, datetime], ...]
    expected: tuple[Row, ...]
    steps: tuple[Row, ...]


def read(folder: Path) -> Timeline:
    """Read one folder."""
    found = re.search(r"^until: (\S+)$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{folder.name}: README.md has no line 'until:'"
    steps = folder / "steps.jsonl"
    return Timeline(
        folder.name,
        instant(found.group(1)),
        tuple(_events(folder / "events.jsonl")),
        tuple(_rows(folder / "expected.jsonl")),
        tuple(_rows(steps)) if steps.exists() else (),
    )


def _events(path: Path) -> Iterable[tuple[Event, datetime]]:
    for line in path.read_bytes().splitlines():
        try:
            event = parse(line)
            arrival = event.receivedtime or event.time
            yield parse(line, arrival=arrival), arrival
        except InvalidEvent:
            continue


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows(alerts: Iterable[Alert]) -> list[Row]:
    """The compared fields, without revisions that repeat state, severity, outcome and due of the same alert, in comparable order."""
    last: dict[str, tuple[Any, ...]] = {}
    found = []
    for alert in alerts:
        wire = alert.wire()
        shape = tuple(wire[name] for name in FIELDS[3:])
        if last.get(alert.alert_id) != shape:
            last[alert.alert_id] = shape
            found.append({name: wire[name] for name in FIELDS})
    return ordered(found)


def ordered(found: Iterable[Row]) -> list[Row]:
    """By instant, then (rule, subject, due)."""
    return sorted(found, key=lambda row: (instant(row["changed_at"]), row["rule_id"], row["subject"], row["due_at"]))
