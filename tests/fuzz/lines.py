"""Files for `handover publish` and `handover replay` whose lines are what nobody should write."""

import contextlib
import io
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cli.event_files import open_events, parse_lines
from tests.fuzz.records import drafts


def lines(seed: int) -> Iterator[bytes]:
    """Values of records without end, each on one line and not empty."""
    era = 0
    while True:
        for _, draft, _ in drafts(seed, era):
            text = (draft.value or b"null").replace(b"\n", b" ").replace(b"\r", b" ").strip()
            if text:
                yield text
        era += 1


def read_all(path: Path, seed: int, wanted: int) -> tuple[int, int]:
    """Write a file of so many lines and read it as the commands do: how many are events, how many are named as none."""
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in islice(lines(seed), wanted))
    counts = {"invalid": 0}
    told = io.StringIO()
    with open_events(str(path)) as stream, contextlib.redirect_stderr(told):
        read = sum(1 for _ in parse_lines(stream, path.name, counts))
    named = told.getvalue().splitlines()
    assert len(named) == counts["invalid"], f"{len(named)} lines said of {counts['invalid']}"
    assert all(line.isprintable() for line in named)
    sys.stderr.flush()
    return read, counts["invalid"]
