"""The contract that no route imports another names every module with routes; lint-imports holds it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = "No route of the console imports another"


def test_the_contract_of_routes_names_every_module_with_routes() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [one for one in settings["tool"]["importlinter"]["contracts"] if one["name"] == CONTRACT]
    there = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "console").rglob("*.py")
        if "= APIRouter(" in path.read_text(encoding="utf-8")
    }
    assert set(contract["modules"]) == there
