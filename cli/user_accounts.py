"""Users as whoever runs commands on the host changes them: the first ones, and auditors, whom no administrator may touch."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cli.output import fail, say
from cli.runtime import fail_not_migrated, open_database, read_audit_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from cli.settings import Settings
    from console.audit.log import Action


def add(settings: Settings, login: str, role: str, agency: str, prefix: str) -> None:
    """Make a user; the password comes on stdin."""
    from console.auth.users import InvalidUser, check_new, create_in

    password = _password()
    try:
        check_new(login, password, role)
        with _open_changes(settings) as connection:
            create_in(connection, login, password, role, agency, prefix)
            _tell(settings, connection, "user_created", login, {"role": role, "agency": agency, "prefix": prefix})
    except InvalidUser as error:
        fail(str(error), "correct it and try again")
    say(f"user {login} may log in as {role}")


def renew(settings: Settings, login: str) -> None:
    """Another password, from stdin; sessions end."""
    from console.auth import sessions
    from console.auth.users import InvalidUser, set_password

    try:
        with _open_changes(settings) as connection:
            user_id = _id_of(connection, login)
            set_password(connection, user_id, _password())
            sessions.end_all(connection, user_id)
            _tell(settings, connection, "password_reset", login, {})
    except InvalidUser as error:
        fail(str(error), "give a longer one")
    say(f"user {login} has another password")


def lock(settings: Settings, login: str) -> None:
    """Lock a user; sessions end."""
    from console.auth import sessions
    from console.db.tables import console_user

    with _open_changes(settings) as connection:
        user_id = _id_of(connection, login)
        connection.execute(console_user.update().where(console_user.c.user_id == user_id).values(closed=True))
        sessions.end_all(connection, user_id)
        _tell(settings, connection, "user_locked", login, {})
    say(f"user {login} is locked")


@contextmanager
def _open_changes(settings: Settings) -> Iterator[Connection]:
    from sqlalchemy.exc import SQLAlchemyError

    from console.db.database import prepare
    from sinks.readmodel.migration_chain import NotMigrated

    engine = open_database(settings)
    try:
        prepare(engine)
        with engine.begin() as connection:
            yield connection
    except NotMigrated as error:
        fail_not_migrated(error)
    except SQLAlchemyError as error:
        fail(f"the database refused: {type(error).__name__}", "check REENTRY_DATABASE_URL and that it runs")
    finally:
        engine.dispose()


def _id_of(connection: Connection, login: str) -> str:
    from sqlalchemy import select

    from console.db.tables import console_user

    found: str | None = connection.execute(
        select(console_user.c.user_id).where(console_user.c.login == login)
    ).scalar_one_or_none()
    if found is None:
        fail(f"there is no user {login}", "look at the name again")
    return found


def _tell(settings: Settings, connection: Connection, action: Action, login: str, details: dict[str, Any]) -> None:
    from console.audit.log import HOST, write
    from console.web.config import real_time

    write(connection, read_audit_key(settings), real_time(), HOST, action, about=login, details=details)


def _password() -> str:
    return sys.stdin.readline().rstrip("\n")
