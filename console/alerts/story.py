"""An alert's story in words: the sentence, the strip of days, what has come, the steps of the ladder, the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from console.alerts.query import AlertContext
from console.db.alert_rows import AlertRow, AlertTableRow
from console.db.rows import EventRow, PendingRow
from console.text import deadline_text
from console.text.formatter import Words
from console.web.site import Site
from schemas.instants import instant

Shown = dict[str, Any]


def describe_alert(words: Words, story: AlertContext) -> str:
    """Who sent what, who should have answered by when."""
    row, t = story.row, words.t
    values = {
        "owner": words.agency(row["owner_agency"]),
        "limit": words.before(row["due_at"]),
        "duty": t("alert.duty", answer=words.fact(row["missing"][0])) if row["missing"] else t("alert.duty.any"),
    }
    if row["outcome"] is not None and row["resolved_at"] is not None:
        return t("alert.say.ended", **values, at=words.at(row["resolved_at"]), outcome=t(f"outcome.{row['outcome']}"))
    if not story.seen:
        return t("alert.say.plain", **values)
    first = story.seen[-1]
    what = {
        "source": words.source(first["source"]),
        "date": words.day(first["time"].date()),
        "fact": words.fact(first["type"]),
    }
    return t("alert.say" if row["late"] else "alert.say.due", **what, **values)


def list_days(site: Site, words: Words, row: AlertRow) -> list[Shown]:
    """The days from the start to the deadline and on to today, or to the end of the alert; late ones only where that is judged."""
    until = row["resolved_at"] or site.now()
    cells = deadline_text.list_strip(
        row["computation"],
        row["anchor_at"],
        row["due_at"],
        until,
        site.calendar,
        is_open=not row["outcome"],
        is_late=bool(row["late"] or row["outcome"]) or row["due_at"] <= site.judged_until(),
    )
    return [_present_day(words, one, first=number == 0) for number, one in enumerate(cells)]


_CLASS = {
    "anchor": "anc",
    "counted": "cnt",
    "off": "off",
    "due": "dl",
    "over": "ov",
    "today": "tdy",
    "plain": "",
    "cut": "cut",
}


def _present_day(words: Words, cell: deadline_text.DayCell, *, first: bool) -> Shown:
    t = words.t
    if cell.day is None:
        return {"cls": "cut", "wd": "", "dn": "…", "mk": "", "say": "…"}
    marks = {
        "anchor": t("strip.anchor"),
        "counted": str(cell.n),
        "off": t("strip.off"),
        "due": f"{cell.n} {t('strip.due')}" if cell.n else t("strip.due"),
        "over": t("strip.over", n=cell.n),
        "today": t("strip.today"),
    }
    says = {
        "anchor": t("strip.anchor.say"),
        "counted": t("strip.counted.say", n=cell.n),
        "off": t("strip.off.say"),
        "due": t("strip.due.say"),
        "over": t("strip.over.say", n=cell.n),
    }
    weekday = t(f"weekday.short.{cell.day.weekday()}")
    classes = [_CLASS[cell.kind], "tdy" if cell.is_today else "", "mkup" if cell.is_makeup else ""]
    return {
        "cls": " ".join(dict.fromkeys(filter(None, classes))),
        "wd": weekday + (t("strip.makeup") if cell.is_makeup else ""),
        "dn": f"{cell.day.month}/{cell.day.day}" if first or cell.day.day == 1 else str(cell.day.day),
        "mk": marks.get(cell.kind, ""),
        "say": f"{words.day_wd(cell.day)} {says.get(cell.kind, '')}",
    }


def describe_unit(words: Words, row: AlertRow) -> str:
    """In which unit it is counted."""
    unit = deadline_text.find_unit(row["computation"])
    hours = next((one["hours"] for one in row["computation"] if "hours" in one), 0)
    text = words.t(f"alert.days.{unit}", hours=f"{hours:g}") if unit == "h" else words.t(f"alert.days.{unit}")
    custody = next((one["days"] for one in row["computation"] if one.get("is") == "custody"), 0)
    return text + (f"; {words.t('alert.days.custody', n=custody)}" if custody else "")


def list_events(words: Words, story: AlertContext) -> list[Shown]:
    """The events that count, each with source, time and lag."""
    return [
        {
            "name": words.fact(one["type"]),
            "type": one["type"],
            "line": words.t(
                "alert.event",
                source=words.source(one["source"]),
                at=words.at(one["time"]),
                lag=describe_lag(words, one),
            ),
        }
        for one in story.seen
    ]


def describe_lag(words: Words, event: EventRow) -> str:
    """How long after it happened we were told."""
    return words.length(max(event["arrival"] - event["time"], timedelta()))


def list_escalations(site: Site, words: Words, story: AlertContext) -> list[Shown]:
    """Steps reached, with when and how late it was then; then those to come."""
    found: list[Shown] = []
    reached = -1
    for one in story.history:
        if one["step"] > reached and one["ladder"]:
            reached = one["step"]
            rung = one["ladder"][0]
            line = _describe_lateness(site, words, story.row, one["changed_at"])
            found.append(_present_level(words, rung["to"], one["changed_at"], line, reached=True))
    if found:
        found[-1]["cls"] = "now nx" if not story.row["outcome"] else "nx"
    if not story.row["outcome"]:
        for rung in story.row["ladder"]:
            if rung["step"] > reached:
                at = instant(rung["at"])
                line = words.t("alert.ladder.then", late=_describe_lateness(site, words, story.row, at))
                found.append({**_present_level(words, rung["to"], at, line, reached=False), "cls": "fut nx"})
    return found


def _describe_lateness(site: Site, words: Words, row: AlertRow, at: datetime) -> str:
    return words.due(
        deadline_text.compute_deadline(row["computation"], row["anchor_at"], row["due_at"], at, site.calendar)
    )


def _present_level(words: Words, to: str, at: datetime, line: str, *, reached: bool) -> Shown:
    return {"who": words.agency(to), "when": words.log_at(at), "line": line, "reached": reached, "cls": ""}


def list_history(words: Words, story: AlertContext, pending: Sequence[PendingRow]) -> list[Shown]:
    """Everything that was done, the newest first: the pipeline's revisions, officers' actions, what is on its way."""
    found = [*_list_revisions(words, story.history), *(_present_action(words, one) for one in story.actions)]
    known = {one["id"] for one in story.actions}
    found += [_present_pending(words, one) for one in pending if one["event_id"] not in known]
    found.sort(key=lambda one: str(one["iso"]), reverse=True)
    return found


def _list_revisions(words: Words, history: Sequence[AlertTableRow]) -> list[Shown]:
    found: list[Shown] = []
    before: AlertTableRow | None = None
    for one in history:
        for what in _describe_changes(words, before, one):
            at = one["changed_at"]
            found.append(
                {"iso": words.iso(at), "at": words.log_at(at), "what": what, "by": words.t("log.system"), "quote": ""}
            )
        before = one
    return found


def _describe_changes(words: Words, before: AlertTableRow | None, now: AlertTableRow) -> list[str]:
    t, severity = words.t, words.t(f"severity.{now['severity']}")
    if before is None:
        return [t("log.raised", severity=severity)]
    if now["state"] != "firing":
        return [t("log.ended", outcome=t(f"outcome.{now['outcome']}"))]
    if before["state"] != "firing":
        return [t("log.fired", severity=severity)]
    found = []
    if now["severity"] != before["severity"]:
        found.append(t("log.severity", severity=severity))
    if now["step"] > before["step"]:
        to = words.agency(now["ladder"][0]["to"]) if now["ladder"] else ""
        found.append(t("log.step", to=to, n=now["step"]))
    if now["due_at"] != before["due_at"]:
        found.append(t("log.redated", limit=words.before(now["due_at"])))
    if now["owner_agency"] != before["owner_agency"]:
        found.append(t("log.owner", owner=words.agency(now["owner_agency"])))
    if now["held"] != before["held"]:
        found.append(t("log.held" if now["held"] else "log.unheld"))
    return found


def _present_action(words: Words, one: EventRow) -> Shown:
    data = one["body"]["data"]
    return {
        "iso": words.iso(one["arrival"]),
        "at": words.log_at(one["arrival"]),
        "what": _add_details(words, words.fact(one["type"]), data),
        "by": data.get("by", ""),
        "quote": data.get("note", ""),
    }


def _add_details(words: Words, what: str, data: Mapping[str, Any]) -> str:
    if "until" in data:
        what = f"{what} {words.t('log.until', until=words.at(instant(data['until'])))}"
    if "to" in data:
        what = f"{what} {words.t('log.to', to=data['to'])}"
    if "upheld" in data:
        what = f"{what}: {words.t('decide.upheld' if data['upheld'] else 'decide.rejected')}"
    return what


def _present_pending(words: Words, one: PendingRow) -> Shown:
    data, state = one["body"]["data"], one["state"]
    state = "failed" if state == "waiting" and one["failure"] else state
    what = words.t(f"action.{one['action']}")
    if one["action"] == "record":
        what = f"{what} · {words.fact(one['body']['type'])}"
    at = instant(one["body"]["recordedtime"])
    return {
        "iso": words.iso(at),
        "at": words.log_at(at),
        "what": words.t(
            "log.pending",
            what=_add_details(words, what, data if one["action"] != "record" else {}),
            state=words.t(f"pending.{state}"),
        ),
        "by": data.get("by", ""),
        "quote": data.get("note", "") if one["action"] != "record" else "",
    }
