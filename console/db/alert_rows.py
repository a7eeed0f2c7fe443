"""Rows of what somebody owes: alerts, obligations without an alert, obligations of the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from console.db.rows import AboutPerson, Json


class OwedColumns(AboutPerson):
    """What alerts, obligations and the ledger have."""

    obligation_id: str
    alert_id: str
    handover_kind: str
    rule_id: str
    occurrence: str
    severity: str
    owner_agency: str
    anchor_at: datetime
    due_at: datetime
    provisional: bool
    computation: Sequence[Json]


class ReasonColumns(TypedDict):
    """What alerts and obligations have."""

    reason: Mapping[str, str]
    missing: Sequence[str]


class AlertColumns(TypedDict):
    """What only alerts have."""

    step: int
    held: bool
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    contest: str | None
    revision: int
    raised_at: datetime | None


class FeedAlert(TypedDict):
    """An alert about a feed itself."""

    subject: str
    rule_id: str
    raised_at: datetime


class PastFeedAlert(FeedAlert):
    """With what its line says, and what says who sees it."""

    alert_id: str
    occurrence: str
    severity: str
    state: str
    step: int
    owner_agency: str
    jurisdiction: str
    due_at: datetime
    resolved_at: datetime | None


class HeldAlerts(TypedDict):
    """How many alerts of a rule, owner and handover are held back; None: there is no handover."""

    rule_id: str
    owner_agency: str
    county: str | None
    town: str | None
    sending: str | None
    n: int


class ObligationColumns(OwedColumns, ReasonColumns):
    """A row of the queue that is no alert."""


class FiringColumns(OwedColumns, ReasonColumns, AlertColumns):
    """A row of the queue that is an alert."""


class ListedRow(OwedColumns, AlertColumns):
    """A row of any list of these. `late`: it is an alert; `outcome`: how it ended, None: it has not."""

    late: bool
    outcome: str | None


class QueueRow(ListedRow, ReasonColumns):
    """A row of the queue."""


class AlertTableRow(OwedColumns, ReasonColumns, AlertColumns):
    """A row of `alert` or `alert_history`."""

    handover_id: str | None
    rule_book: str
    state: str
    outcome: str | None
    stage: int
    changed_at: datetime
    resolved_at: datetime | None
    basis: Sequence[Json]
    seen: Sequence[str]
    ladder: Sequence[Json]
    written_at: datetime


class ObligationTableRow(OwedColumns, ReasonColumns):
    """A row of `obligation`."""

    handover_id: str | None
    state: str
    warn_at: datetime


class RaisedRow(AlertTableRow):
    """An alert as its page shows it."""

    late: bool


class UnraisedRow(ObligationTableRow, AlertColumns):
    """The obligation that would raise it."""

    late: bool
    outcome: str | None
    resolved_at: datetime | None
    changed_at: datetime | None
    rule_book: str | None
    basis: Sequence[Json]
    seen: Sequence[str]
    ladder: Sequence[Json]


AlertRow = RaisedRow | UnraisedRow  # `late` says which


class LedgerRow(OwedColumns):
    """An obligation of the ledger as it stood at an instant, with what is known of its alert."""

    handover_id: str | None
    key_person: bool
    county: str
    met_at: datetime | None
    standing: str
    contest: str | None
    step: int | None
    held: bool | None
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    revision: int | None
    raised_at: datetime | None
    alert_severity: str | None
    alert_state: str | None


class DrillDownObligation(ListedRow):
    """A row behind an indicator: a row of the ledger as a list shows it. `missing`: always empty."""

    handover_id: str | None
    key_person: bool
    county: str
    met_at: datetime | None
    standing: str
    alert_severity: str | None
    alert_state: str | None
    has_alert: bool
    fires: bool
    missing: Sequence[str]
