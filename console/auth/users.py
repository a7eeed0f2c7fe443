"""Local users: made by an administrator, known by their office and a duty number, never by a person's name."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, Row, select

from console.auth import attempts
from console.auth.permissions import ROLES, Role, Scope
from console.db.tables import console_user
from console.text.i18n import LANGUAGES, Language

LEAST = 10  # characters of a password
_PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP's least for argon2id
_NOBODY = _PASSWORDS.hash("nobody has this password")


class InvalidUser(ValueError):
    """A user that cannot be made. The text says why."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    user_id: str
    login: str
    role: Role
    agency: str
    prefix: str
    staff: str
    language: Language | None
    keys: bool
    once: bool = False  # the password was given for one login: it must be changed first

    @property
    def scope(self) -> Scope:
        """What the user may do; what they see by rules needs the audience of a book beside."""
        return Scope(self.role, self.agency, self.prefix)


def create(
    engine: Engine, login: str, password: str | None, role: str, agency: str, prefix: str, staff: str | None = None
) -> User:
    """Make a user. Raise InvalidUser."""
    check_new(login, password, role)
    with engine.begin() as connection:
        return create_in(connection, login, password, role, agency, prefix, staff)


def check_new(login: str, password: str | None, role: str) -> None:
    """Raise InvalidUser for a role, a password or a name that cannot be."""
    if role not in ROLES:
        raise InvalidUser(f"role {role}: use one of {', '.join(ROLES)}")
    if password is not None and len(password) < LEAST:
        raise InvalidUser(f"the password has fewer than {LEAST} characters")
    if not login or len(login) > 64:
        raise InvalidUser("a login name has 1 to 64 characters")


def create_in(
    connection: Connection,
    login: str,
    password: str | None,
    role: str,
    agency: str,
    prefix: str,
    staff: str | None = None,
    *,
    once_until: datetime | None = None,
    identity: str | None = None,
) -> User:
    """The same within a transaction, of values that have been checked. Raise InvalidUser where the name is taken."""
    if connection.execute(select(console_user.c.user_id).where(console_user.c.login == login)).first():
        raise InvalidUser(f"there is a user {login} already")
    user_id = secrets.token_hex(8)
    connection.execute(
        console_user.insert().values(
            user_id=user_id,
            login=login,
            password=_PASSWORDS.hash(password) if password is not None else None,
            role=role,
            agency=agency,
            prefix=prefix,
            staff=staff or login,
            language=None,
            keys=True,
            closed=False,
            once_until=once_until,
            identity=identity,
        )
    )
    return read_user(connection.execute(select(console_user).where(console_user.c.user_id == user_id)).one())


def find_by_id(connection: Connection, user_id: str) -> User | None:
    """A user who is not closed."""
    row = connection.execute(
        select(console_user).where(console_user.c.user_id == user_id, console_user.c.closed.is_(False))
    ).first()
    return read_user(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class LoginResult:
    """What came of a login: the user whose password it was, else None; how many tries are left there; a token for the device."""

    user: User | None
    left: int
    device: str = ""


def authenticate(
    engine: Engine, login: str, password: str, wall: datetime, address: str = "", device: str = ""
) -> LoginResult:
    """Whether this is the user's password. A wrong one, an unknown and a closed user are the same work. Raise TooManyTries.

    `address`: of the network. `device`: the token of the device's earlier login.
    """
    with engine.begin() as connection:
        row = connection.execute(
            select(console_user).where(console_user.c.login == login, console_user.c.closed.is_(False))
        ).first()
        stored = row.password if row is not None and row.password is not None else _NOBODY
        place = attempts.device_of(login, stored, device, wall) or attempts.place_of(address)
        attempts.count_try(connection, login, place, wall)
    right = _matches(row.password if row is not None else None, password)
    if row is None or not right or (row.once_until is not None and row.once_until < wall):
        with engine.connect() as connection:
            return LoginResult(None, attempts.count_left(connection, login, place))
    with engine.begin() as connection:
        attempts.forget_failures(connection, login, place)
    return LoginResult(read_user(row), attempts.TRIES, attempts.device_token(login, stored, wall))


def find_by_login(engine: Engine, login: str) -> User | None:
    """A user by name, closed or not."""
    with engine.connect() as connection:
        row = connection.execute(select(console_user).where(console_user.c.login == login)).first()
    return read_user(row) if row is not None else None


def set_password(connection: Connection, user_id: str, password: str, once_until: datetime | None = None) -> None:
    """Another password; until `once_until` for one login only. Raise InvalidUser where it is too short."""
    if len(password) < LEAST:
        raise InvalidUser(f"the password has fewer than {LEAST} characters")
    connection.execute(
        console_user.update()
        .where(console_user.c.user_id == user_id)
        .values(password=_PASSWORDS.hash(password), once_until=once_until)
    )


def authenticate_again(engine: Engine, user: User, password: str, wall: datetime, address: str) -> bool:
    """Whether somebody who is logged in knows their password; tries count as those of the login do."""
    try:
        return authenticate(engine, user.login, password, wall, address).user is not None
    except attempts.TooManyTries:
        return False


def set_preferences(engine: Engine, user_id: str, *, language: Language | None, keys: bool) -> None:
    """Keep a user's own settings."""
    with engine.begin() as connection:
        connection.execute(
            console_user.update().where(console_user.c.user_id == user_id).values(language=language, keys=keys)
        )


def list_colleagues(connection: Connection, scope: Scope) -> list[User]:
    """Users to whom something may be assigned: of the same office, and of offices below the prefix."""
    rows = connection.execute(
        select(console_user).where(console_user.c.closed.is_(False)).order_by(console_user.c.login)
    )
    users = map(read_user, rows)
    return [
        one for one in users if one.agency == scope.agency or (scope.prefix and one.prefix.startswith(scope.prefix))
    ]


def list_officers(connection: Connection, scope: Scope) -> frozenset[str]:
    """The staff ids of those to whom something may be assigned."""
    return frozenset(one.staff for one in list_colleagues(connection, scope))


def _matches(stored: str | None, password: str) -> bool:
    try:
        _PASSWORDS.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def read_user(row: Row[Any]) -> User:
    """A user from their row."""
    language = cast("Language", row.language) if row.language in LANGUAGES else None
    once = row.once_until is not None
    return User(row.user_id, row.login, row.role, row.agency, row.prefix, row.staff, language, row.keys, once)
