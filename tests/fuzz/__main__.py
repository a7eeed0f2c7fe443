"""`python -m tests.fuzz`: a million records through the worker's step, and rule books and files beside; exit 1 on any failure."""

import argparse
import logging
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from tests.fuzz import books, lines
from tests.fuzz.eras import Result, run_era

SAID_EACH_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    """Run everything once."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--books", type=int, default=20_000)
    parser.add_argument("--lines", type=int, default=100_000)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    with tempfile.TemporaryDirectory(prefix="reentry-fuzz-") as name:
        folder = Path(name)
        failures = _records(folder, given.seed, given.records)
        failures += _books(folder, given.seed, given.books)
        failures += _lines(folder, given.seed, given.lines)
    for failure in failures:
        print(f"fuzz: FAILED: {failure}")
    return 1 if failures else 0


def _records(folder: Path, seed: int, wanted: int) -> list[str]:
    total, era, began, said = Result(), 0, time.monotonic(), 0.0
    while total.records < wanted and not total.failures:
        total.add(run_era(folder, seed, era, wanted - total.records))
        era += 1
        if time.monotonic() - said > SAID_EACH_SECONDS or total.records >= wanted:
            said = time.monotonic()
            rate = total.records / max(total.seconds, 0.001)
            print(
                f"fuzz: {total.records:>9} records, {said - began:6.0f} s, {rate:6.0f} a processor second", flush=True
            )
    outcomes = ", ".join(f"{count} {name}" for name, count in total.outcomes.most_common())
    print(
        f"fuzz: {outcomes} (what was sent on counts again); {total.alerts} alert revisions; longest step {total.longest_seconds:.2f} s"
    )
    return total.failures


def _books(folder: Path, seed: int, wanted: int) -> list[str]:
    path, good = folder / "book.toml", 0
    for number, text in enumerate(islice(books.books(seed), wanted)):
        path.write_bytes(text)
        try:
            good += not isinstance(books.outcome(path), str)
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            return [f"rule book {number} of seed {seed}: {type(error).__name__}: {error}"]
    print(f"fuzz: {wanted} rule books, {good} of them usable", flush=True)
    return []


def _lines(folder: Path, seed: int, wanted: int) -> list[str]:
    try:
        read, invalid = lines.read_all(folder / "events.jsonl", seed, wanted)
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        return [f"a file of {wanted} lines of seed {seed}: {type(error).__name__}: {error}"]
    print(f"fuzz: {wanted} lines of a file, {read} events, {invalid} named and left out", flush=True)
    return [] if read + invalid == wanted else [f"{wanted} lines, {read + invalid} told of"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
