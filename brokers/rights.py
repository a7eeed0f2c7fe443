"""Who may do what on the brokers: one table, by role. What stands in no row is refused by a broker that has an authorizer.

A broker knows who is connected, not what a record says: that a prison's record speaks for this prison is checked by the workers.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.topics import (
    ALERT,
    CASE,
    CHECKIN,
    DISPUTE,
    DLQ,
    INTAKE,
    PROGRESS,
    RECEIPT,
    RELEASE,
    ROUTED,
    SOURCES,
    SYSTEM,
    WORK,
    WORLD,
)

Kind = Literal["TOPIC", "GROUP", "TRANSACTIONAL_ID", "CLUSTER"]
OWN = "{name}."  # names that begin with the principal's own
_CLUSTER = "kafka-cluster"


class InvalidPrincipals(ValueError):
    """A file of principals that cannot be used. The text says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Right:
    """Operations, as Kafka names them, on one resource or, with `begins`, on all whose names begin so. Names have no topic prefix."""

    kind: Kind
    name: str
    operations: tuple[str, ...]
    begins: bool = False


def _on(operations: tuple[str, ...], *topics: str) -> tuple[Right, ...]:
    return tuple(Right("TOPIC", topic, operations) for topic in topics)


def _read(*topics: str) -> tuple[Right, ...]:
    return _on(("READ", "DESCRIBE"), *topics)


def _write(*topics: str) -> tuple[Right, ...]:
    """An idempotent producer needs no more: Kafka has taken the right to write for that since 2.8."""
    return _on(("WRITE", "DESCRIBE"), *topics)


_EVERY = (*SOURCES, CASE, ALERT, DLQ, RECEIPT, ROUTED, WORLD, PROGRESS)
ROLES: Mapping[str, tuple[Right, ...]] = {
    # Publishers write their topics, and heartbeats and manifests to the system topic; they read nothing.
    "prison": _write(RELEASE, SYSTEM),  # prisons, detention houses, prison administrations
    "court": _write(RELEASE, DISPUTE, SYSTEM),
    "office": _write(INTAKE, CHECKIN, WORK, SYSTEM),  # county and township justice offices
    "help": _write(INTAKE, WORK, SYSTEM),  # help agencies
    "location": _write(CHECKIN, SYSTEM),
    "mediation": _write(DISPUTE, WORK, SYSTEM),
    "administrator": _write(SYSTEM),  # calendars, registry, rule versions
    "transactional": (
        Right("TRANSACTIONAL_ID", OWN, ("WRITE", "DESCRIBE"), begins=True),
    ),  # in addition to another role
    # The pipeline. Nobody but workers writes cases and alerts.
    "worker": (
        *_read(*SOURCES, CASE, ROUTED, WORLD, PROGRESS),
        *_write(CASE, ALERT, DLQ, ROUTED, WORLD, PROGRESS),
        *_on(("DELETE",), ROUTED),  # what is done with
        Right("GROUP", "reentry-worker", ("READ", "DESCRIBE")),
    ),
    "sink": (
        *_read(*SOURCES, CASE, ALERT, DLQ, PROGRESS),
        *_write(SYSTEM),  # verdicts on manifests and metrics
        Right("GROUP", "reentry-sink-", ("READ", "DESCRIBE"), begins=True),
        Right("GROUP", "reentry-worker", ("DESCRIBE",)),  # how far workers are behind
    ),
    "notifier": (*_read(ALERT, PROGRESS), Right("GROUP", "reentry-sink-notifications", ("READ", "DESCRIBE"))),
    "console": _write(*SOURCES),  # actions, rule changes, and what an office records or sends again by hand
    "gateway": (  # events over HTTP, receipts of all events
        *_write(*SOURCES, RECEIPT),
        *_read(*SOURCES, DLQ, PROGRESS, RECEIPT),
        Right("GROUP", "reentry-receipts", ("READ", "DESCRIBE")),
    ),
    # People and programs beside it.
    "recipient": (
        *_read(RECEIPT),
        Right("GROUP", OWN, ("READ", "DESCRIBE"), begins=True),
    ),  # a publisher of its receipts
    "reader": (*_read(ALERT), Right("GROUP", OWN, ("READ", "DESCRIBE"), begins=True)),
    "redriver": (*_read(DLQ), *_write(*SOURCES)),  # handover dlq redrive
    "auditor": (  # handover dump, verify, dlq list, doctor
        *_read(*_EVERY),
        *_on(("DESCRIBE_CONFIGS",), *_EVERY),
        Right("TRANSACTIONAL_ID", "*", ("DESCRIBE",)),
    ),
    "operator": (  # handover topics, doctor
        *_on(("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"), *_EVERY),
        Right("CLUSTER", _CLUSTER, ("ALTER", "DESCRIBE")),
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """One thing that one principal is allowed, by its full names on the broker."""

    kind: str
    name: str
    begins: bool
    principal: str
    operation: str

    def __str__(self) -> str:
        what = f"{self.kind.lower()} {self.name}{'…' if self.begins else ''}"
        return f"{self.principal} may {self.operation} on {what}"


def bindings(principals: Mapping[str, Iterable[str]], prefix: str) -> Iterator[Binding]:
    """What the table gives to the principals of each role."""
    for role, names in principals.items():
        for principal in names:
            for right in ROLES[role]:
                name = _full(right, principal, prefix)
                yield from (Binding(right.kind, name, right.begins, principal, one) for one in right.operations)


def _full(right: Right, principal: str, prefix: str) -> str:
    if right.name == OWN:
        return OWN.format(name=principal.partition(":")[2])
    return f"{prefix}{right.name}" if right.kind in {"TOPIC", "GROUP"} else right.name


def read_principals(path: Path) -> dict[str, tuple[str, ...]]:
    """A TOML file with a list of names per role: `prison = ["prison-990100-01"]`; a name without a kind is a user. Raise InvalidPrincipals."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidPrincipals(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidPrincipals(f"{path}: {error}") from None
    found = {}
    for role, names in told.items():
        if role not in ROLES:
            raise InvalidPrincipals(f"{path}: {role} is no role: use {', '.join(ROLES)}")
        if not isinstance(names, list) or not all(isinstance(name, str) and name.strip("*: ") for name in names):
            raise InvalidPrincipals(f"{path}: {role} must be a list of names")
        found[role] = tuple(name if ":" in name else f"User:{name}" for name in names)
    return found
