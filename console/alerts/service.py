"""What the page and the API of an alert share: finding it in scope, what may be done to it, and storing what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.alerts.query import find_row
from console.audit import log as audit
from console.db.alert_rows import AlertRow
from console.db.rows import PendingRow
from console.outbox import decisions, outbox
from console.outbox.action_events import ActionEvent
from console.queue.snooze_presets import read_until
from console.text.formatter import Words
from console.web.request import Form, NotFound, Visitor
from console.web.values import read_number


def find_alert(connection: Any, visitor: Visitor, alert_id: str) -> AlertRow:
    """The row of an alert. Raise NotFound, also for what is out of scope: existence is not told."""
    row = find_row(connection, visitor.scope, alert_id)
    if row is None:
        raise NotFound
    return row


def record_read(visitor: Visitor, row: AlertRow) -> None:
    """Keep in the audit that somebody read an alert about a person."""
    persons = audit.list_persons([row])
    if persons:
        audit.record(visitor.site, visitor.user, "read", persons=persons, about=f"/alerts/{row['alert_id']}")


def is_possible(action: str, row: AlertRow, now: datetime) -> bool:
    """Whether an action would do something to the alert as it is."""
    match action:
        case "reopen":
            return bool(row["outcome"] == "waived")
        case "comment":
            return bool(row["late"])
        case "waive":
            return not row["outcome"]
    if row["outcome"] or not row["late"]:
        return False
    match action:
        case "acknowledge":
            return row["acknowledged_by"] is None
        case "unacknowledge":
            return row["acknowledged_by"] is not None
        case "resume":
            return row["snoozed_until"] is not None and row["snoozed_until"] > now
        case "contest":
            return row["contest"] is None
        case "decide":
            return bool(row["contest"] == "open")
        case _:
            return True


def describe_end(words: Words, row: AlertRow) -> str:
    """How the alert ended, or that it is not as the page showed it."""
    if row["outcome"] is not None and row["resolved_at"] is not None:
        return words.t("conflict.ended", outcome=words.t(f"outcome.{row['outcome']}"), at=words.at(row["resolved_at"]))
    return words.t("conflict.changed", what=words.t("conflict.any"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page showed of an alert when somebody acted on it: its revision, and the event id of the last action on its way."""

    revision: int | None = None
    event_id: str = ""

    @classmethod
    def read(cls, sent: Form) -> "Seen":
        """From a form: `seen` as `outbox.write_seen` wrote it, else `revision` alone."""
        revision, _, event_id = sent["seen"].partition(":")
        return cls(read_number(revision or sent["revision"]), event_id)


def find_waiting(connection: Any, visitor: Visitor, alert_id: str) -> Sequence[PendingRow]:
    """What is on its way for an alert, whoever asked for it."""
    return outbox.find_pending(connection, [alert_id], visitor.site.wall()).get(alert_id, ())


def describe_unseen(
    words: Words, action: str, waiting: Sequence[PendingRow], seen: Seen, own: str = "", type_: str = ""
) -> str:
    """Whether the same was asked for and is still on its way, unknown to the page; empty where it was not."""
    one = None if action == "comment" else outbox.find_unseen(waiting, action, seen.event_id, own, type_)
    if one is None:
        return ""
    what = words.t("conflict.pending", by=one["body"]["data"].get("by", ""), what=words.t(f"action.{action}"))
    return words.t("conflict.changed", what=what)


def describe_conflict(
    words: Words, action: str, row: AlertRow, seen: Seen, waiting: Sequence[PendingRow] = (), own: str = ""
) -> str:
    """Whether somebody else did the same since the page was read; pressing again (having seen it) does it anyway."""
    if row["outcome"] and action not in ("comment", "reopen"):
        return describe_end(words, row)
    if unseen := describe_unseen(words, action, waiting, seen, own):
        return unseen
    revision = seen.revision
    if revision is None or revision >= row["revision"]:
        return ""
    what = ""
    if action == "acknowledge" and row["acknowledged_by"]:
        what = words.t("conflict.ack", by=row["acknowledged_by"])
    elif action == "assign" and row["assigned_to"]:
        what = words.t("conflict.assign", to=row["assigned_to"])
    elif action == "snooze" and row["snoozed_until"]:
        what = words.t("conflict.snooze", until=words.at(row["snoozed_until"]))
    return words.t("conflict.changed", what=what) if what else ""


def store_actions(
    visitor: Visitor, asked: list[tuple[ActionEvent, AlertRow]], key: str, *, second: bool = False
) -> str:
    """Store what was asked for, to be published when the time for an undo is over."""
    return decisions.store(visitor.site, visitor.user, asked, key, second=second)


def read_values(sent: Form) -> dict[str, Any]:
    """The fields of an action as it wants them."""
    upheld = {"yes": True, "no": False}.get(sent["upheld"])
    return {"note": sent["note"], "to": sent["to"], "until": read_until(sent["until"]), "upheld": upheld}
