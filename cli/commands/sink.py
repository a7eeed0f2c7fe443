"""`handover sink`: the SQL read model."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import fail, say
from cli.runtime import fail_not_migrated, make_database_folder, open_database, read_clock, read_kafka, read_settings

if TYPE_CHECKING:
    from cli.settings import Settings
    from sinks.service import SinkConfig


def sink(
    names: Annotated[list[str] | None, typer.Argument(help="Only these sinks; all, if none is named.")] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the tables to the newest version, then end.")
    ] = False,
) -> None:
    """Write the SQL read model until Ctrl-C or SIGTERM. While Kafka or the database is away it waits."""
    settings = read_settings()
    _refuse_unknown(names or ())
    if migrate:
        _migrate(settings)
    else:
        _run(settings, names or ())


def _refuse_unknown(names: Collection[str]) -> None:
    from sinks.readmodel.writers import WRITERS

    known = [one.name for one in WRITERS]
    if unknown := sorted(set(names) - set(known)):
        fail(f"no sink is called {unknown[0]}", f"use of {', '.join(known)}")


def _migrate(settings: Settings) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from sinks.readmodel.database import migrate
    from sinks.readmodel.migration_chain import NotMigrated

    make_database_folder(settings)
    try:
        migrate(open_database(settings))
    except NotMigrated as error:
        fail_not_migrated(error)
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    say("the tables are at the newest version")


def _run(settings: Settings, names: Collection[str]) -> None:
    from cli.logs import start_logs
    from handover.rules.rulebook import InvalidRuleBook
    from schemas.publishers import InvalidPublishers
    from sinks.readmodel.migration_chain import NotMigrated
    from sinks.service import run

    start_logs(settings, quiet=("kafka",))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(_configure(settings), list(names), stop)
    except InvalidRuleBook as error:
        fail(f"{settings.rules}: {error}", "correct this entry: handover rules check")
    except InvalidPublishers as error:
        fail(str(error), "correct it or REENTRY_PUBLISHERS")
    except NotMigrated as error:
        fail_not_migrated(error)


def _configure(settings: Settings) -> SinkConfig:
    from cli.connection import read_database_url
    from sinks.service import SinkConfig

    return SinkConfig(
        kafka=read_kafka(settings),
        database_url=read_database_url(settings),
        arrival=read_clock(settings).arrival,
        topic_prefix=settings.topic_prefix,
        metrics_port=settings.web_port,
        metrics_host=settings.web_host,
        rules=settings.rules,
        calendar=settings.calendar,
        unmarked=settings.unmarked,
        publishers=settings.publishers,
    )
