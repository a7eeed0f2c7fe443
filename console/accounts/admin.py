"""Users as an administrator changes them: made, moved, locked, given a password for once. Each change is a record of the audit."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, or_, select

from console.audit import log as audit
from console.auth import sessions
from console.auth.permissions import ROLES
from console.auth.users import InvalidUser, User, create_in, read_user, set_password
from console.db.tables import console_user
from console.web.forms import FieldError, InvalidForm
from console.web.site import Site
from schemas.payload import AGENCY

GIVEN = tuple(role for role in ROLES if role != "auditor")  # who may look at administrators is not made by them
ONCE_LASTS = timedelta(hours=72)
_DIGITS: Mapping[str, tuple[int, ...]] = {
    "township": (9,), "county": (6,), "city": (4,), "province": (2,), "prison": (0,), "procurator": (2, 4, 6),
    "platform": (0,), "rules": (0,),
}  # fmt: skip
_LOGIN, _AGENCY = re.compile(r"[A-Za-z0-9._-]{1,32}"), re.compile(AGENCY)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike on paper


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the list shows them."""

    user: User
    closed: bool
    identity: bool  # signs in at the office's identity service
    local: bool  # has a password


def list_accounts(connection: Connection, q: str, after: str, count: int) -> list[Account]:
    """Users by login name, those that begin with `q` or whose office holds it."""
    wanted = select(console_user).where(console_user.c.login > after)
    if q:
        wanted = wanted.where(
            or_(console_user.c.login.startswith(q, autoescape=True), console_user.c.agency.contains(q, autoescape=True))
        )
    rows = connection.execute(wanted.order_by(console_user.c.login).limit(count))
    return [_read_account(row) for row in rows]


def find_account(connection: Connection, user_id: str) -> Account | None:
    """One of them, closed or not."""
    row = connection.execute(select(console_user).where(console_user.c.user_id == user_id)).first()
    return _read_account(row) if row is not None else None


def make_user(site: Site, by: User, fields: Mapping[str, str]) -> tuple[User, str]:
    """Make a user with a password for once, and return both: it is shown once and kept nowhere. Raise InvalidForm."""
    errors: dict[str, FieldError]
    errors = {} if _LOGIN.fullmatch(fields["login"]) else {"login": ("users.error.login", {})}
    errors |= _check_place(fields)
    if errors:
        raise InvalidForm(errors)
    password, until = make_password(), site.wall() + ONCE_LASTS
    with site.engine.begin() as connection:
        try:
            user = create_in(
                connection,
                fields["login"],
                password,
                fields["role"],
                fields["agency"],
                fields["prefix"],
                once_until=until,
            )
        except InvalidUser:
            raise InvalidForm({"login": ("users.error.taken", {})}) from None
        _record(connection, site, by, "user_created", user, _place_values(fields))
    return user, password


def move_user(site: Site, by: User, target: Account, fields: Mapping[str, str]) -> None:
    """Another role, office or prefix; open sessions end. Raise InvalidForm."""
    _check_target(by, target)
    errors = _check_place(fields)
    if errors:
        raise InvalidForm(errors)
    before = {"role": target.user.role, "agency": target.user.agency, "prefix": target.user.prefix}
    with site.engine.begin() as connection:
        _update(connection, target, **_place_values(fields))
        _record(connection, site, by, "user_changed", target.user, {"before": before, "after": _place_values(fields)})


def lock_user(site: Site, by: User, target: Account, *, closed: bool) -> None:
    """Lock a user, whose sessions end at once, or let them in again. Raise InvalidForm."""
    _check_target(by, target)
    with site.engine.begin() as connection:
        _update(connection, target, closed=closed)
        _record(connection, site, by, "user_locked" if closed else "user_unlocked", target.user, {})


def reset_password(site: Site, by: User, target: Account) -> str:
    """A password for once, shown to the administrator once; sessions end. Raise InvalidForm, also for users without passwords."""
    _check_target(by, target)
    if not target.local:
        raise InvalidForm({"form": ("users.error.identity", {})})
    password = make_password()
    with site.engine.begin() as connection:
        set_password(connection, target.user.user_id, password, site.wall() + ONCE_LASTS)
        sessions.end_all(connection, target.user.user_id)
        _record(connection, site, by, "password_reset", target.user, {})
    return password


def make_password() -> str:
    """A password that can be read out: four groups of four, 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def may_change(by: User, target: Account) -> bool:
    """Not oneself, and no auditor: they look at what administrators do."""
    return target.user.user_id != by.user_id and target.user.role in GIVEN


def _check_target(by: User, target: Account) -> None:
    if not may_change(by, target):
        raise InvalidForm(
            {"form": ("users.error.auditor" if target.user.role == "auditor" else "users.error.self", {})}
        )


def _place_values(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: fields[name] for name in ("role", "agency", "prefix")}


def _check_place(fields: Mapping[str, str]) -> dict[str, FieldError]:
    errors: dict[str, FieldError] = {}
    role, agency, prefix = fields["role"], fields["agency"], fields["prefix"]
    if role not in GIVEN:
        errors["role"] = ("users.error.role", {})
    if not (_AGENCY.fullmatch(agency) or (role == "platform" and agency == "PLATFORM")):
        errors["agency"] = ("users.error.agency", {})
    digits = _DIGITS.get(role, ())
    if role in GIVEN and (len(prefix) not in digits or not (prefix.isascii() and (prefix.isdecimal() or not prefix))):
        errors["prefix"] = ("users.error.prefix", {"digits": "/".join(map(str, digits))})
    return errors


def _update(connection: Connection, target: Account, **values: Any) -> None:
    connection.execute(console_user.update().where(console_user.c.user_id == target.user.user_id).values(**values))
    sessions.end_all(connection, target.user.user_id)


def _record(
    connection: Connection, site: Site, by: User, action: audit.Action, user: User, details: Mapping[str, Any]
) -> None:
    audit.write(connection, site.config.audit_key, site.wall(), by, action, about=user.login, details=details)


def _read_account(row: Any) -> Account:
    return Account(read_user(row), row.closed, row.identity is not None, row.password is not None)
