"""What is remembered of an alert to decide who is told: the newest revision, and when what had become true."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from handover.rules.rulebook import Severity
from schemas.alert import Alert


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert. `raised_at` names the episode: an alert that fires again after its end is told anew.

    `reached`: when each step from the first on was reached. `severe_at`: since when it has its severity. `seen_at`: when this episode
    was first read. `acknowledged_at`: when the present acknowledgement was made; None: there is none.
    """

    alert_id: str
    revision: int
    rule_id: str
    severity: Severity
    is_firing: bool
    outcome: str | None
    step: int
    held: bool
    owner_agency: str
    due_at: datetime
    raised_at: datetime
    changed_at: datetime
    snoozed_until: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    severe_at: datetime
    seen_at: datetime
    reached: Mapping[int, datetime]


def remember(old: Standing | None, alert: Alert, seen_at: datetime) -> Standing:
    """The standing after a revision was read. An older revision than the one known changes nothing."""
    if old is not None and alert.revision <= old.revision:
        return old
    if old is None or old.raised_at != alert.raised_at:
        return _begin(alert, seen_at)
    by = alert.acknowledged_by
    acknowledged_at = None if by is None else old.acknowledged_at if by == old.acknowledged_by else alert.changed_at
    return replace(
        old,
        revision=alert.revision,
        severity=cast("Severity", alert.severity),
        is_firing=alert.state == "firing",
        outcome=alert.outcome,
        step=alert.step,
        held=alert.held,
        owner_agency=alert.owner_agency,
        due_at=alert.due_at,
        changed_at=alert.changed_at,
        snoozed_until=alert.snoozed_until,
        acknowledged_by=by,
        acknowledged_at=acknowledged_at,
        severe_at=old.severe_at if alert.severity == old.severity else alert.changed_at,
        reached={**old.reached, **dict.fromkeys(range(max(old.reached) + 1, alert.step + 1), alert.changed_at)},
    )


def _begin(alert: Alert, seen_at: datetime) -> Standing:
    """Where the revision that raised it was not read, all steps up to its own count as reached when it was raised."""
    first = alert.step if alert.changed_at == alert.raised_at else 0
    return Standing(
        alert_id=alert.alert_id,
        revision=alert.revision,
        rule_id=alert.rule_id,
        severity=cast("Severity", alert.severity),
        is_firing=alert.state == "firing",
        outcome=alert.outcome,
        step=alert.step,
        held=alert.held,
        owner_agency=alert.owner_agency,
        due_at=alert.due_at,
        raised_at=alert.raised_at,
        changed_at=alert.changed_at,
        snoozed_until=alert.snoozed_until,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=None if alert.acknowledged_by is None else alert.changed_at,
        severe_at=alert.raised_at,
        seen_at=seen_at,
        reached=dict.fromkeys(range(min(first, alert.step), alert.step + 1), alert.raised_at),
    )
