"""What is measured and what it must reach: the table of the architecture, one row for each measure. Names are those of results.json."""

from collections.abc import Sequence
from typing import NamedTuple

RUNS = 3


class Target(NamedTuple):
    """One measure. `first` and `aim` in its unit; None: there is none. `more_is_better`: whether they are least values."""

    name: str
    unit: str
    first: float | None = None
    aim: float | None = None
    more_is_better: bool = True
    deep: bool = False  # takes many minutes: only measured when its name, or `--deep`, asks for it


def _open(cases: int, *, deep: bool = False) -> Sequence[Target]:
    """The measures of one worker at so many open cases; they come from one run."""
    told = f"at {cases:,} open cases"
    first, aim = (5_000, None) if cases == 100_000 else (None, 20_000) if cases == 1_000_000 else (None, None)
    restart, late = (20, 1) if cases == 1_000_000 else (None, None)
    # Of few cases it is mostly what a worker that has begun to work needs anyway.
    kept = None if cases == 10_000 else 1_536
    return (
        Target(f"one worker {told}: events/s of a backlog after a start", "events/s", deep=deep),
        Target(f"one worker {told}: events/s of a backlog, going on", "events/s", first, aim, deep=deep),
        Target(f"one worker {told}: CPU of one event", "µs", more_is_better=False, deep=deep),
        Target(f"one worker {told}: CPU of an event whose case is not ready", "µs", more_is_better=False, deep=deep),
        Target(f"one worker {told}: memory of one case", "bytes", None, kept, more_is_better=False, deep=deep),
        Target(f"one worker {told}: restart until it fires again", "s", None, restart, more_is_better=False, deep=deep),
        Target(
            f"one worker {told}: due instant to alert beside 1,000 events/s, p99 of 400",
            "s",
            aim=late,
            more_is_better=False,
            deep=deep,
        ),
    )


GROWTH = (10_000, 100_000, 1_000_000)  # open cases
COST_GROWTH = 1.3  # times: the most that an event may cost with the most open cases, over the fewest
TARGETS: Sequence[Target] = (
    Target("pure domain: parse, take, advance, one core", "events/s", 6_000, 25_000),
    Target("handover replay, command line, read and parsed", "events/s"),
    Target("one worker: event topics to case and alert topics", "events/s", 5_000),
    *_open(GROWTH[0]),
    *_open(GROWTH[1]),
    *_open(GROWTH[2], deep=True),
    Target("whole path: event topics to alert topic and PostgreSQL", "events/s", 2_500, 6_000),
    Target("due instant to alert on the topic, p99 of 400", "s", 2, 1, more_is_better=False),
    Target(
        "100,000 deadlines due in the same instant, to the last alert on the topic",
        "s",
        None,
        20,
        more_is_better=False,
    ),
    *(
        Target(
            f"three years of a county: {what}, the end over the first year's",
            "×",
            None,
            1.15,
            more_is_better=False,
            deep=True,
        )
        for what in ("memory of the worker", "changelog")
    ),
)
# With the job, and how the names of the peers begin that are meant.
PEER_TARGETS: Sequence[tuple[Target, str, str]] = (
    (Target("toy job, ours against the fastest peer", "×", 1, 2), "toy", ""),
    (Target("toy job, ours against Kafka Streams", "×", None, 1.5), "toy", "kstreams"),
    (Target("same domain job, ours against the fastest peer", "×", 1, 2), "city", ""),
)
