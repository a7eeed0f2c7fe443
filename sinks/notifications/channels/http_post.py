"""Posting to a receiver over HTTP: what its answer means for a message."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx2

from sinks.notifications.channels.channel import Undeliverable, Unreachable

_SECONDS = 20.0
_AGAIN = frozenset((408, 421, 425, 429))
_OF_CHANNEL = frozenset(
    (401, 403, 404)
)  # a wrong secret or address concerns every message, and is corrected by somebody
_LONGEST_WAIT = 3_600.0


class Poster:
    """One client for all messages of a channel. Redirects are not followed: what is signed goes where the policy says."""

    def __init__(self, url: str, ca_file: Path | None) -> None:
        self._url = url
        verify: ssl.SSLContext = ssl.create_default_context(cafile=ca_file)
        self._client = httpx2.Client(timeout=_SECONDS, follow_redirects=False, verify=verify, trust_env=False)

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post once. Raise Unreachable, Undeliverable."""
        try:
            answer = self._client.post(self._url, content=body, headers=dict(headers))
        except httpx2.ConnectError as error:
            raise Unreachable(type(error).__name__) from error
        except httpx2.TransportError as error:
            raise Unreachable(type(error).__name__, may_have_arrived=True) from error
        code = answer.status_code
        if 200 <= code < 300:
            return
        if code >= 500 or code in _AGAIN:
            raise Unreachable(f"HTTP {code}", after=_read_wait(answer.headers.get("retry-after", "")))
        if code in _OF_CHANNEL or 300 <= code < 400:
            raise Unreachable(f"HTTP {code}")
        raise Undeliverable(f"HTTP {code}")

    def close(self) -> None:
        """End the client."""
        self._client.close()


def _read_wait(text: str) -> float | None:
    return min(float(text), _LONGEST_WAIT) if text.isdecimal() and len(text) < 8 else None
