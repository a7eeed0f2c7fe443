"""The state people see, computed from the facts (semantics.md 4.9). Alerts never depend on its name."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from handover.obligations.handovers import Handover

_NO_TAKER = frozenset(("NOT_OURS", "PERSON_UNKNOWN", "ADDRESS_FALSE"))
_LOSS = frozenset(("not_arrived", "out_of_contact"))


class _Seen(NamedTuple):
    """What a state is read from."""

    handover: Handover
    signals: frozenset[str]
    detained: bool
    superseded: bool

    def has(self, *names: str) -> bool:
        return not self.handover.by_name.keys().isdisjoint(names)


def state_of(handover: Handover, signals: Iterable[str], *, detained: bool, superseded: bool) -> str:
    """The last line of 4.9 that holds. `signals`: those of the rules that fire for this handover (12.3)."""
    seen = _Seen(handover, frozenset(signals), detained, superseded)
    for name, holds in _FROM_THE_LAST:
        if holds(seen):
            return name
    return "UNANNOUNCED" if handover.kind == "U" else "PLANNED"


def _verified(handover: Handover) -> bool:
    checks = handover.of("intake.verification_returned")
    return any(fact.data["result"] in ("VERIFIED", "PARTIAL") for fact in checks)


def _returned(handover: Handover) -> bool:
    returns = [
        *handover.of("intake.returned"),
        *(fact for fact in handover.of("intake.verification_returned") if fact.data["result"] in _NO_TAKER),
        *(fact for fact in handover.of("intake.acknowledged") if not fact.data["accepted"]),
    ]
    answers = [
        *handover.of("release.notice_sent", "intake.assigned"),
        *(fact for fact in handover.of("intake.acknowledged") if fact.data["accepted"]),
    ]
    latest = max((fact.order for fact in returns), default=None)
    return latest is not None and not any(fact.order > latest for fact in answers)


def _active(handover: Handover) -> bool:
    registered = handover.of("intake.registered")
    return bool(registered) and any(
        fact.order > registered[0].order for fact in handover.of("intake.visit_done", "checkin.plan_set")
    )


_LINES: tuple[tuple[str, Callable[[_Seen], bool]], ...] = (
    ("NOTIFIED", lambda seen: seen.has("release.notice_sent", "release.decision_notice_sent")),
    ("ACKNOWLEDGED", lambda seen: any(fact.data["accepted"] for fact in seen.handover.of("intake.acknowledged"))),
    ("ASSIGNED", lambda seen: seen.has("intake.assigned")),
    ("READY", lambda seen: _verified(seen.handover)),
    ("RETURNED", lambda seen: _returned(seen.handover)),
    ("DOCUMENTED", lambda seen: seen.has("release.decision_documents_sent", "intake.documents_received")),
    ("RECEIPTED", lambda seen: seen.has("intake.documents_receipted")),
    ("RELEASED", lambda seen: seen.handover.occurred is not None),
    ("MISSING", lambda seen: bool(seen.signals & _LOSS)),
    ("ARRIVED", lambda seen: not seen.signals & _LOSS and seen.has("intake.person_reported", "intake.pickup_completed")),
    ("REGISTERED", lambda seen: seen.has("intake.registered")),
    ("ACTIVE", lambda seen: _active(seen.handover)),
    ("OUT_OF_CONTACT", lambda seen: "out_of_contact" in seen.signals),
    ("PAUSED", lambda seen: seen.detained),
    ("TRANSFERRED", lambda seen: any(f.data["decision"] == "APPROVED" for f in seen.handover.of("intake.transfer_decided"))),
    ("CLOSED", lambda seen: not seen.handover.is_open),
    ("CANCELLED", lambda seen: any(f.data["cause"] != "PRISON_TRANSFER" for f in seen.handover.of("release.cancelled"))),
    ("SUPERSEDED", lambda seen: seen.superseded),
)  # fmt: skip
_FROM_THE_LAST = tuple(reversed(_LINES))
