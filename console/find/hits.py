"""What was found, in words: what each hit is and where it stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from console.db.alert_rows import AlertRow
from console.db.rows import HandoverRow
from console.find.query import Findings, FoundOwner, FoundSubject
from console.queue.query import Moment
from console.queue.snoozes import Snooze
from console.text.formatter import Words

Hit = dict[str, Any]
Snoozes = Mapping[str, Sequence[Snooze]]


def present_subject(words: Words, found: FoundSubject, moment: Moment, snoozes: Snoozes) -> Hit:
    """A person, a dispute or a feed with everything owed for it."""
    is_person = bool(found.handovers)
    return {
        "subject": found.subject,
        "name": words.person(found.subject),
        "kind": _name_kind(words, found),
        "href": f"/people/{found.subject}" if is_person else "",
        "stands": " · ".join(_describe_handover(words, one) for one in found.handovers),
        "rows": [present_alert(words, one, moment, snoozes) for one in found.owed],
    }


def _name_kind(words: Words, found: FoundSubject) -> str:
    if found.handovers:
        return words.t("find.person")
    return words.t("find.dispute" if found.subject.startswith("d1_") else "find.subject")


def _describe_handover(words: Words, one: HandoverRow) -> str:
    key = f"handover.{one['state']}"
    state = words.t(key) if words.t.has(key) else one["state"]
    parts = [words.kind(one["kind"]), state, words.place(one["jurisdiction"])]
    if one["release_date"]:
        parts.append(words.t("find.release", day=words.long_day(datetime.fromisoformat(one["release_date"]).date())))
    if one["closed_at"] is not None:
        parts.append(words.t("find.closed", day=words.long_day(one["closed_at"].date())))
    return "，".join(parts) if words.language == "zh" else ", ".join(parts)


def present_alert(words: Words, row: AlertRow, moment: Moment, snoozes: Snoozes) -> Hit:
    """An alert, or an obligation without one."""
    return {
        "id": row["alert_id"],
        "no": words.alert_no(row["alert_id"]),
        "href": f"/alerts/{row['alert_id']}",
        "subject": row["subject"],
        "severity": "DONE" if row["outcome"] else row["severity"] if row["late"] else "ghost",
        "rule_id": row["rule_id"],
        "rule": words.rule(row["rule_id"], row["occurrence"]),
        "owner": words.agency(row["owner_agency"]),
        "stands": describe_standing(words, row, moment, snoozes),
    }


def describe_standing(words: Words, row: AlertRow, moment: Moment, snoozes: Snoozes) -> str:
    """Where an alert or an obligation stands: which list, put aside by whom, or how it ended."""
    t = words.t
    if row["outcome"]:
        at = row["resolved_at"]
        day = words.long_day(at.date()) if at is not None else ""
        return t("find.ended", outcome=t(f"outcome.{row['outcome']}"), day=day)
    if not row["late"] and row.get("state") not in ("open", "overdue"):
        return t("find.over")
    bucket = moment.bucket(row["severity"], row["due_at"], late=row["late"])
    text = t("find.listed", bucket=t(f"bucket.{bucket}"), limit=words.limit(row["due_at"]))
    aside = [
        t("row.snoozed.by", by=words.agency(one.agency), until=words.at(one.until))
        for one in snoozes.get(row["alert_id"], ())
        if row["snoozed_until"] is not None and row["snoozed_until"] > moment.now
    ]
    contest = [t(f"row.contest.{row['contest']}")] if row["contest"] else []
    return t("said.next").join((text, *aside, *contest))


def present_owner(words: Words, found: FoundOwner, *, office: bool, people: bool) -> Hit:
    """An office or a place: what is late and due, and the lists of it."""
    return {
        "code": found.code,
        "name": words.agency(found.code) if office else words.place(found.code),
        "line": words.t("find.owner", late=found.late, due=found.due),
        "href": f"/today?{urlencode({'q': found.code})}",
        "people": f"/people?place={quote(found.code)}" if people and not office else "",
    }


def list_subjects(found: Findings) -> list[str]:
    """Whose rows are shown."""
    return sorted({*(one.subject for one in found.subjects), *(one["subject"] for one in found.alerts)})
