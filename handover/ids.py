"""Identities from data alone (semantics.md 4.5, 6.2): the same log gives the same ids, whoever reads it."""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from uuid import NAMESPACE_URL, uuid5

NS = uuid5(NAMESPACE_URL, "urn:reentry-handover:v1")
_PREFIX = NS.bytes
_VARIANT = "89ab"


@lru_cache(maxsize=16_384)  # of the cases that are in hand
def _id(text: str) -> str:
    """`str(uuid5(NS, text))` (RFC 9562, 5.5) in a quarter of its time: a case that is read back needs ten."""
    digest = sha1(_PREFIX + text.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANT[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def handover_id(subject: str, number: int) -> str:
    """The id of a person's n-th handover without an explicit one."""
    return _id(f"handover|{subject}|{number}")


def transfer_handover_id(subject: str, transfer_id: str) -> str:
    """The id of the child handover that a transfer opens (4.7)."""
    return _id(f"handover|{subject}|T|{transfer_id}")


def child_handover_id(subject: str, kind: str, parent: str) -> str:
    """The id of the handover that goes on where another was closed: kind C or M, after the handover `parent`."""
    return _id(f"handover|{subject}|{kind}|{parent}")


def survey_handover_id(subject: str, survey_id: str) -> str:
    """The id of the handover that a survey is."""
    return _id(f"handover|{subject}|S|{survey_id}")


def obligation_id(scope: str, rule_id: str, occurrence: str) -> str:
    """The id of an obligation; `scope` is a handover id, dispute id or source."""
    return _id(f"obligation|{scope}|{rule_id}|{occurrence}")


def alert_id(obligation: str) -> str:
    """The id of the one alert an obligation can have."""
    return _id(f"alert|{obligation}")


def fingerprint(source: str, id_: str) -> str:
    """What an event is known by after it has been forgotten: 64 bits of its identity (source, id), in hexadecimal digits."""
    return sha1(f"{source}|{id_}".encode(), usedforsecurity=False).hexdigest()[:16]


def instant_key(at: datetime) -> str:
    """An instant as part of an occurrence: 20260205T013000Z, with milliseconds where there are any."""
    utc = at.astimezone(UTC)
    fraction = f".{utc.microsecond // 1000:03d}" if utc.microsecond else ""
    return f"{utc:%Y%m%dT%H%M%S}{fraction}Z"
