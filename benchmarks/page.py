"""The page benchmarks/README.md and its plots, made from results.json and peers/results.json: `python -m benchmarks.page`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers import page as peers_page
from benchmarks.plots import Bar, Point, bars, line
from benchmarks.targets import COST_GROWTH, GROWTH, PEER_TARGETS, TARGETS, Target

HERE = Path(__file__).parent
RESULTS, PLOTS = HERE / "results.json", HERE / "plots"
Results = Mapping[str, Any]
HEAD = """# Measurements

Made by `python -m benchmarks.page` from `results.json` and `peers/results.json` (raw, every run); change them there: `make bench`
measures and writes both, `make bench ARGS='"whole path"'` only the rows whose name has these words, `make bench ARGS=--deep` also those
that take many minutes. Medians on {machine}, broker and database included. *First* and *aim* are the targets of the architecture.
"""


def keep(results: Results) -> None:
    """Write the raw results, the page and its plots."""
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write()


def write() -> None:
    """The page and its plots, from what was kept."""
    for name, content in pages().items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(content, encoding="utf-8")


def pages() -> dict[str, str]:
    """Every file that the results give, by its path in this folder."""
    results: Results = json.loads(RESULTS.read_text(encoding="utf-8"))
    peers: Results = peers_page.load()
    plots = {f"plots/{name}.svg": svg for name, svg in _plots(results, peers).items()}
    shown = [f"![{_TITLES[Path(name).stem]}]({name})" for name in plots]
    rows = [*(_row(target, results.get(target.name)) for target in TARGETS), *_growth(results)]
    rows += [*_promised(results), *_peer_rows(peers)]
    head = HEAD.format(machine=results["machine"])
    return {"README.md": "\n".join([head, *_TABLE, *rows, "", *shown]) + "\n", **plots}


_TABLE = ("| measure | first | aim | measured | runs | on | command |", "|---|---|---|---|---|---|---|")


def _row(target: Target, found: Mapping[str, Any] | None) -> str:
    words = target.name.replace('"', "")
    command = f'`python -m benchmarks "{words}"`'
    if found is None:
        return _told(target, None, "", "", command)
    return _told(target, found["median"], ", ".join(map(_number, found["runs"])), found.get("measured_at", ""), command)


def _told(target: Target, value: float | None, runs: str, day: str, command: str) -> str:
    """One row. `runs`: what the value is made of."""
    measured = "not measured" if value is None else f"**{_number(value)} {target.unit}**{_verdict(target, value)}"
    limits = _limit(target, target.first), _limit(target, target.aim)
    return "| " + " | ".join([target.name, *limits, measured, runs, day, command]) + " |"


def _growth(results: Results) -> list[str]:
    """What an event costs with the most open cases, over what it costs with the fewest."""
    found = []
    for title in _COSTS.values():
        costs = _costs(results, title)
        if len(costs) == len(GROWTH):
            name = f"{title}: {GROWTH[-1]:,} open cases over {GROWTH[0]:,}"
            target, ratio = Target(name, "×", aim=COST_GROWTH, more_is_better=False), costs[-1].y / costs[0].y
            found.append(
                _told(target, ratio, f"{_number(costs[-1].y)} and {_number(costs[0].y)} µs", "", "the rows above")
            )
    return found


def _costs(results: Results, title: str) -> list[Point]:
    names = {cases: f"one worker at {cases:,} open cases: {title}" for cases in GROWTH}
    return [Point(cases, results[name]["median"]) for cases, name in names.items() if name in results]


def _promised(results: Results) -> Sequence[str]:
    """The console's measures: each with what it promises, and whether it keeps it."""
    return [
        f"| {name} | – | ≤ {_number(one['promised'])} {one['unit']} | **{_number(one['median'])} {one['unit']}**"
        f"{', aim reached' if one['median'] <= one['promised'] else ', short of the aim'} | {', '.join(map(_number, one['runs']))} |"
        f' {one.get("measured_at", "")} | `python -m benchmarks "{name}"` |'
        for name, one in results.items()
        if isinstance(one, dict) and "promised" in one
    ]


def _limit(target: Target, value: float | None) -> str:
    return "–" if value is None else f"{'≥' if target.more_is_better else '≤'} {_number(value)} {target.unit}"


def _verdict(target: Target, value: float) -> str:
    def reached(limit: float) -> bool:
        return value >= limit if target.more_is_better else value <= limit

    if target.aim is not None and reached(target.aim):
        return ", aim reached"
    if target.first is not None:
        return ", first reached" if reached(target.first) else ", **short**"
    return "" if target.aim is None else ", short of the aim"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"


def _peer_rows(peers: Results) -> list[str]:
    """Ours against the fastest peer that did the same job in the same go, and against the fastest form of Kafka Streams."""
    found = []
    for target, job, named in PEER_TARGETS:
        rates = {program: rate for program, rate in _rates(peers["runs"], job).items() if rate}
        others = {program: rate for program, rate in rates.items() if program.startswith(named) and program != "ours"}
        if others and "ours" in rates:
            fastest, rate = max(others.items(), key=lambda one: one[1])
            runs = f"{_number(rates['ours'])} and {_number(rate)} events/s ({fastest})"
            command = f"`python -m benchmarks.peers --job {job}`"
            found.append(_told(target, rates["ours"] / rate, runs, peers["measured_at"][job], command))
    return found


def _rates(runs: Sequence[Mapping[str, Any]], job: str) -> dict[str, float]:
    """The median of each program's runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if run["job"] == job:
            found.setdefault(run["program"], []).append(run["events_per_second"])
    return {program: median(rates) for program, rates in found.items()}


_COSTS = {"cost": "CPU of one event", "unready": "CPU of an event whose case is not ready"}
_TITLES = {
    **{name: f"{title}, as cases grow" for name, title in _COSTS.items()},
    "throughput": "Events per second",
    "toy": "The toy job: events per second",
    "city": "The same domain job: events per second",
}


def _plots(results: Results, peers: Results) -> dict[str, str]:
    found = {}
    for name, title in _COSTS.items():
        cost = _costs(results, title)
        if cost:
            found[name] = line(_TITLES[name], cost, "open cases", "µs")
    speeds = [
        Bar(target.name, results[target.name]["median"], target.first, target.aim)
        for target in TARGETS
        if target.unit == "events/s" and target.name in results
    ]
    if speeds:
        found["throughput"] = bars(_TITLES["throughput"], speeds)
    for job in ("toy", "city"):
        rates = _rates(peers["runs"], job)
        if rates:
            found[job] = bars(_TITLES[job], [Bar(program, rate) for program, rate in rates.items()])
    return found


if __name__ == "__main__":
    write()
