"""`handover console`: the operations console."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import fail, say

if TYPE_CHECKING:
    from cli.settings import Settings
    from console.auth.oidc_config import Oidc


def console(
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring its tables to the newest version, then end.")
    ] = False,
    add_user: Annotated[
        str | None,
        typer.Option(
            "--add-user", help="LOGIN,ROLE,AGENCY,PREFIX: make a user, then end. The password is read from stdin."
        ),
    ] = None,
    set_password: Annotated[
        str | None,
        typer.Option("--set-password", help="LOGIN: another password, read from stdin, then end. Also for auditors."),
    ] = None,
    lock_user: Annotated[
        str | None,
        typer.Option("--lock-user", help="LOGIN: lock a user, whose sessions end, then end. Also for auditors."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make one user per role with a known password. Never elsewhere.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Cookies also over plain http: only where it is reached on this machine.")
    ] = False,
) -> None:
    """Serve the operations console on REENTRY_WEB_HOST and REENTRY_WEB_PORT (8080 if that is 0)."""
    from cli.kafka.log_reader import kafka_of
    from cli.logs import start_logs
    from cli.runtime import key_made, read_clock, read_settings
    from console.app import create_app
    from console.web.config import ConsoleConfig
    from console.web.server import serve
    from handover.rules.rulebook import InvalidRuleBook
    from sinks.readmodel.database import NotMigrated

    settings = read_settings()
    if migrate:
        return _migrate(settings)
    if add_user is not None:
        return _add_user(settings, add_user)
    if set_password is not None or lock_user is not None:
        from cli.user_accounts import lock, renew

        return renew(settings, set_password) if set_password is not None else lock(settings, lock_user or "")
    clock = read_clock(settings)
    start_logs(settings.log_level, settings.log_format)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    config = ConsoleConfig(
        database_url=settings.database,
        kafka=kafka_of(settings),
        topic_prefix=settings.topic_prefix,
        now=lambda: clock.now(time.time_ns() // 1_000_000),
        age=lambda at: clock.age(at, time.time_ns() // 1_000_000),
        behind=timedelta(seconds=settings.behind_seconds),
        rules=settings.rules,
        calendar=settings.calendar,
        secure_cookies=not (insecure or demo),
        audit_key=key_made(settings),
        names_url=settings.names_url,
        oidc=_identity_service(settings),
        demo=demo,
    )
    port = settings.web_port or 8080
    try:
        app = create_app(config)
        _check_tables(settings.database)
    except (OSError, InvalidRuleBook) as error:
        fail(f"{settings.rules}: {error}", "correct REENTRY_RULES or REENTRY_CALENDAR")
    except NotMigrated as error:
        fail(str(error).partition(":")[0], "run: handover sink --migrate; handover console --migrate")
    say(f"console: http://{settings.web_host}:{port}")
    serve(app, settings.web_host, port)
    return None


def _identity_service(settings: Settings) -> Oidc | None:
    """The identity service; end with one line where its description or its secret cannot be used."""
    from console.auth.oidc_config import InvalidOidc, read

    if settings.oidc_file is None:
        return None
    try:
        found = read(settings.oidc_file)
        found.secret_file.read_bytes()
    except (OSError, InvalidOidc) as error:
        fail(f"REENTRY_OIDC_FILE: {error}", "correct it, or leave it out for local users alone")
    return found


def _check_tables(url: str) -> None:
    """Raise NotMigrated where PostgreSQL's tables are too old; end with one line where it does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    from console.db import database
    from sinks.readmodel.database import connect, prepare
    from sinks.readmodel.dialect import is_server

    engine = connect(url)
    try:
        if is_server(engine):
            prepare(engine)
            database.prepare(engine)
    except SQLAlchemyError as error:
        fail(f"the database does not answer: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    finally:
        engine.dispose()


def _migrate(settings: Settings) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from console.db.database import migrate
    from sinks.readmodel.database import connect

    try:
        migrate(connect(settings.database))
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    say("the console's tables are at the newest version")


def _add_user(settings: Settings, told: str) -> None:
    from cli.user_accounts import add

    parts = told.split(",")
    if len(parts) != 4:
        fail(f"--add-user {told}: not four values", "write LOGIN,ROLE,AGENCY,PREFIX; the prefix may be empty")
    add(settings, parts[0], parts[1], parts[2], parts[3])
