"""What holds for the modules of the console as a whole. Which imports which is held by lint-imports."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = "No route of the console imports another"
PARTICIPLES = {
    "asked",
    "found",
    "kept",
    "known",
    "listed",
    "made",
    "said",
    "seen",
    "shown",
    "told",
    "wanted",
}  # say what comes out


def test_the_contract_of_routes_names_every_module_with_routes() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [one for one in settings["tool"]["importlinter"]["contracts"] if one["name"] == CONTRACT]
    there = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "console").rglob("*.py")
        if "= APIRouter(" in path.read_text(encoding="utf-8")
    }
    assert set(contract["modules"]) == there


def test_no_function_is_called_by_what_comes_out_of_it() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in (ROOT / "console").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.strip("_") in PARTICIPLES
    ]
    assert named == []
