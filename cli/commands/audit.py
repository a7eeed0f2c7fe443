"""`handover audit`: is the record of who saw whom whole?"""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import CHECK_FAILED, fail, json_line, say
from cli.runtime import open_database, read_audit_key

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _audit() -> None:
    """The record of who saw whom, who changed what, and why."""


@app.command()
def verify(
    since: Annotated[
        str | None,
        typer.Option("--since", help="NUMBER:HASH that an earlier verify printed: say whether it still stands."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each finding.")] = False,
) -> None:
    """Check every record against its hash, the one before and the head; 1 where something was changed, removed or inserted."""
    from sqlalchemy.exc import SQLAlchemyError

    from cli.runtime import read_settings
    from console.audit.verification import check, is_in_chain
    from sinks.readmodel.dialect import read_snapshot

    settings = read_settings()
    key, engine = read_audit_key(settings), open_database(settings)
    try:
        with read_snapshot(engine) as connection:
            checked = check(connection, key)
            kept = is_in_chain(connection, since) if since is not None else True
    except ValueError as error:
        fail(str(error), "write NUMBER:HASH as an earlier verify printed it")
    except SQLAlchemyError as error:
        fail(
            f"the audit cannot be read: {type(error).__name__}",
            "check REENTRY_DATABASE_URL; make the tables: handover console --migrate",
        )
    finally:
        engine.dispose()
    for one in checked.findings:
        if as_json:
            json_line({"what": one.what, "first": one.first, "last": one.last})
        else:
            say(str(one))
    if not kept:
        fail(
            f"{since} does not stand in the chain",
            "the audit was rewritten since: compare it with a backup",
            CHECK_FAILED,
        )
    if checked.findings:
        fail(
            f"{len(checked.findings)} findings in {checked.count} records",
            "compare the audit with a backup",
            CHECK_FAILED,
        )
    say(
        f"{checked.count} records, each where it was written{', sealed' if key else ', without a secret'}; head {checked.head}"
    )
