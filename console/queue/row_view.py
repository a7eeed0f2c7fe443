"""A row of the queue as the page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy import Connection, select

from console.auth.permissions import Scope
from console.db.alert_rows import ListedRow
from console.db.rows import PendingRow
from console.outbox import outbox
from console.queue.snoozes import Snooze, read_snoozes
from console.text import deadline_text, svg_charts
from console.text.formatter import Words
from console.web.site import Site
from sinks.readmodel.tables import event

_COMMENTED = "reentry.action.commented.v1"


@dataclass(frozen=True, slots=True)
class DeadlineText:
    """The deadline in words and boxes."""

    words: str
    date: str
    title: str
    over: bool
    boxes: Markup
    judging: bool = False  # due, and nobody has judged yet whether it was answered

    @property
    def severity(self) -> str:
        """What stands for the severity of an obligation that has no alert: whether it is due."""
        return "due" if self.judging or self.over else "ghost"


@dataclass(frozen=True, slots=True)
class Tag:
    """A word beside the rule; `loc`: to be confirmed."""

    text: str
    loc: bool = False


def present_deadline(words: Words, row: ListedRow, now: datetime, site: Site) -> DeadlineText:
    """The deadline of a row. An alert and what has ended are judged; an obligation is up to where the pipeline has come."""
    judged = now if row["late"] or row["outcome"] else site.judged_until()
    found = deadline_text.compute_deadline(
        row["computation"], row["anchor_at"], row["due_at"], now, site.calendar, judged
    )
    text = words.due(found)
    if row["provisional"]:
        text = f"{words.t('due.about')} {text}"
    return DeadlineText(
        text,
        words.due_date(found, now),
        words.limit(row["due_at"]),
        found.tense == "over",
        svg_charts.draw_boxes(found.boxes),
        found.tense == "judging",
    )


def read_notes(connection: Connection, subjects: Sequence[str]) -> dict[str, str]:
    """The last note of each alert of these subjects."""
    wanted = (
        select(event.c.body)
        .where(event.c.subject.in_(subjects), event.c.type == _COMMENTED)
        .order_by(event.c.arrival, event.c.id)
    )
    found = {}
    for body in connection.execute(wanted).scalars():
        found[body["data"]["alert_id"]] = body["data"]["note"]
    return found


@dataclass(frozen=True, slots=True)
class _ToldOf:
    """What officers told of the alerts on a page, by alert id."""

    notes: Mapping[str, str]
    snoozes: Mapping[str, Sequence[Snooze]]


def present_rows(
    site: Site, words: Words, scope: Scope, connection: Connection, rows: Sequence[ListedRow], back: str = ""
) -> list[dict[str, Any]]:
    """Rows with everything their template needs."""
    subjects, now = sorted({row["subject"] for row in rows}), site.now()
    told = _ToldOf(read_notes(connection, subjects), read_snoozes(connection, subjects, now))
    on_way = outbox.find_pending(connection, [row["alert_id"] for row in rows], site.wall())
    return [_present_row(site, words, scope, row, told, on_way, now, back) for row in rows]


def _present_row(
    site: Site,
    words: Words,
    scope: Scope,
    row: ListedRow,
    told: _ToldOf,
    on_way: Mapping[str, Sequence[PendingRow]],
    now: datetime,
    back: str,
) -> dict[str, Any]:
    late, due = row["late"], present_deadline(words, row, now, site)
    alert_id = row["alert_id"]
    waiting = [one for one in on_way.get(alert_id, ()) if one["state"] != "recorded"]
    acknowledged = row["acknowledged_by"] or next(
        (one["body"]["data"]["by"] for one in waiting if one["action"] == "acknowledge"), None
    )
    href = f"/alerts/{alert_id}?" + (f"{urlencode({'back': back})}&" if back else "")
    return {
        "id": alert_id,
        "revision": row["revision"],
        "late": late,
        "ended": row["outcome"],
        "inside": "",
        "severity": row["severity"] if late else due.severity,
        "due": due,
        "rule": words.rule(row["rule_id"], row["occurrence"]),
        "rule_id": row["rule_id"],
        "why": words.expectation(row["owner_agency"], row["due_at"], missing=late),
        "subject": row["subject"],
        "who": words.person(row["subject"]),
        "place": words.place(row["jurisdiction"]),
        "owner": _describe_owner(words, row),
        "state": _describe_state(words, row, due, acknowledged),
        "taken": bool(acknowledged),
        "note": told.notes.get(alert_id),
        "seen": outbox.write_seen(row["revision"], waiting),
        "pending": describe_pending(words, waiting[-1]) if waiting else None,
        "tags": _list_tags(words, row, told.snoozes.get(alert_id, ()), now),
        "href": href.rstrip("?&"),
        "do": f"{href}do=",
        "can": {name: late and scope.may(name, row) for name in ("acknowledge", "assign", "snooze")},
    }


def describe_pending(words: Words, asked: PendingRow) -> str:
    """What has been asked for and has not come back, and by whom where the event says it."""
    what, by = words.t(f"action.{asked['action']}"), asked["body"]["data"].get("by")
    return words.t("row.pending.by", what=what, by=by) if by else words.t("row.pending", what=what)


def _describe_state(words: Words, row: ListedRow, due: DeadlineText, acknowledged: str | None) -> str:
    if row["outcome"]:
        return words.t(f"outcome.{row['outcome']}")
    if not row["late"]:
        return words.t("row.judging" if due.judging else "row.arriving" if due.over else "row.not_due")
    if row["assigned_to"]:
        return words.t("row.assigned", to=row["assigned_to"])
    return words.t("row.taken", by=acknowledged) if acknowledged else words.t("row.waits")


def _describe_owner(words: Words, row: ListedRow) -> str:
    owner = words.agency(row["owner_agency"])
    if not row["step"] or row["outcome"]:
        return owner
    return words.t("row.owner", owner=owner, more=words.t(f"row.escalated.{min(row['step'], 3)}"))


def _list_tags(words: Words, row: ListedRow, snoozes: Sequence[Snooze], now: datetime) -> list[Tag]:
    t = words.t
    found = []
    if row["held"]:
        found.append(Tag(t("row.held")))
    if row["snoozed_until"] is not None and row["snoozed_until"] > now:
        found += [
            Tag(t("row.snoozed.by", by=words.agency(one.agency), until=words.at(one.until))) for one in snoozes
        ] or [Tag(t("row.snoozed", until=words.at(row["snoozed_until"])))]
    if row["contest"]:
        found.append(Tag(t(f"row.contest.{row['contest']}")))
    if row["provisional"]:
        found.append(Tag(t("due.provisional"), loc=True))
    return found
