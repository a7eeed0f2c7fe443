"""`python -m benchmarks.false_refusals [SECONDS]`: clean events that the search for personal numbers refuses.

Events of the simulator, each with identifiers of one of the kinds that publishers use, and free text that holds dates,
case numbers and counters. Whatever is refused is a false refusal.
"""

import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from cli.simulation.stream import Options, simulate
from schemas.cloudevents import attributes
from schemas.invalid import InvalidEvent

_CROCKFORD, _BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "abcdefghijklmnopqrstuvwxyz234567"
_START = datetime(2026, 3, 2, tzinfo=UTC)


def _at(dice: random.Random) -> datetime:
    return _START + timedelta(seconds=dice.randrange(10**8), microseconds=dice.randrange(10**6))


KINDS: dict[str, Callable[[random.Random], str]] = {
    "uuid": lambda dice: str(uuid.UUID(int=dice.getrandbits(128), version=4)),
    "uuid without hyphens": lambda dice: uuid.UUID(int=dice.getrandbits(128), version=4).hex,
    "sha256": lambda dice: f"{dice.getrandbits(256):064x}",
    "trace": lambda dice: f"00-{dice.getrandbits(128):032x}-{dice.getrandbits(64):016x}-01",
    "ulid": lambda dice: "01" + "".join(dice.choices(_CROCKFORD, k=24)),
    "snowflake of 19": lambda dice: str(dice.randrange(10**18, 9 * 10**18)),
    "snowflake of 18": lambda dice: str(dice.randrange(10**17, 10**18)),
    "counter": lambda dice: str(dice.randrange(10 ** dice.randrange(1, 11))),
    "padded counter": lambda dice: f"{dice.randrange(10**9):012d}",
    "shard": lambda dice: f"{dice.randrange(64)}-{dice.randrange(10**9):09d}",
    "milliseconds": lambda dice: str(int(_at(dice).timestamp() * 1_000)),
    "microseconds": lambda dice: str(int(_at(dice).timestamp() * 1_000_000)),
    "nanoseconds": lambda dice: str(int(_at(dice).timestamp() * 1_000_000_000)),
    "instant": lambda dice: _at(dice).isoformat(),
    "decision": lambda dice: (
        f"（{dice.randrange(2010, 2027)}）苏01{dice.randrange(100):02d}刑初{dice.randrange(9999)}号"
    ),
    "paper": lambda dice: f"99{dice.randrange(10_000):04d}-{_at(dice):%Y%m%d}-{dice.randrange(10_000):04d}",
    "reference": lambda dice: "p1_" + "".join(dice.choices(_BASE32, k=26)),
}


def clean_events(seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Events without end, each with the kind of its identifiers."""
    dice, names = random.Random(seed), list(KINDS)
    for number, record in enumerate(simulate(Options(days=0, faults=0.0, register=0.1, seed=seed))):
        name = names[number % len(names)]
        make, body = KINDS[name], orjson.loads(record.value or b"{}")
        body |= {"id": make(dice), "handoverid": make(dice), "sequence": str(dice.randrange(10**12))}
        at = _at(dice)
        text = f"于 {at:%Y-%m-%d %H:%M} 至 {at + timedelta(days=9):%Y-%m-%d %H:%M} 办理，编号 {make(dice)}，第 {dice.randrange(99)} 次"
        body["data"] |= {"reference": make(dice), "remark": text, "counted": dice.randrange(10**9)}
        yield name, body


def refused(events: Iterator[tuple[str, dict[str, Any]]], until: Callable[[int], bool]) -> tuple[int, Counter[str]]:
    """How many events were read, and of which kind those were that the search refused."""
    read, found = 0, Counter[str]()
    for name, body in events:
        if until(read):
            break
        read += 1
        try:
            attributes(orjson.dumps(body))
        except InvalidEvent as error:
            found[name] += error.reason == "PII_IN_TEXT"
    return read, found


def main() -> None:
    """Count for so many seconds and print what was refused, by kind."""
    end = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 60)
    read, found = refused(clean_events(1), lambda number: number % 1_000 == 0 and time.monotonic() > end)
    print(f"{read} events read, {sum(found.values())} refused: {dict(found) or 'none'}")


if __name__ == "__main__":
    main()
