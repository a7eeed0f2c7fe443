"""/alerts/{id}: why is this here, and who must do what? And what officers do about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.encoders import jsonable_encoder
from starlette.responses import JSONResponse, Response

from console.alerts import missing_event_form, story
from console.alerts.query import AlertContext, read_context
from console.alerts.service import (
    Seen,
    describe_conflict,
    describe_end,
    describe_unseen,
    find_alert,
    find_waiting,
    is_possible,
    read_values,
    record_read,
    store_actions,
)
from console.audit import log as audit
from console.auth import users
from console.db.alert_rows import AlertRow
from console.db.rows import HandoverRow, PendingRow
from console.feeds.status import find_silent
from console.outbox import action_events, decisions, outbox
from console.outbox.action_events import TYPES, ActionEvent
from console.queue.row_view import describe_pending, present_deadline, present_rows, read_notes
from console.queue.snooze_presets import list_presets
from console.text.formatter import Words
from console.web.forms import InvalidForm, describe_errors
from console.web.request import Form, NotAllowed, NotFound, Visitor, form, page, redirect, render
from console.web.security import own_path

router = APIRouter()
_CRITICAL = "CRIT"
_SHOWN_OTHERS = 12
_NOTHING_TYPED = {"note": "", "to": "", "until": "", "upheld": ""}


@router.get("/alerts/{alert_id}.json")
def show_json(alert_id: str, visitor: Annotated[Visitor, Depends(page("alert"))]) -> Response:
    """The alert as the read model has it."""
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
    record_read(visitor, row)
    return JSONResponse(
        jsonable_encoder({name: value for name, value in row.items() if name not in ("late", "written_at")})
    )


@router.get("/alerts/{alert_id}")
def show_alert(request: Request, alert_id: str, visitor: Annotated[Visitor, Depends(page("alert"))]) -> Response:
    """One alert with everything behind it; ?back= is the list it was opened from, ?do= an action to be asked for."""
    typed = visitor.take_draft()
    do = typed.get("form", request.query_params.get("do", ""))
    notice = visitor.words.t("draft.kept") if typed else ""
    return render_alert(visitor, alert_id, do=do, typed=typed, notice=notice, back=request.query_params.get("back", ""))


@router.get("/alerts/{alert_id}/row")
def show_row(request: Request, alert_id: str, visitor: Annotated[Visitor, Depends(page("alert"))]) -> Response:
    """One row of the queue, for a page that is open."""
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        one = present_rows(
            visitor.site, visitor.words, visitor.scope, connection, [row], request.query_params.get("back", "")
        )
    audit.record_list(visitor, audit.list_persons([row]))
    return render(visitor, "row_only.html", r=one[0])


def render_alert(
    visitor: Visitor,
    alert_id: str,
    *,
    status: int = 200,
    do: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    notice: str = "",
    sure: bool = False,
    record: str = "",
    back: str = "",
) -> Response:
    """The alert's page, with what was typed and what was wrong with it."""
    site, words, scope, typed = visitor.site, visitor.words, visitor.scope, typed or {}
    with site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        told = read_context(connection, scope, row)
        on_way = outbox.find_pending(connection, [alert_id], site.wall()).get(alert_id, [])
        colleagues = users.list_colleagues(connection, scope) if scope.may("assign", row) else []
        note = read_notes(connection, [row["subject"]]).get(alert_id, "")
        feeds = find_silent(connection, visitor)
    record_read(visitor, row)
    return render(
        visitor,
        "alert.html",
        status=status,
        feeds=feeds,
        **_explain(visitor, row, told),
        **_offer_actions(visitor, row, told, typed, record),
        log=story.list_history(words, told, on_way),
        seen=outbox.write_seen(row["revision"], on_way),
        pending=[describe_pending(words, one) for one in on_way if one["state"] != "recorded"],
        second=[one for one in on_way if _may_be_second(visitor, row, one)],
        colleagues=colleagues,
        last_note=note,
        do=do,
        typed={**_NOTHING_TYPED, **typed},
        errors=dict(errors or {}),
        notice=notice,
        sure=sure,
        back=own_path(f"/today?{back}") if back else "/today",
    )


