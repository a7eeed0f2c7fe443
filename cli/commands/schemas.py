"""`handover schemas`: the contracts as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import fail, say

app = typer.Typer(no_args_is_help=True, help="Write JSON Schema and AsyncAPI.")


@app.callback()
def _schemas() -> None:
    """Keep `export` a command of its own."""


@app.command()
def export(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made if absent.")]) -> None:
    """Write JSON Schema per type and one AsyncAPI 3.0 document."""
    from schemas.export.export import export as write

    try:
        write(folder)
    except OSError as error:
        fail(f"cannot write {folder}: {error.strerror}", "name a folder that can be written")
    say(f"written to {folder}")
