"""Compare what principals may do on a broker with what the table of rights says, and bring it there."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import SecurityDisabledError

from brokers.rights import Binding
from cli.stack.provision import SHOWN_SECONDS, Difference

_ANYTHING = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


class NoAuthorizer(RuntimeError):
    """The broker allows everything to everybody: it has no authorizer."""


def differences(admin: KafkaAdminClient, wanted: Collection[Binding], prefix: str) -> list[Difference]:
    """What the broker does not allow and must, and what it allows on our topics and groups and the table does not say.

    Raise KafkaError, NoAuthorizer.
    """
    present = _present(admin)
    everywhere = {one for one, host in present if host == "*"}
    missing = [_difference("grant", one) for one in sorted(set(wanted) - everywhere)]
    surplus = sorted({one for one, _ in present} - set(wanted))
    return missing + [_surplus(one, prefix) for one in surplus if _is_ours(one, prefix)]


def apply(admin: KafkaAdminClient, wanted: Collection[Binding], prefix: str, *, revoke: bool) -> list[Difference]:
    """Grant what is missing and, with `revoke`, take back what the table does not say. Return what was to be done. Raise KafkaError."""
    todo = differences(admin, wanted, prefix)
    grants, surplus = ([_of(one) for one in todo if one.kind == kind] for kind in ("grant", "revoke"))
    if grants:
        done = admin.create_acls([_acl(one) for one in grants])
        for error in done["failed"]:
            raise error
    if revoke and surplus:
        for _, _, failed in admin.delete_acls([_acl(one, ACLFilter, ResourcePatternFilter, None) for one in surplus]):
            if failed.errno:
                raise failed
    changed = {"grant", "revoke"} if revoke else {"grant"}
    end = time.monotonic() + SHOWN_SECONDS
    while any(one.kind in changed for one in differences(admin, wanted, prefix)) and time.monotonic() < end:
        time.sleep(0.05)  # accepted is not yet seen
    return todo


def _present(admin: KafkaAdminClient) -> set[tuple[Binding, str]]:
    """Everything that is allowed, each with the host from which."""
    try:
        described, _ = admin.describe_acls(_ANYTHING)
    except SecurityDisabledError:
        raise NoAuthorizer("the broker has no authorizer, so everybody may do everything") from None
    return set(_list_allowed(described))


def _list_allowed(described: Iterable[Any]) -> Iterable[tuple[Binding, str]]:
    for one in described:
        if one.permission_type == ACLPermissionType.ALLOW:
            pattern = one.resource_pattern
            begins = pattern.pattern_type == ACLResourcePatternType.PREFIXED
            binding = Binding(
                pattern.resource_type.name, pattern.resource_name, begins, one.principal, one.operation.name
            )
            yield binding, one.host


def _is_ours(one: Binding, prefix: str) -> bool:
    """Whether it allows something on a topic or a group of ours."""
    begin = {"TOPIC": f"{prefix}reentry.", "GROUP": f"{prefix}reentry-"}.get(one.kind)
    if begin is None:
        return False
    return one.name.startswith(begin) or _is_wider(one, begin)


def _is_wider(one: Binding, begin: str) -> bool:
    return one.name == "*" or (one.begins and begin.startswith(one.name))


def _surplus(one: Binding, prefix: str) -> Difference:
    if _is_wider(one, f"{prefix}reentry.") or _is_wider(one, f"{prefix}reentry-"):
        return _difference("impossible", one, ": wider than our topics, so only people can decide about it")
    return _difference("revoke", one, ": the table does not say so (taken back with --revoke)")


def _difference(kind: Any, one: Binding, why: str = "") -> Difference:
    config = {name: str(value) for name, value in asdict(one).items()}
    return Difference(f"{one.kind.lower()} {one.name}", kind, f"{one}{why}", config)


def _of(one: Difference) -> Binding:
    told = dict(one.config)
    return Binding(told["kind"], told["name"], told["begins"] == "True", told["principal"], told["operation"])


def _acl(one: Binding, kind: Any = ACL, pattern: Any = ResourcePattern, host: str | None = "*") -> Any:
    how = ACLResourcePatternType.PREFIXED if one.begins else ACLResourcePatternType.LITERAL
    return kind(
        one.principal,
        host,
        ACLOperation[one.operation],
        ACLPermissionType.ALLOW,
        pattern(ResourceType[one.kind], one.name, how),
    )


def stuck(todo: Sequence[Difference], *, revoke: bool) -> list[Difference]:
    """What `apply` leaves as it is."""
    left = {"impossible"} if revoke else {"impossible", "revoke"}
    return [one for one in todo if one.kind in left]
