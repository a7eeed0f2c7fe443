"""The alert as others see it: contract.md 4, built from what is remembered and what is owed."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from handover.alerts.escalation import told_at
from handover.alerts.lifecycle import Memory
from handover.calendar import DAY, Calendar, due_day_of
from handover.facts.thinning import named
from handover.feeds.metric_verdict import Measured, said
from handover.ids import alert_id, obligation_id
from handover.obligations.context import EvaluationContext
from handover.obligations.obligation import Count, Obligation
from schemas.alert import Alert
from schemas.instants import show

_TALLIED = 62  # days listed one by one; a longer count names its ends only


def snapshot(memory: Memory, duty: Obligation, frame: EvaluationContext) -> Alert:
    """One revision of an alert, with the obligation as derived now."""
    obligation = obligation_id(duty.scope, duty.rule.id, duty.occurrence)
    firing = memory.firing
    return Alert.model_construct(  # of what has been read and derived: nothing of it is unchecked
        alert_id=alert_id(obligation),
        obligation_id=obligation,
        subject=duty.subject,
        handover_id=duty.handover_id,
        handover_kind=duty.handover_kind,
        rule_id=duty.rule.id,
        occurrence=duty.occurrence,
        rule_book=duty.book,
        jurisdiction=duty.jurisdiction,
        anchor_at=duty.anchor_at,
        reason=reason(duty, memory),
        basis=(dict(duty.rule.basis),),
        seen=tuple(named(duty.anchors if firing else dict.fromkeys((*duty.anchors, *duty.answers)))),
        missing=duty.rule.missing if firing else (),
        computation=computation(duty, frame.calendar),
        ladder=tuple(_ladder(memory, duty, frame)),
        **_remembered(memory),
    )


def _remembered(memory: Memory) -> dict[str, Any]:
    return {
        "severity": memory.severity,
        "state": memory.state,
        "outcome": memory.outcome,
        "step": memory.step,
        "stage": memory.stage,
        "held": memory.held,
        "owner_agency": memory.owner,
        "due_at": memory.due_at,
        "raised_at": memory.raised_at,
        "changed_at": memory.changed_at,
        "resolved_at": memory.resolved_at,
        "acknowledged_by": memory.acknowledged_by,
        "assigned_to": memory.assigned_to,
        "snoozed_until": memory.snoozed_until,
        "contest": memory.contest,
        "provisional": memory.provisional,
        "revision": memory.revision,
    }


def ended_without_duty(memory: Memory, before: Alert) -> Alert:
    """The end of an alert whose obligation is not derived any more: the last values stay (7.3)."""
    return before.model_copy(update={**_remembered(memory), "missing": ()})


def reason(duty: Obligation, memory: Memory | None = None) -> dict[str, str]:
    """One sentence why, in both languages: who, what, by when, and how it ended."""
    limit = _minute(duty.due_at)
    names, owner = duty.rule.names, duty.owner
    if duty.measured is not None:
        return _measured(duty, duty.measured, memory)
    zh, en = f"{names['zh']}：{owner} 应在 {limit} 前办理", f"{names['en']}: {owner} had to act before {limit}"
    if memory is None:
        return {"zh": zh, "en": en.replace("had to", "has to")}
    if memory.firing:
        return {"zh": f"{zh}，至今未收到答复", "en": f"{en}; no answer has come"}
    ends = _ENDS[memory.outcome or "mistake"]
    when = _minute(memory.changed_at)
    return {"zh": f"{zh}；{when} {ends[0]}", "en": f"{en}; {when} {ends[1]}"}


@lru_cache(maxsize=16_384)  # limits are ends of days: many cases share one
def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _measured(duty: Obligation, found: Measured, memory: Memory | None) -> dict[str, str]:
    """What a sink found, since when, and how it ended."""
    clause, since = said(found), _minute(duty.due_at)
    zh = f"{duty.rule.names['zh']}：{clause['zh']}（{since} 起）"
    en = f"{duty.rule.names['en']}: {clause['en']} (since {since})"
    if memory is None or memory.firing:
        return {"zh": zh, "en": en}
    ends = ("恢复正常", "back within the limit") if memory.outcome == "met_late" else _ENDS[memory.outcome or "mistake"]
    when = _minute(memory.changed_at)
    return {"zh": f"{zh}；{when} {ends[0]}", "en": f"{en}; {when} {ends[1]}"}


_ENDS = {
    "met_late": ("逾期后才答复", "answered late"),
    "late_delivery": ("已按时答复，消息迟到", "answered in time, the message came late"),
    "met": ("已在期限内答复", "answered before the limit"),
    "waived": ("已豁免", "waived"),
    "cancelled": ("义务已取消", "the duty was cancelled"),
    "paused": ("羁押期间暂停", "paused while in custody"),
    "redated": ("期限已变更", "the limit moved"),
    "mistake": ("依据已撤销", "the ground was withdrawn"),
}


def _ladder(memory: Memory, duty: Obligation, frame: EvaluationContext) -> list[dict[str, Any]]:
    offsets = frame.versions.first.ladder[memory.ladder.name]
    if memory.severity == "INFO":
        return [{"step": memory.step, "to": told_at(memory.step, memory.owner), "at": show(memory.raised_at)}]
    found = [{"step": memory.step, "to": told_at(memory.step, memory.owner), "at": show(memory.ladder.base)}]
    for step in range(max(memory.step, memory.ladder.start) + 1, len(offsets)):
        at = memory.ladder.reached_at(step, offsets, frame.calendar)
        found.append({"step": step, "to": told_at(step, memory.owner), "at": show(at)})
    return found


def computation(duty: Obligation, calendar: Calendar) -> tuple[dict[str, Any], ...]:
    """The day-by-day count that a lawyer can check; for hour clocks one entry with the hours. Not to be changed."""
    over_days_off = duty.rule.roll == "next_working"
    return _computed(duty.counted, duty.anchor_at.date(), due_day_of(duty.due_at), over_days_off, calendar)


@lru_cache(maxsize=16_384)  # what begins and ends on the same days is counted alike in every case
def _computed(
    count: Count | None, anchor: date, due_day: date, over_days_off: bool, calendar: Calendar
) -> tuple[dict[str, Any], ...]:
    due = {"day": due_day.isoformat(), "is": "due"}
    started: dict[str, Any] = {"day": anchor.isoformat(), "is": "anchor"}
    if count is None:
        return started, due
    if count.length is not None and count.length.is_exact:
        return {**started, "hours": count.length.length / timedelta(hours=1)}, due
    counted = {"day": count.day0.isoformat(), "is": "anchor"}
    working = count.length is not None and any(term.unit == "wd" for term in count.length.terms)
    if working and count.day0 < due_day and due_day - count.day0 <= _TALLIED * DAY:
        return counted, *_days(count.day0, due_day, calendar)
    custody = ({"days": count.shift, "is": "custody"},) if count.shift else ()
    return counted, *custody, *(_rolled(calendar, due_day) if over_days_off else ()), due


def _days(day0: date, due_day: date, calendar: Calendar) -> Iterator[dict[str, Any]]:
    """Every day, with the number of working days up to it."""
    number = 0
    for day, kind in calendar.listing(day0, due_day):
        number += kind != "off"
        shown = "due" if day == due_day else kind
        yield {"day": day.isoformat(), "is": shown} | ({"n": number} if kind != "off" or shown == "due" else {})


def _rolled(calendar: Calendar, due_day: date) -> Sequence[dict[str, Any]]:
    """The days off that the due day was moved over."""
    found: list[dict[str, Any]] = []
    day = due_day - DAY
    while not calendar.is_working(day):
        found.insert(0, {"day": day.isoformat(), "is": "off"})
        day -= DAY
    return found
