"""Saved views: a named address of the queue, for oneself, for the office or for everyone."""

import re
import secrets

from sqlalchemy import Connection, Engine, and_, delete, or_, select

from console.auth.users import User
from console.db.reading import read_all
from console.db.rows import SavedViewRow
from console.db.tables import saved_view
from console.web.forms import FieldError, InvalidForm
from schemas.payload import PERSON
from schemas.pii import holds_number
from schemas.prose import names_person

SHARED = ("private", "office", "everyone")  # the last by those who may `share_view`
LONGEST_NAME, MOST = 40, 50


def list_views(connection: Connection, user: User) -> list[SavedViewRow]:
    """The views that a user has: their own, the office's and everyone's."""
    mine = saved_view.c.user_id == user.user_id
    office = and_(saved_view.c.agency == user.agency, saved_view.c.shared == "office")
    everyone = saved_view.c.shared == "everyone"
    wanted = select(saved_view).where(or_(mine, office, everyone)).order_by(saved_view.c.name).limit(MOST)
    return read_all(connection, wanted, SavedViewRow)


def save_view(engine: Engine, user: User, name: str, shared: str, query: str) -> None:
    """Keep a view. Raise InvalidForm for a name that cannot be, and for one about a person that others would read."""
    errors: dict[str, FieldError] = {}
    if not name or len(name) > LONGEST_NAME:
        errors["name"] = ("view.error.name", {"n": LONGEST_NAME})
    elif holds_number(name) or holds_number(query) or names_person(name):
        errors["name"] = ("view.error.number", {})
    if shared not in SHARED:
        errors["shared"] = ("view.error.shared", {})
    elif shared != "private" and re.search(PERSON, f"{name} {query}"):
        errors["shared"] = ("view.error.person", {})
    if errors:
        raise InvalidForm(errors)
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


def remove_view(engine: Engine, user: User, view_id: str) -> None:
    """Forget one's own view."""
    with engine.begin() as connection:
        connection.execute(
            delete(saved_view).where(saved_view.c.view_id == view_id, saved_view.c.user_id == user.user_id)
        )
