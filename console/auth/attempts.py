"""How often somebody may guess: counted by name and place together, so that who guesses locks out nobody but themselves.

A place is a network address, or a device on which this user has logged in before: that one is known by a signed cookie,
has tries of its own, and waits for no failure of anybody elsewhere.
"""

import hashlib
import hmac
import ipaddress
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select

from console.db.tables import login_attempt

TRIES, WINDOW = 5, timedelta(minutes=15)  # failures of one name at one place until it waits there
TRIES_OF_A_NAME = 100  # from all addresses together: then only devices that are known go on
TRIES_FROM_ONE_ADDRESS = 100  # of all names: a whole office may stand behind one
MOST_KEPT = 20_000  # failures that are counted at all; the oldest make room
DEVICE_LASTS = timedelta(days=180)
_DEVICE = "device:"
_NETWORK = 64  # bits of an IPv6 address that one household or office has to itself


class TooManyTries(Exception):
    """This login name must wait at this place: `minutes` says how long."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"too many failed logins; wait {minutes} minutes")
        self.minutes = minutes


def place_of(address: str) -> str:
    """A network address as it is counted: of IPv6 its network, in which anybody has addresses without end."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, _NETWORK), strict=False))
    return str(found)


def device_name(login: str) -> str:
    """What the cookie of a user's known device is called: several users may share a browser."""
    return f"console_device_{hashlib.sha256(login.encode()).hexdigest()[:8]}"


def device_token(login: str, password: str, wall: datetime) -> str:
    """A token for a device on which somebody logged in; it holds until the password (`password`: its hash) changes."""
    told = f"{secrets.token_hex(8)}.{int(wall.timestamp())}"
    return f"{told}.{_sign(login, password, told)}"


def device_of(login: str, password: str, token: str, wall: datetime) -> str:
    """The place that a device's token stands for; empty where it is none of this user's, or too old."""
    told, _, signature = token[:200].rpartition(".")
    if not hmac.compare_digest(_sign(login, password, told).encode(), signature.encode()):
        return ""
    name, _, seconds = told.partition(".")
    return _DEVICE + name if wall.timestamp() - int(seconds) < DEVICE_LASTS.total_seconds() else ""


def _sign(login: str, password: str, told: str) -> str:
    return hmac.new(password.encode(), f"device {login} {told}".encode(), hashlib.sha256).hexdigest()


def count_try(connection: Connection, login: str, place: str, wall: datetime) -> None:
    """Count a try before its password is looked at, so that requests side by side have no more of them. Raise TooManyTries."""
    forget_old(connection, wall)
    _check(connection, _is_here(login, place), TRIES, wall)
    if not place.startswith(_DEVICE):
        elsewhere = and_(login_attempt.c.login == login, ~login_attempt.c.address.startswith(_DEVICE))
        _check(connection, elsewhere, TRIES_OF_A_NAME, wall)
        if place:
            _check(connection, login_attempt.c.address == place, TRIES_FROM_ONE_ADDRESS, wall)
    connection.execute(login_attempt.insert().values(login=login, at=wall, address=place))
    newest = select(func.max(login_attempt.c.number)).scalar_subquery()
    connection.execute(delete(login_attempt).where(login_attempt.c.number <= newest - MOST_KEPT))


def forget_old(connection: Connection, wall: datetime) -> None:
    """Remove tries that count no more, with the addresses they came from."""
    connection.execute(delete(login_attempt).where(login_attempt.c.at < wall - WINDOW))


def count_left(connection: Connection, login: str, place: str) -> int:
    """How many more wrong passwords a login name has at a place before it waits there."""
    wanted = select(func.count()).select_from(login_attempt).where(_is_here(login, place))
    return max(0, TRIES - int(connection.execute(wanted).scalar_one()))


def forget_failures(connection: Connection, login: str, place: str) -> None:
    """The right password was given: what failed at this place before counts no more."""
    connection.execute(delete(login_attempt).where(_is_here(login, place)))


def _is_here(login: str, place: str) -> ColumnElement[bool]:
    return and_(login_attempt.c.login == login, login_attempt.c.address == place)


def _check(connection: Connection, which: ColumnElement[bool], most: int, wall: datetime) -> None:
    tries, first = connection.execute(select(func.count(), func.min(login_attempt.c.at)).where(which)).one()
    if tries >= most:
        raise TooManyTries(max(1, -int((wall - first - WINDOW).total_seconds() // 60)))
