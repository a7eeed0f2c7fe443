"""`handover console`: the operations console."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import fail, say
from cli.runtime import (
    fail_not_migrated,
    make_audit_key,
    make_database_folder,
    open_database,
    read_clock,
    read_kafka,
    read_settings,
)

if TYPE_CHECKING:
    from cli.settings import Settings
    from console.auth.oidc_config import Oidc
    from console.web.config import ConsoleConfig

PORT = 8080


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
    from cli import user_accounts

    settings = read_settings()
    if migrate:
        _migrate(settings)
    elif add_user is not None:
        _add_user(settings, add_user)
    elif set_password is not None:
        user_accounts.renew(settings, set_password)
    elif lock_user is not None:
        user_accounts.lock(settings, lock_user)
    else:
        _serve(settings, demo=demo, insecure=insecure)


def _migrate(settings: Settings) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from console.db.database import migrate
    from sinks.readmodel.migration_chain import NotMigrated

    make_database_folder(settings)
    try:
        migrate(open_database(settings))
    except NotMigrated as error:
        fail_not_migrated(error)
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    say("the console's tables are at the newest version")


def _add_user(settings: Settings, text: str) -> None:
    from cli.user_accounts import add

    parts = text.split(",")
    if len(parts) != 4:
        fail(f"--add-user {text}: not four values", "write LOGIN,ROLE,AGENCY,PREFIX; the prefix may be empty")
    add(settings, parts[0], parts[1], parts[2], parts[3])


def _serve(settings: Settings, *, demo: bool, insecure: bool) -> None:
    from cli.logs import start_logs
    from console.app import create_app
    from console.web.server import serve
    from handover.rules.rulebook import InvalidRuleBook
    from sinks.readmodel.migration_chain import NotMigrated

    config = _configure(settings, demo=demo, secure_cookies=not (insecure or demo))
    start_logs(settings, silent=("kafka",))
    try:
        app = create_app(config)
        _check_tables(settings)
    except (OSError, InvalidRuleBook) as error:
        fail(f"{settings.rules}: {error}", "correct REENTRY_RULES or REENTRY_CALENDAR")
    except NotMigrated as error:
        fail_not_migrated(error)
    port = settings.web_port or PORT
    say(f"console: http://{settings.web_host}:{port}")
    serve(app, settings.web_host, port)


def _configure(settings: Settings, *, demo: bool, secure_cookies: bool) -> ConsoleConfig:
    from cli.connection import read_database_url
    from console.web.config import ConsoleConfig

    clock = read_clock(settings)
    return ConsoleConfig(
        database_url=read_database_url(settings),
        kafka=read_kafka(settings),
        topic_prefix=settings.topic_prefix,
        now=lambda: clock.now(time.time_ns() // 1_000_000),
        age=lambda at: clock.age(at, time.time_ns() // 1_000_000),
        behind=timedelta(seconds=settings.behind_seconds),
        rules=settings.rules,
        calendar=settings.calendar,
        secure_cookies=secure_cookies,
        audit_key=make_audit_key(settings),
        names_url=settings.names_url,
        oidc=_read_identity_service(settings),
        demo=demo,
    )


def _read_identity_service(settings: Settings) -> Oidc | None:
    """The identity service; end with one line where its description or its secret cannot be used."""
    from console.auth.oidc_config import InvalidOidc, read

    if settings.oidc_file is None:
        return None
    try:
        service = read(settings.oidc_file)
        service.secret_file.read_bytes()
    except (OSError, InvalidOidc) as error:
        fail(f"REENTRY_OIDC_FILE: {error}", "correct it, or leave it out for local users alone")
    return service


def _check_tables(settings: Settings) -> None:
    """Raise NotMigrated where the tables are not those of this program; end with one line where the database does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    from console.db import database
    from sinks.readmodel.database import at_head, prepare
    from sinks.readmodel.dialect import is_server

    engine = open_database(settings)
    try:
        if is_server(engine):
            prepare(engine)
        else:
            at_head(engine)  # the sink makes them; until then pages say that they wait
        database.prepare(engine)
    except SQLAlchemyError as error:
        fail(f"the database does not answer: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    finally:
        engine.dispose()
