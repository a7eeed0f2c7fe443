"""Signing in at the office's identity service (OpenID Connect, code flow with PKCE). Whom no line of the mapping names is denied."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from httpx2 import HTTPError
from joserfc.errors import JoseError
from sqlalchemy import Connection, delete, select

from console.audit import log as audit
from console.auth.oidc_config import Grant, Oidc
from console.auth.users import InvalidUser, User, create_in, read_user
from console.db.tables import console_user, sign_in
from console.web.site import Site
from schemas.text_files import read_text

WINDOW = timedelta(minutes=10)  # for signing in elsewhere and coming back
_SIGNATURES = frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"))
_LOGIN = re.compile(r"[A-Za-z0-9._@-]{1,64}")


class Denied(Exception):
    """Nobody is let in: `why` is the end of a text's key, and stands in the audit."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Flow:
    """Somebody on their way: where their browser goes, and what it must bring back."""

    url: str
    state: str
    nonce: str
    verifier: str


class IdentityService:
    """The identity service as Authlib speaks to it. What it says of itself is read once it is needed."""

    def __init__(self, oidc: Oidc) -> None:
        self.oidc = oidc
        self._client: Any = OAuth().register(
            "office",
            client_id=oidc.client_id,
            client_secret=read_text(oidc.secret_file).strip(),
            server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": oidc.scope, "code_challenge_method": "S256", "timeout": 10},
        )

    async def begin(self) -> Flow:
        """A new way there. Raise Denied where the service does not answer."""
        try:
            made = await self._client.create_authorization_url(self.oidc.back)
        except (HTTPError, AuthlibBaseError, ValueError, RuntimeError) as error:
            raise Denied("away") from error
        return Flow(made["url"], made["state"], made["nonce"], made["code_verifier"])

    async def claims(self, code: str, nonce: str, verifier: str) -> Mapping[str, Any]:
        """What the service says of whoever came back, its signature checked. Raise Denied."""
        if not code:
            raise Denied("refused")
        try:
            metadata = await self._client.load_server_metadata()
            offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
            # A token signed with the shared secret, or not at all, proves nothing about who signed it.
            metadata["id_token_signing_alg_values_supported"] = sorted(_SIGNATURES & set(offered)) or ["RS256"]
            token = await self._client.fetch_access_token(self.oidc.back, code=code, code_verifier=verifier)
            wanted = {"iss": {"essential": True, "value": self.oidc.issuer}, "sub": {"essential": True}}
            found = await self._client.parse_id_token(token, nonce, claims_options=wanted)
        except HTTPError as error:
            raise Denied("away") from error
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise Denied("token") from error
        if not found:
            raise Denied("token")
        return dict(found)


# --- on their way


def store_flow(site: Site, flow: Flow, browser: str, next_path: str, typed: Mapping[str, str]) -> None:
    """Remember somebody who goes there, for the browser that holds this cookie alone."""
    wall = site.wall()
    with site.engine.begin() as connection:
        forget_old(connection, wall)
        connection.execute(
            sign_in.insert().values(
                state=_hash(flow.state),
                browser=_hash(browser),
                nonce=flow.nonce,
                verifier=flow.verifier,
                next_path=next_path,
                typed=dict(typed),
                at=wall,
            )
        )


def forget_old(connection: Connection, wall: datetime) -> None:
    """Remove those who did not come back in time, with what they had typed."""
    connection.execute(delete(sign_in).where(sign_in.c.at < wall - WINDOW))


def take_flow(site: Site, state: str, browser: str) -> Any:
    """Whoever comes back with this state and this cookie: once, and in time. Raise Denied."""
    with site.engine.begin() as connection:
        row = connection.execute(select(sign_in).where(sign_in.c.state == _hash(state))).first()
        gone = connection.execute(delete(sign_in).where(sign_in.c.state == _hash(state))).rowcount
    if row is None or not gone or not secrets.compare_digest(row.browser, _hash(browser)):
        raise Denied("stale")
    if row.at < site.wall() - WINDOW:
        raise Denied("stale")
    return row


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- who that is here


def admit(site: Site, oidc: Oidc, claims: Mapping[str, Any]) -> User:
    """The user that the claims name, made or brought up to date. Raise Denied."""
    grant, login = find_grant(oidc, claims), str(claims.get(oidc.login, ""))
    if not _LOGIN.fullmatch(login):
        raise Denied("login")
    identity = f"{oidc.issuer} {claims['sub']}"
    place = {"role": grant.role, "agency": grant.agency, "prefix": grant.prefix}
    with site.engine.begin() as connection:
        row = connection.execute(select(console_user).where(console_user.c.identity == identity)).first()
        if row is None:
            return _make_user(connection, site, login, identity, place)
        if row.closed:
            raise Denied("closed")
        if (row.role, row.agency, row.prefix) != tuple(place.values()):
            changed = console_user.update().where(console_user.c.user_id == row.user_id).values(**place)
            connection.execute(changed)
            before = {"role": row.role, "agency": row.agency, "prefix": row.prefix}
            _record(connection, site, read_user(row), "user_changed", {"before": before, "after": place, "by": "oidc"})
        return read_user(connection.execute(select(console_user).where(console_user.c.user_id == row.user_id)).one())


def find_grant(oidc: Oidc, claims: Mapping[str, Any]) -> Grant:
    """The one thing that the claims make of somebody. Raise Denied for nothing, and for more than one."""
    found = {
        (one.role, one.agency, one.prefix): one
        for one in oidc.grants
        if one.value in _list_values(claims.get(one.claim))
    }
    if len(found) != 1:
        raise Denied("several" if found else "nothing")
    return next(iter(found.values()))


def _list_values(claim: Any) -> list[str]:
    return [one for one in (claim if isinstance(claim, list) else [claim]) if isinstance(one, str)]


def _make_user(connection: Connection, site: Site, login: str, identity: str, place: Mapping[str, str]) -> User:
    try:
        user = create_in(connection, login, None, place["role"], place["agency"], place["prefix"], identity=identity)
    except InvalidUser:
        raise Denied("taken") from None  # a local user has this name: that may be somebody else
    _record(connection, site, user, "user_created", {**place, "by": "oidc"})
    return user


def _record(connection: Connection, site: Site, user: User, action: audit.Action, details: Mapping[str, Any]) -> None:
    audit.write(connection, site.config.audit_key, site.wall(), user, action, about=user.login, details=details)
