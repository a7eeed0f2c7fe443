"""The pages of measurements are what their raw results give, and say of each measure whether it reaches its target."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import page, plots
from benchmarks.peers import page as peers_page
from benchmarks.targets import TARGETS, Target

RUN = {
    "job": "toy", "program": "ours", "events": 100, "events_per_second": 50.0, "cpu_us_per_event": 10.0, "memory_mb": 9.0,
    "alerts": 5, "lost": 0, "false": 0, "doubled": 0, "ended": "quiet",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(page.pages()))
def test_the_page_and_its_plots_are_what_the_raw_results_give(name: str) -> None:
    assert (page.HERE / name).read_text(encoding="utf-8") == page.pages()[name], "run: python -m benchmarks.page"


def test_no_plot_is_left_from_older_results() -> None:
    assert {f"plots/{path.name}" for path in page.PLOTS.iterdir()} == set(page.pages()) - {"README.md"}


def test_the_page_of_peers_is_what_its_raw_results_give() -> None:
    found = peers_page.PAGE.read_text(encoding="utf-8")
    assert found == peers_page.text(peers_page.load()), "run: python -m benchmarks.peers.page"


def test_every_measure_has_a_row_with_its_command_and_every_result_a_measure() -> None:
    text = page.pages()["README.md"]
    for target in TARGETS:
        assert f'| `python -m benchmarks "{target.name}"` |' in text
    results = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    promised = {name for name, one in results.items() if isinstance(one, dict) and "promised" in one}
    assert set(results) - {"machine", "measured_at"} - promised <= {target.name for target in TARGETS}
    assert all(f'| `python -m benchmarks "{name}"` |' in text for name in promised)


@pytest.mark.parametrize(
    ("value", "more", "said"),
    [(9, True, ", **short**"), (10, True, ", first reached"), (20, True, ", aim reached"), (21, False, ", **short**"),
     (20, False, ", first reached"), (10, False, ", aim reached")],
)  # fmt: skip
def test_a_target_is_reached_at_its_own_value(value: float, *, more: bool, said: str) -> None:
    first, aim = (10, 20) if more else (20, 10)
    target = Target("m", "s", first, aim, more_is_better=more)
    assert said in page._row(target, {"median": value, "runs": [value]})


def test_ratios_are_to_ours_by_the_median_of_runs() -> None:
    other = {**RUN, "program": "other", "lost": None}
    rows = peers_page.table(
        [{**RUN, "events_per_second": 150.0}, RUN, {**RUN, "events_per_second": 100.0}, {**other, "lost": 3}]
    )
    assert "| toy | ours | 100 | 100 | 1.00 |" in rows[2]
    assert "| toy | other | 100 | 50 | 0.50 | 10 | 9 | 5 | 3 | 0 | 0 | quiet |" in rows[3]


def test_a_plot_is_sound_xml_with_every_name_in_it(tmp_path: Path) -> None:
    for svg in (
        plots.bars("a < b", [plots.Bar("x & y", 1), plots.Bar("zero", 0, 5, 10)]),
        plots.line("grows", [plots.Point(10, 1), plots.Point(1000, 2)], "cases", "µs"),
        plots.line("one", [plots.Point(10, 0)], "cases", "µs"),
    ):
        root = ET.fromstring(svg)
        assert root.tag.endswith("svg")
        assert len("".join(root.itertext())) > 10
