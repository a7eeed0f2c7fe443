"""`handover notify`: people are told."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cli.output import BAD_INPUT, fail, say, warn
from cli.runtime import fail_not_migrated, open_database, read_clock, read_kafka, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.settings import Settings
    from sinks.notifications.duty_list import DutyEntry
    from sinks.notifications.policy import Policy
    from sinks.notifications.service import NotifierConfig

_SHOWN = 50  # errors of a file


def notify(
    check: Annotated[bool, typer.Option("--check", help="Only check the policy, and the duty list with it.")] = False,
    duty_list: Annotated[
        Path | None,
        typer.Option("--duty-list", help="Replace the duty lists of the offices in this CSV or TOML file, then end."),
    ] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the tables to the newest version, then end.")
    ] = False,
) -> None:
    """Tell people of alerts until Ctrl-C or SIGTERM. While Kafka or the database is away it waits."""
    settings = read_settings()
    if migrate:
        _migrate(settings)
        return
    policy = _read_policy(settings)
    entries = None if duty_list is None else _read_duty_list(duty_list, policy)
    if check:
        say(f"{settings.notices_file}: {len(policy.channels)} channels, usable")
        if entries is not None:
            say(f"{duty_list}: {_count(entries)}, usable")
    elif entries is not None:
        _import(settings, entries)
    else:
        _run(settings, policy)


def _read_policy(settings: Settings) -> Policy:
    from sinks.notifications.policy import InvalidPolicy, load_policy

    if settings.notices_file is None:
        fail("REENTRY_NOTICES_FILE is not set", "name a policy of notices (see docs/runbook/notices.md)")
    try:
        return load_policy(settings.notices_file)
    except OSError as error:
        fail(f"cannot read {settings.notices_file}: {error.strerror}", "correct REENTRY_NOTICES_FILE")
    except InvalidPolicy as error:
        _fail_with(settings.notices_file, error.lines)


def _read_duty_list(path: Path, policy: Policy) -> Sequence[DutyEntry]:
    from schemas.text_files import read_text
    from sinks.notifications.duty_list import InvalidDutyList, read_csv, read_toml

    try:
        text = read_text(path)
        return read_toml(text, policy) if path.suffix == ".toml" else read_csv(text, policy)
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}", "give the path of a CSV or TOML file")
    except UnicodeDecodeError:
        fail(f"{path}: not UTF-8 text", "save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
    except InvalidDutyList as error:
        _fail_with(path, error.lines)


def _fail_with(path: Path, lines: Sequence[str]) -> NoReturn:
    """One line for each error."""
    for line in lines[:_SHOWN]:
        warn(f"{path}: {line}")
    if len(lines) > _SHOWN:
        warn(f"{path}: and {len(lines) - _SHOWN} more")
    raise typer.Exit(BAD_INPUT)


def _count(entries: Sequence[DutyEntry]) -> str:
    return f"{len(entries)} entries of {len({one.office for one in entries})} offices"


def _import(settings: Settings, entries: Sequence[DutyEntry]) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from sinks.notifications.log_of_notices import replace_duty
    from sinks.notifications.service import prepare_tables
    from sinks.readmodel.migration_chain import NotMigrated

    engine = open_database(settings)
    try:
        prepare_tables(engine)
        with engine.begin() as connection:
            before = replace_duty(connection, entries)
    except NotMigrated as error:
        fail_not_migrated(error)
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    finally:
        engine.dispose()
    say(f"{_count(entries)} are in force; they replace {before}")


def _migrate(settings: Settings) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from sinks.notifications.database import CHAIN
    from sinks.readmodel.migration_chain import NotMigrated

    try:
        CHAIN.migrate(open_database(settings))
    except NotMigrated as error:
        fail_not_migrated(error)
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    say("the tables are at the newest version")


def _run(settings: Settings, policy: Policy) -> None:
    from cli.logs import start_logs
    from handover.rules.rulebook import InvalidRuleBook
    from sinks.notifications.service import run
    from sinks.readmodel.migration_chain import NotMigrated

    start_logs(settings, quiet=("kafka", "apprise", "httpx", "httpx2"))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(_configure(settings, policy), stop)
    except InvalidRuleBook as error:
        fail(f"{settings.rules}: {error}", "correct this entry: handover rules check")
    except NotMigrated as error:
        fail_not_migrated(error)


def _configure(settings: Settings, policy: Policy) -> NotifierConfig:
    from cli.connection import read_database_url
    from sinks.notifications.service import NotifierConfig

    return NotifierConfig(
        kafka=read_kafka(settings),
        database_url=read_database_url(settings),
        arrival=read_clock(settings).arrival,
        policy=policy,
        topic_prefix=settings.topic_prefix,
        metrics_port=settings.web_port,
        metrics_host=settings.web_host,
        rules=settings.rules,
        calendar=settings.calendar,
        unmarked=settings.unmarked,
    )
