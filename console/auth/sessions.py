"""Sessions on the server's side: the browser holds a random token, the table its hash."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, or_, select

from console.auth.users import User, find_by_id, read_user
from console.db.tables import console_session, console_user

_FRESH = timedelta(seconds=30)  # `seen_at` is written at most so often


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks, and the token that a form of theirs must carry."""

    user: User
    csrf: str
    draft: Mapping[str, Any] | None


def begin(engine: Engine, user: User, wall: datetime, draft: Mapping[str, Any] | None = None) -> str:
    """Begin a session and return its token: a new one for each login, so that none can be planted before."""
    token = secrets.token_urlsafe(32)
    with engine.begin() as connection:
        connection.execute(
            console_session.insert().values(
                token=_hash(token),
                user_id=user.user_id,
                csrf=secrets.token_urlsafe(24),
                began_at=wall,
                seen_at=wall,
                draft=dict(draft) if draft else None,
            )
        )
    return token


def find(
    engine: Engine, token: str, wall: datetime, idle: timedelta, longest: timedelta, *, touch: bool = True
) -> Session | None:
    """The living session of a token; without `touch` it grows no younger: an open page that listens is no visit."""
    with engine.begin() as connection:
        row = connection.execute(select(console_session).where(console_session.c.token == _hash(token))).first()
        if row is None:
            return None
        if wall - row.seen_at > idle or wall - row.began_at > longest:
            connection.execute(delete(console_session).where(console_session.c.token == row.token))
            return None
        user = find_by_id(connection, row.user_id)
        if user is None:
            return None
        if touch and wall - row.seen_at > _FRESH:
            connection.execute(_of(row.token).values(seen_at=wall))
        return Session(user, row.csrf, row.draft)


def find_living(
    engine: Engine, tokens: Collection[str], wall: datetime, idle: timedelta, longest: timedelta
) -> dict[str, User]:
    """The users of those tokens whose session lives, as they are now. None of them grows younger."""
    hashed = {_hash(token): token for token in tokens}
    wanted = (
        select(console_session.c.token, *console_user.c)
        .join(console_user, console_user.c.user_id == console_session.c.user_id)
        .where(
            console_session.c.token.in_(hashed),
            console_session.c.seen_at >= wall - idle,
            console_session.c.began_at >= wall - longest,
            console_user.c.closed.is_(False),
        )
    )
    with engine.connect() as connection:
        return {hashed[row.token]: read_user(row) for row in connection.execute(wanted)}


def take_draft(engine: Engine, token: str) -> None:
    """Forget what was typed before the login: it has been shown."""
    with engine.begin() as connection:
        connection.execute(_of(_hash(token)).values(draft=None))


def end(engine: Engine, token: str) -> None:
    """Log out."""
    with engine.begin() as connection:
        connection.execute(delete(console_session).where(console_session.c.token == _hash(token)))


def end_all(connection: Connection, user_id: str, but: str = "") -> None:
    """End a user's sessions: what they may do has changed. `but` is the token of one that stays."""
    connection.execute(
        delete(console_session).where(
            console_session.c.user_id == user_id, console_session.c.token != (_hash(but) if but else "")
        )
    )


def forget_old(connection: Connection, wall: datetime, idle: timedelta, longest: timedelta) -> None:
    """Remove sessions that have ended: a browser that never comes back ends none."""
    ended = or_(console_session.c.seen_at < wall - idle, console_session.c.began_at < wall - longest)
    connection.execute(delete(console_session).where(ended))


def _of(token: str) -> Any:
    return console_session.update().where(console_session.c.token == token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