def _explain(visitor: Visitor, row: AlertRow, told: AlertContext) -> dict[str, Any]:
    """What the page says of the alert: why it is here, what was counted, what came, who else is told."""
    site, words, now = visitor.site, visitor.words, visitor.site.now()
    return {
        "row": row,
        "ended": row["outcome"],
        "is_person": row["subject"].startswith(audit.PERSON),
        "rule": words.rule(row["rule_id"], row["occurrence"]),
        "say": story.describe_alert(words, told),
        "due": present_deadline(words, row, row["resolved_at"] or now, site),
        "release": _describe_release(words, told.handover, now),
        "cells": story.list_days(site, words, row),
        "counting": story.describe_unit(words, row),
        "came": story.list_events(words, told),
        "missing": [{"type": one, "name": words.fact(one)} for one in row["missing"]],
        "basis": row["basis"],
        "ladder": story.list_escalations(site, words, told),
        "others": [_present_other(visitor, one, now) for one in told.others[:_SHOWN_OTHERS]],
    }


def _offer_actions(
    visitor: Visitor, row: AlertRow, told: AlertContext, typed: Mapping[str, str], record: str
) -> dict[str, Any]:
    """What can be done about it now: forms for what is missing, actions, days to snooze to. `typed`: into the form `record`."""
    site, words, scope, now = visitor.site, visitor.words, visitor.scope, visitor.site.now()
    may_record = scope.may("record", row) and not row["outcome"]
    wanted = [one for one in row["missing"] if may_record and action_events.may_record(one, visitor.user)]
    return {
        "forms": [
            missing_event_form.build_form(one, words, visitor.user, told.seen, now, typed if one == record else None)
            for one in wanted
        ],
        "record": record,
        "can": [name for name in TYPES if is_possible(name, row, now) and scope.may(name, row)],
        "presets": list_presets(words, now, site.calendar),
    }


def _may_be_second(visitor: Visitor, row: AlertRow, asked: PendingRow) -> bool:
    """Whether an action waits for another officer's word, and the visitor is one who may give it."""
    waits = asked["state"] == "second" and asked["user_id"] != visitor.user.user_id
    return bool(waits and visitor.scope.may(asked["action"], row))


def _describe_release(words: Words, handover: HandoverRow | None, now: datetime) -> dict[str, str] | None:
    if handover is None or not handover["release_date"]:
        return None
    day = datetime.fromisoformat(handover["release_date"]).date()
    left = (day - now.date()).days
    key = "today" if left == 0 else "in" if left > 0 else "ago"
    return {"words": words.t(f"alert.release.{key}", n=abs(left)), "day": words.long_day(day)}


def _present_other(visitor: Visitor, row: AlertRow, now: datetime) -> dict[str, Any]:
    words = visitor.words
    due = present_deadline(words, row, now, visitor.site)
    line = words.t(f"outcome.{row['outcome']}") if row["outcome"] else due.words
    severity = "DONE" if row["outcome"] else row["severity"] if row["late"] else due.severity
    rule = words.rule(row["rule_id"], row["occurrence"])
    return {
        "id": row["alert_id"],
        "severity": severity,
        "rule": rule,
        "rule_id": row["rule_id"],
        "line": f"{line} · {words.agency(row['owner_agency'])}",
    }


# --- what is sent


