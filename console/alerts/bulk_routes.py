"""/today/bulk: one action on several alerts."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from console.alerts.query import find_row
from console.alerts.service import (
    Seen,
    describe_end,
    describe_unseen,
    find_waiting,
    is_possible,
    read_values,
    store_actions,
)
from console.audit import log as audit
from console.auth import users
from console.db.alert_rows import AlertRow
from console.outbox import action_events, outbox
from console.outbox.action_events import NOTE_NEEDED, ActionEvent
from console.web.forms import InvalidForm, describe_errors
from console.web.request import Form, NotAllowed, NotFound, form, redirect, render
from console.web.security import own_path

router = APIRouter()
_ACTIONS = ("acknowledge", "snooze", "comment", "assign")


@dataclass(slots=True)
class _Batch:
    """Which alerts fit, each with its event; which do not, and why; all that were named."""

    fit: list[tuple[ActionEvent, AlertRow]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    named: list[AlertRow] = field(default_factory=list)


@router.post("/today/bulk")
def act_on_several(request: Request, sent: Annotated[Form, Depends(form("today"))]) -> Response:
    """One action on several alerts, with one undo; those that do not fit are named."""
    visitor, action = sent.visitor, sent["action"]
    if action not in _ACTIONS:
        raise NotFound
    if action not in visitor.scope.actions:
        raise NotAllowed(action)
    away, batch = request.app.state.publisher.away_since, _check_each(sent, action)
    if batch.fit and away is None:
        store_actions(visitor, batch.fit, sent["key"])
        if not batch.failed:
            return redirect(own_path(sent["next"] or "/today"))
    audit.record_list(visitor, audit.list_persons(batch.named))
    t = visitor.words.t
    notice = t("bulk.result", n=len(batch.fit), failed=len(batch.failed))
    if away is not None:
        notice = t("problem.kafka.what", since=visitor.words.at(away))
    return render(
        visitor,
        "bulk.html",
        status=503 if away is not None else 422 if not batch.fit else 200,
        notice=notice,
        failed=batch.failed,
        to=own_path(sent["next"] or "/today"),
        note=sent["note"],
        needs_note=action in NOTE_NEEDED,
    )


def _check_each(sent: Form, action: str) -> _Batch:
    visitor, site, words = sent.visitor, sent.visitor.site, sent.visitor.words
    now, batch = site.now(), _Batch()
    with site.engine.connect() as connection:
        officers = users.list_officers(connection, visitor.scope) if action == "assign" else frozenset()
        for alert_id in list(dict.fromkeys(sent.many.get("id", [])))[: site.config.page_rows * 4]:
            row = find_row(connection, visitor.scope, alert_id)
            if row is None:
                continue
            batch.named.append(row)
            why = describe_end(words, row)
            if not visitor.may(action, row):
                why = words.t("bulk.foreign", owner=words.agency(row["owner_agency"]))
            elif unseen := _find_unseen(connection, sent, action, alert_id):
                why = unseen
            elif is_possible(action, row, now):
                try:
                    asked = action_events.build_action(action, row, visitor.user, read_values(sent), now, officers)
                    batch.fit.append((asked, row))
                    continue
                except InvalidForm as invalid:
                    why = " ".join(describe_errors(words, invalid.errors).values())
            rule = f"{row['rule_id']} {words.person(row['subject'])}"
            batch.failed.append({"id": alert_id, "rule": rule, "why": why})
    return batch


def _find_unseen(connection: Connection, sent: Form, action: str, alert_id: str) -> str:
    visitor = sent.visitor
    own = outbox.write_key(visitor.user.user_id, sent["key"], alert_id)
    return describe_unseen(visitor.words, action, find_waiting(connection, visitor, alert_id), Seen(), own)
