"""Headers that every answer carries, tokens that every form carries, and addresses that may be returned to."""

import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{names}; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_A_YEAR = "max-age=31536000"


class SecurityHeaders:
    """Puts them on every answer; what is not static is never kept by a browser or a proxy."""

    def __init__(self, app: ASGIApp, *, secure: bool, names_url: str = "") -> None:
        self._app, self._secure = app, secure
        parts = urlsplit(names_url)
        self._policy = _POLICY.format(names=f" {parts.scheme}://{parts.netloc}" if names_url else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if self._secure:
                    headers["Strict-Transport-Security"] = _A_YEAR
            await send(message)

        await self._app(scope, receive, with_headers)


def form_token(secret: str) -> str:
    """A token for one form: another each time, so that compression cannot give the secret away."""
    salt = secrets.token_hex(8)
    return f"{salt}.{_sign(secret, salt)}"


def is_token(secret: str, token: Any) -> bool:
    """Whether a form's token belongs to this secret."""
    if not isinstance(token, str):
        return False
    salt, _, signature = token.partition(".")
    return hmac.compare_digest(_sign(secret, salt), signature.encode("ascii", "replace").decode())


def _sign(secret: str, salt: str) -> str:
    return hmac.new(secret.encode(), salt.encode(), hashlib.sha256).hexdigest()


def own_path(text: str | None) -> str:
    """An address within this console that may be gone to; "/" for anything else."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return "/"
    return text