@router.post("/alerts/{alert_id}/record")
def record(request: Request, alert_id: str, sent: Annotated[Form, Depends(form("alert"))]) -> Response:
    """Record the missing answer as an event of one's own office; asked twice where it ends a critical alert."""
    visitor, type_ = sent.visitor, sent["type"]
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        waiting = find_waiting(connection, visitor, alert_id)
    if not visitor.may("record", row):
        raise NotAllowed("record")
    again: dict[str, Any] = {"do": "record", "typed": sent.fields, "record": type_}
    if row["outcome"] or type_ not in row["missing"]:
        return render_alert(visitor, alert_id, status=409, notice=describe_end(visitor.words, row), **again)
    own = outbox.write_key(visitor.user.user_id, sent["key"], alert_id)
    if unseen := describe_unseen(visitor.words, "record", waiting, Seen.read(sent), own, type_):
        return render_alert(visitor, alert_id, status=409, notice=unseen, **again)
    now = visitor.site.now()
    try:
        data, time = missing_event_form.read_form(type_, sent.fields, now)
        asked = action_events.build_recorded(type_, row["subject"], visitor.user, data, time, now)
    except InvalidForm as invalid:
        return render_alert(
            visitor, alert_id, status=422, errors=describe_errors(visitor.words, invalid.errors), **again
        )
    if row["severity"] == _CRITICAL and row["late"] and sent["sure"] != "yes":
        return render_alert(visitor, alert_id, status=422, sure=True, **again)
    return _store_and_answer(request, sent, [(asked, row)], again)


@router.post("/alerts/{alert_id}/{action}")
def act(request: Request, alert_id: str, action: str, sent: Annotated[Form, Depends(form("alert"))]) -> Response:
    """Acknowledge, assign, snooze, comment, waive, contest …: kept for ten seconds, then published."""
    if action not in TYPES:
        raise NotFound
    visitor = sent.visitor
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        waiting = find_waiting(connection, visitor, alert_id)
        officers = users.list_officers(connection, visitor.scope) if action == "assign" else frozenset()
    if not visitor.may(action, row):
        raise NotAllowed(action)
    again: dict[str, Any] = {"do": action, "typed": sent.fields}
    if not is_possible(action, row, visitor.site.now()) and action != "acknowledge":
        return render_alert(visitor, alert_id, status=409, notice=describe_end(visitor.words, row), **again)
    own = outbox.write_key(visitor.user.user_id, sent["key"], alert_id)
    conflict = describe_conflict(visitor.words, action, row, Seen.read(sent), waiting, own)
    if conflict:
        return render_alert(visitor, alert_id, status=409, notice=conflict, **again)
    try:
        asked = action_events.build_action(action, row, visitor.user, read_values(sent), visitor.site.now(), officers)
    except InvalidForm as invalid:
        return render_alert(
            visitor, alert_id, status=422, errors=describe_errors(visitor.words, invalid.errors), **again
        )
    return _store_and_answer(
        request, sent, [(asked, row)], again, second=action == "waive" and row["severity"] == _CRITICAL
    )


def _store_and_answer(
    request: Request,
    sent: Form,
    asked: list[tuple[ActionEvent, AlertRow]],
    again: dict[str, Any],
    *,
    second: bool = False,
) -> Response:
    """Store and go back to the page; where Kafka or the database is away, say so with everything that was typed."""
    visitor, alert_id = sent.visitor, str(asked[0][1]["alert_id"])
    away = request.app.state.publisher.away_since
    if away is not None:
        notice = visitor.words.t("problem.kafka.what", since=visitor.words.at(away))
        return render_alert(visitor, alert_id, status=503, notice=notice, **again)
    store_actions(visitor, asked, sent["key"], second=second)
    if request.headers.get("hx-request"):
        return show_row(request, alert_id, visitor)
    return redirect(own_path(sent["next"]) if sent["next"] else f"/alerts/{alert_id}")


@router.post("/pending/{batch}/undo")
def undo(batch: str, sent: Annotated[Form, Depends(form("login"))]) -> Response:
    """Take back what has not been sent: it leaves no trace on the topic."""
    decisions.undo(sent.visitor.site, sent.visitor.user, batch)
    return redirect(own_path(sent["next"]))


@router.post("/alerts/{alert_id}/second/{event_id}")
def confirm(alert_id: str, event_id: str, sent: Annotated[Form, Depends(form("alert"))]) -> Response:
    """A second person agrees to what the first asked for."""
    visitor, site = sent.visitor, sent.visitor.site
    with site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
    if not visitor.may("waive", row):
        raise NotAllowed("waive")
    decisions.confirm(site, visitor.user, event_id, row)
    return redirect(f"/alerts/{alert_id}")
