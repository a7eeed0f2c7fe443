"""`handover rebuild`: what was lost anew, from what the log holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import CHECK_FAILED, Bar, fail, say
from cli.runtime import fail_not_migrated, open_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cli.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Build what was lost anew from the log.")


@app.callback()
def _rebuild() -> None:
    """Build what was lost anew from the log."""


@app.command()
def sql(
    yes: Annotated[bool, typer.Option("--yes", help="Also where alerts go that the log does not hold.")] = False,
) -> None:
    """Build the read model anew beside the old one and put it in its place at once. Sinks may run; pages show the old rows meanwhile.

    What the log has forgotten stays in SQL: older events, older revisions, frozen months. Gaps that were told are closed.
    """
    from kafka.errors import KafkaError
    from sqlalchemy.exc import SQLAlchemyError

    from cli.runtime import no_broker, read_kafka, read_settings
    from sinks.consumer import SinkUnavailable
    from sinks.readmodel.database import prepare
    from sinks.readmodel.migration_chain import NotMigrated
    from sinks.readmodel.rebuild import Silent

    settings = read_settings()
    engine = open_database(settings)
    try:
        prepare(engine)
        _build(settings, engine, yes=yes)
    except NotMigrated as error:
        fail_not_migrated(error)
    except (SQLAlchemyError, SinkUnavailable) as error:
        why = f"the database refused: {type(error).__name__}"
        fail(why, "nothing was changed; check that it runs and that this user may create a schema", CHECK_FAILED)
    except Silent as error:
        fail(f"{error}; nothing was changed", "look at it with: handover doctor", CHECK_FAILED)
    except KafkaError:
        no_broker(read_kafka(settings))
    finally:
        engine.dispose()


@app.command()
def cases(
    yes: Annotated[bool, typer.Option("--yes", help="Write it; else only say what would be written.")] = False,
) -> None:
    """Compute all cases again from the log, and write them and the alert snapshots that are missing. All workers must be stopped.

    For a topic of cases or alerts that was lost, truncated or made anew. Ids of alerts stay, revisions only grow. Cases that began
    before the log that is left go on from their newest record; where there is none, it is said how many.
    """
    from cli.case_rebuild import rebuild_cases
    from cli.runtime import read_settings

    rebuild_cases(read_settings(), yes=yes)


def _build(settings: Settings, engine: Engine, *, yes: bool) -> None:
    from cli.runtime import read_clock, read_kafka
    from schemas.publishers import InvalidPublishers
    from sinks.readmodel.rebuild import Rebuilding, open_shadow
    from sinks.readmodel.writers import configure_writers

    try:
        writers = configure_writers(settings.publishers, unmarked=settings.unmarked)
    except (OSError, InvalidPublishers) as error:
        fail(str(error), "correct it or REENTRY_PUBLISHERS")

    with open_shadow(engine) as shadow:
        arrival = read_clock(settings).arrival
        one = Rebuilding(engine, shadow, read_kafka(settings), settings.topic_prefix, arrival, writers)
        bars: list[Bar] = []

        def announce(total: int) -> Callable[[int], None]:
            bars.append(Bar("rebuilding", total).__enter__())
            return bars[0].advance

        try:
            one.read(announce)
        finally:
            for bar in bars:
                bar.__exit__()
        surplus = one.count_surplus()
        if surplus and not yes:
            why = f"{surplus} alerts in SQL are not in the log: they would be removed; nothing was changed"
            fail(why, "make a backup, then: handover rebuild sql --yes", CHECK_FAILED)
        one.swap()
    say(
        "the read model is the log's again"
        + (f"; {surplus} alerts that the log does not hold are gone" if surplus else "")
    )
