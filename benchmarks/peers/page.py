"""The page benchmarks/peers/README.md, made from results.json: `python -m benchmarks.peers.page`."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.json", HERE / "README.md"
Row = Mapping[str, Any]
TITLES = {
    "toy": "The toy job",
    "city": "The same domain job: our own rules in each program",
}
ABOUT = {
    "toy": """Two topics keyed by person, four partitions, events of about 230 bytes. A release is answered by a check-in with its id; one that is not
must give an alert once event time has passed its deadline (60 s). State per person must survive a restart. The data is one hour of event
time, two hours old: a backlog after an outage. One release in ten stays unanswered. *Lost* are alerts that had to come and did not, *false*
those that came and must not.""",
    "city": """The simulated city's records (`handover simulate`) through the product's own domain code (`handover/`). Ours is the whole worker
(`handover worker`): routing, dead letters, alerts and cases acknowledged, offsets in the state, fencing. The peers are spared those
(`jobs/city.py`). Kafka Streams is not here: the domain is Python.""",
}
CANNOT = """## What each cannot do

- **Kafka Streams**: stream time per task stands still while no event comes, so a deadline in a quiet partition waits for the next event;
  its wall-clock punctuator brings false alerts after an outage. A processor's state is bytes: our rules would have to be written again in Java.
- **Bytewax**: knows the wall clock only: on a backlog its timers accuse who has answered (column *false*), or, set to wait, come late. It
  merges no topics by time. No consumer groups: partitions are split among workers by hand; recovery is a local SQLite.
- **Quix Streams**: no timer for a key and no way to go over the keys. With keyed state a deadline is seen only when the person's next event
  comes (column *lost*: what is still owed when the data ends). A session window closes by the partition's time for all, but with one fixed
  silence for everybody, and at a fraction of the speed.
- **stock Faust**: one event at a time through four tasks; an event whose agent raised counts as done; table and offsets are not one: a crash
  loses or doubles. Watermark and heap are written into the job.
- **ours**: one process uses one core; Python. The engine leans on private names of Faust, held by a contract test.

Each program is one process with one worker and at-least-once writes, commits each second, and reads a copy of the same load. Events per
second: all events over the time from the first to the last record written (Bytewax: the time it says itself), so a program that writes
only at its checkpoints starts its clock late, in its favour. CPU and memory are the whole process's, start included. Every Python
program looks for cycles of garbage as seldom as our processes do.
"""


def load() -> dict[str, Any]:
    """The raw results; none before the first run."""
    if not RESULTS.exists():
        return {"machine": "", "measured_at": {}, "runs": []}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def keep(results: Mapping[str, Any]) -> None:
    """Write the raw results and the page."""
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(text(results), encoding="utf-8")


def text(results: Mapping[str, Any]) -> str:
    """The whole page."""
    head = f"""# Peers: the same job on the same broker

Made by `python -m benchmarks.peers` from `results.json` (raw, every run; the table has medians); change it there. Measured
on {results["machine"]},
broker included, the programs of one job in one go.
To run it again: `make bench-peers` (builds each peer's own environment below `.venvs`, pinned and checked by hash, then runs all).
"""
    parts = [head]
    for job, title in TITLES.items():
        rows = [row for row in results["runs"] if row["job"] == job]
        figures = "\n".join(table(rows)) + "\n" if rows else ""
        on = f" Measured on {results['measured_at'][job]}." if rows else ""
        parts.append(f"## {title}\n\n{ABOUT[job]}{on}\n\n{figures}")
    return "\n".join([*parts, CANNOT])


def table(rows: Sequence[Row]) -> list[str]:
    """One line for each program and job: medians over its runs, and its ratio to ours."""
    by_program: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_program[row["job"], row["program"]].append(row)
    lines = [
        "| job | program | events | events/s | of ours | CPU µs an event | MB | alerts | lost | false | doubled | ended |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (job, program), runs in by_program.items():
        ours = by_program.get((job, "ours"))
        rate = _middle(runs, "events_per_second")
        ratio = f"{rate / base:.2f}" if ours and (base := _middle(ours, "events_per_second")) else "–"
        cells = [
            job,
            program,
            f"{runs[0]['events']:,}",
            f"{rate:,.0f}",
            ratio,
            f"{_middle(runs, 'cpu_us_per_event'):,.0f}",
        ]
        cells += [
            f"{_middle(runs, 'memory_mb'):,.0f}",
            *(_counts(runs, name) for name in ("alerts", "lost", "false", "doubled")),
        ]
        lines.append("| " + " | ".join([*cells, ", ".join(dict.fromkeys(run["ended"] for run in runs))]) + " |")
    return lines


def _middle(runs: Iterable[Row], name: str) -> float:
    return float(median(run[name] for run in runs))


def _counts(runs: Iterable[Row], name: str) -> str:
    found = [run[name] for run in runs if run[name] is not None]
    if not found:
        return "–"
    return f"{min(found):,}" if min(found) == max(found) else f"{min(found):,}–{max(found):,}"


if __name__ == "__main__":
    PAGE.write_text(text(load()), encoding="utf-8")
