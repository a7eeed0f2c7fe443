"""Saved views: a named address of the queue, for oneself or for the office."""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, or_, select

from console.tables import saved_view
from console.users import User

SHARED = ("private", "office")
LONGEST_NAME, MOST = 40, 50


def of(connection: Connection, user: User) -> list[Mapping[str, Any]]:
    """The views that a user has, their own and the office's."""
    mine = saved_view.c.user_id == user.user_id
    office = and_(saved_view.c.agency == user.agency, saved_view.c.shared == "office")
    rows = connection.execute(select(saved_view).where(or_(mine, office)).order_by(saved_view.c.name).limit(MOST))
    return [dict(row) for row in rows.mappings()]


def save(engine: Engine, user: User, name: str, shared: str, query: str) -> None:
    """Keep a view. Raise ValueError for a name or a kind that cannot be."""
    if not name or len(name) > LONGEST_NAME or shared not in SHARED:
        raise ValueError("a view needs a name of 1 to 40 characters")
    with engine.begin() as connection:
        connection.execute(
            saved_view.insert().values(
                view_id=secrets.token_hex(8),
                user_id=user.user_id,
                agency=user.agency,
                shared=shared,
                name=name,
                query=query[:1000],
            )
        )


def remove(engine: Engine, user: User, view_id: str) -> None:
    """Forget one's own view."""
    with engine.begin() as connection:
        connection.execute(
            delete(saved_view).where(saved_view.c.view_id == view_id, saved_view.c.user_id == user.user_id)
        )
