"""The address of an office's calendar feed: whoever knows it reads the feed, so that it can be replaced. Only its digest is kept."""

import hashlib
import secrets
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from console.auth.permissions import Role, Scope
from console.auth.users import User
from console.db.tables import release_feed

_LONGEST = 64


def replace_token(connection: Connection, user: User, wall: datetime) -> str:
    """Make a new token for an office; an older one is not valid any more."""
    remove_token(connection, user)
    token = secrets.token_urlsafe(32)
    row = {"role": user.role, "agency": user.agency, "prefix": user.prefix}
    made = {"token_digest": _digest(token), "made_by": user.user_id, "made_at": wall}
    connection.execute(insert(release_feed).values(**row, **made))
    return token


def remove_token(connection: Connection, user: User) -> None:
    """End an office's feed."""
    connection.execute(delete(release_feed).where(*_of_office(user)))


def find_made_at(connection: Connection, user: User) -> datetime | None:
    """When an office's feed was made; None where it has none."""
    found: datetime | None = connection.execute(select(release_feed.c.made_at).where(*_of_office(user))).scalar()
    return found


def find_scope(connection: Connection, token: str) -> Scope | None:
    """What the office with this token sees; None where no office has it."""
    if len(token) > _LONGEST:
        return None
    row = connection.execute(select(release_feed).where(release_feed.c.token_digest == _digest(token))).first()
    return None if row is None else Scope(cast("Role", row.role), row.agency, row.prefix)


def _of_office(user: User) -> tuple[ColumnElement[bool], ...]:
    columns = release_feed.c
    return columns.role == user.role, columns.agency == user.agency, columns.prefix == user.prefix


def _digest(token: str) -> str:
    """Of a token with 256 random bits: guessing needs no slow hash to be hopeless."""
    return hashlib.sha256(token.encode()).hexdigest()
