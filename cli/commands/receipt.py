"""`handover receipt`: what a sender does with a receipt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import CHECK_FAILED, fail, json_line, say

app = typer.Typer(no_args_is_help=True, help="Check a receipt of the gateway, without a network.")


@app.callback()
def _receipt() -> None:
    """Check a receipt of the gateway, without a network."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A receipt as the gateway answered it, or a list of them.")],
    key: Annotated[Path, typer.Option("--key", help="The gateway's public key (PEM).")],
    event: Annotated[
        Path | None, typer.Option("--event", help="The body that was sent in structured mode: it must be the one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each receipt as one JSON.")] = False,
) -> None:
    """Check who signed a receipt and that nothing of it was changed. Exit 1 if it is forged or of other bytes."""
    from gateway.receipts import digest
    from gateway.receipts import verify as check
    from gateway.signing import Forged, InvalidKeyFile, read_public

    try:
        receipts = check(file.read_bytes(), read_public(key))
        value = None if event is None else event.read_bytes()
    except Forged as error:
        fail(f"{file}: {error}", "ask the sender for the receipt as it was answered", CHECK_FAILED)
    except (InvalidKeyFile, ValueError) as error:
        fail(f"{file}: {error}", "give a receipt (JSON) and the gateway's public key (PEM)")
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror}", "name files that can be read")
    if value is not None and all(one.digest != digest(value, ()) for one in receipts):
        fail(f"{file}: the receipt is of other bytes than {event}", "give the body as it was sent", CHECK_FAILED)
    for one in receipts:
        if as_json:
            json_line(one.model_dump(mode="json"))
        else:
            told = f"{one.id}  {one.state:<8} {one.appended_at.isoformat()}  {one.source} {one.event_id} {one.type}"
            say(f"{told}  {one.reason}: {'; '.join(one.errors)}" if one.reason else told)
