"""`handover sink`: the SQL read model."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from cli.output import fail, say


def sink(
    names: Annotated[list[str] | None, typer.Argument(help="Only these sinks; all, if none is named.")] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the tables to the newest version, then end.")
    ] = False,
) -> None:
    """Write the SQL read model until Ctrl-C or SIGTERM. While Kafka or the database is away it waits."""
    import logging

    from cli.kafka.log_reader import kafka_of
    from cli.logs import start_logs
    from cli.runtime import read_clock, read_settings
    from handover.rules.rulebook import InvalidRuleBook
    from schemas.publishers import InvalidPublishers
    from sinks.readmodel.database import NotMigrated
    from sinks.readmodel.writers import WRITERS
    from sinks.service import SinkConfig, run
    from streams.log_rate_limit import RateLimit

    settings = read_settings()
    start_logs(settings.log_level, settings.log_format)
    logging.getLogger("kafka").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(RateLimit("kafka"))
    known = [one.name for one in WRITERS]
    if unknown := sorted(set(names or ()) - set(known)):
        fail(f"no sink is called {unknown[0]}", f"use of {', '.join(known)}")
    if migrate:
        return _migrate(settings.database)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    config = SinkConfig(
        kafka=kafka_of(settings),
        database_url=settings.database,
        arrival=read_clock(settings).arrival,
        topic_prefix=settings.topic_prefix,
        metrics_port=settings.web_port,
        metrics_host=settings.web_host,
        rules=settings.rules,
        calendar=settings.calendar,
        unmarked=settings.unmarked,
        publishers=settings.publishers,
    )
    try:
        run(config, names or (), stop)
    except InvalidRuleBook as error:
        fail(f"{settings.rules}: {error}", "correct this entry: handover rules check")
    except InvalidPublishers as error:
        fail(str(error), "correct it or REENTRY_PUBLISHERS")
    except NotMigrated as error:
        what, _, todo = str(error).partition(": ")
        fail(what, todo)
    return None


def _migrate(url: str) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from sinks.readmodel.database import NotMigrated, connect, migrate

    try:
        migrate(connect(url))
    except NotMigrated as error:
        what, _, todo = str(error).partition(": ")
        fail(what, todo)
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    say("the tables are at the newest version")
