"""A few thousand of each kind; `make fuzz` runs a million."""

from itertools import islice
from pathlib import Path

import pytest

from tests.fuzz import books, lines
from tests.fuzz.eras import run_era
from tests.fuzz.records import drafts


def test_nothing_stops_the_worker_and_every_record_ends_in_one_outcome(tmp_path: Path) -> None:
    result = run_era(tmp_path, seed=1, era=0, limit=3_000)
    assert result.failures == []
    assert result.records > 3_000
    assert {"applied", "duplicate", "routed", "invalid"} == set(result.outcomes)
    assert result.alerts > 0
    assert result.refused > 0  # strangers' actions on alerts that there are


@pytest.mark.parametrize("seed", [1, 2])
def test_any_text_is_a_rule_book_or_refused_in_one_line_with_its_file(tmp_path: Path, seed: int) -> None:
    path, usable = tmp_path / "book.toml", 0
    for text in islice(books.books(seed), 1_000):
        path.write_bytes(text)
        usable += not isinstance(books.outcome(path), str)
    assert 50 < usable < 950


def test_every_line_of_a_file_is_an_event_or_named(tmp_path: Path) -> None:
    read, invalid = lines.read_all(tmp_path / "events.jsonl", 1, 3_000)
    assert (read + invalid, read > 300, invalid > 300) == (3_000, True, True)


def test_equal_seeds_give_equal_records() -> None:
    some = [[draft for _, draft, _ in islice(drafts(seed, 0), 300)] for seed in (4, 4, 5)]
    assert some[0] == some[1] != some[2]
