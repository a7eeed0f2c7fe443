"""The state people see, computed from the facts (semantics.md 4.9). Alerts never depend on its name."""

from collections.abc import Iterable

from handover.handovers import Handover

_LOSS = frozenset(("A07", "B04", "B10"))


def state_of(handover: Handover, firing_rules: Iterable[str], *, detained: bool, superseded: bool) -> str:
    """The last line of 4.9 that holds. `firing_rules`: ids of the rules that fire for this handover."""
    firing = set(firing_rules)
    state = "UNANNOUNCED" if handover.kind == "U" else "PLANNED"
    for name, holds in (
        ("NOTIFIED", bool(handover.of("release.notice_sent", "release.decision_notice_sent"))),
        ("ACKNOWLEDGED", any(fact.data["accepted"] for fact in handover.of("intake.acknowledged"))),
        ("ASSIGNED", bool(handover.of("intake.assigned"))),
        (
            "READY",
            any(fact.data["result"] in ("VERIFIED", "PARTIAL") for fact in handover.of("intake.verification_returned")),
        ),
        ("RETURNED", _returned(handover)),
        ("DOCUMENTED", bool(handover.of("release.decision_documents_sent", "intake.documents_received"))),
        ("RECEIPTED", bool(handover.of("intake.documents_receipted"))),
        ("RELEASED", handover.occurred is not None),
        ("MISSING", bool(firing & _LOSS)),
        ("ARRIVED", not firing & _LOSS and bool(handover.of("intake.person_reported", "intake.pickup_completed"))),
        ("REGISTERED", bool(handover.of("intake.registered"))),
        ("ACTIVE", _active(handover)),
        ("OUT_OF_CONTACT", "B10" in firing),
        ("PAUSED", detained),
        ("TRANSFERRED", any(fact.data["decision"] == "APPROVED" for fact in handover.of("intake.transfer_decided"))),
        ("CLOSED", not handover.is_open),
        ("CANCELLED", bool(handover.of("release.cancelled"))),
        ("SUPERSEDED", superseded),
    ):
        if holds:
            state = name
    return state


def _returned(handover: Handover) -> bool:
    returns = [
        *handover.of("intake.returned"),
        *(fact for fact in handover.of("intake.verification_returned") if fact.data["result"] == "NOT_OURS"),
    ]
    answers = handover.of("release.notice_sent", "intake.acknowledged", "intake.assigned")
    latest = max((fact.order for fact in returns), default=None)
    return latest is not None and not any(fact.order > latest for fact in answers)


def _active(handover: Handover) -> bool:
    registered = handover.of("intake.registered")
    return bool(registered) and any(
        fact.order > registered[0].order for fact in handover.of("intake.visit_done", "checkin.plan_set")
    )
