"""/api/v1: what the pages show and do, as JSON, for the same users with the same scope."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict, Field

from console.alerts import story
from console.alerts.query import read_context
from console.alerts.service import (
    Seen,
    describe_conflict,
    describe_unseen,
    find_alert,
    find_waiting,
    is_possible,
    record_read,
    store_actions,
)
from console.api.answers import ERRORS, PREFIX, Problem, WithDataTime, check_kafka, data_time_fields
from console.audit.log import list_persons, record_list
from console.auth import users
from console.db.alert_rows import QueueRow
from console.outbox import action_events as actions
from console.outbox import decisions, outbox
from console.people import query as people
from console.people import service
from console.queue.facet_counts import add_staff
from console.queue.filters import BUCKETS, QueueFilters
from console.queue.query import Moment, RowKey, key_of, read_page
from console.queue.service import count_scope
from console.web.forms import InvalidForm, describe_errors, to_china_time
from console.web.request import NotAllowed, Visitor, any_user, page, sender
from console.web.security import form_token

router = APIRouter(prefix=PREFIX, tags=["console"])
_HIDDEN = frozenset(("late", "written_at"))
ActionName = Literal[
    "acknowledge", "unacknowledge", "assign", "comment", "snooze", "resume", "waive", "reopen", "contest", "decide"
]


class Me(BaseModel):
    """Who I am, and the token for requests that change something."""

    login: str
    role: str
    agency: str
    prefix: str
    pages: list[str]
    actions: list[str]
    csrf: str = Field(description="send it as X-CSRF-Token")


class QueueItem(BaseModel):
    """A row of the queue."""

    model_config = ConfigDict(extra="ignore")

    alert_id: str
    obligation_id: str
    subject: str
    rule_id: str
    occurrence: str
    severity: str
    late: bool
    bucket: str
    owner_agency: str
    jurisdiction: str
    due_at: datetime
    anchor_at: datetime
    step: int
    held: bool
    acknowledged_by: str | None
    assigned_to: str | None
    snoozed_until: datetime | None
    contest: str | None
    provisional: bool
    revision: int
    reason: dict[str, str]


class QueuePage(WithDataTime):
    """Rows in order, counts of the whole scope, and where to go on."""

    now: datetime
    rows: list[QueueItem]
    after: str | None
    counts: dict[str, int]
    facets: dict[str, dict[str, int]]


class ActionRequest(BaseModel):
    """An action on an alert."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(
        min_length=8,
        max_length=64,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="idempotency key: the same key again changes nothing",
    )
    note: str = Field(default="", max_length=400)
    to: str = Field(default="", max_length=64, description="assign: a staff id")
    until: datetime | None = Field(default=None, description="snooze: an instant with an offset")
    upheld: bool | None = Field(default=None, description="decide")
    revision: int | None = Field(default=None, description="as it was read; a conflict is then told")
    seen: str = Field(default="", max_length=64, description="id of the last entry of `pending` as it was read")


class AnswerRequest(BaseModel):
    """The answer of one's own office that is missing."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    type: str = Field(max_length=80, description="an event type of `missing`")
    time: datetime = Field(description="when it happened")
    data: dict[str, Any]
    seen: str = Field(default="", max_length=64, description="id of the last entry of `pending` as it was read")
    sure: bool = Field(default=False, description="needed where it ends a critical alert")


class StoredActions(BaseModel):
    """Stored; published when the time for an undo is over."""

    batch: str


@router.get("/me", responses={401: ERRORS[401]})
def me(visitor: Annotated[Visitor, Depends(any_user)]) -> Me:
    """Who I am and what I may do."""
    user, scope = visitor.user, visitor.scope
    return Me(
        login=user.login, role=user.role, agency=user.agency, prefix=user.prefix, pages=sorted(visitor.pages), actions=sorted(scope.actions),
        csrf=form_token(visitor.session.csrf),
    )  # fmt: skip


@router.get("/queue", responses={code: ERRORS[code] for code in (401, 403)})
def queue(
    request: Request,
    visitor: Annotated[Visitor, Depends(page("today"))],
    scope: Annotated[str, Query(description="mine, office or snoozed")] = "office",
    bucket: Annotated[str, Query(description=", ".join(BUCKETS))] = "",
    sev: Annotated[list[str] | None, Query()] = None,
    state: Annotated[list[str] | None, Query()] = None,
    kind: Annotated[list[str] | None, Query()] = None,
    town: Annotated[list[str] | None, Query()] = None,
    wait: Annotated[list[str] | None, Query()] = None,
    rule: Annotated[list[str] | None, Query()] = None,
    q: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(description="`after` of the page before", max_length=128)] = "",
) -> QueuePage:
    """The queue in order, with the same filters as the page; unknown values are left out."""
    site, filters = visitor.site, QueueFilters.read(request.query_params)
    moment, staff = Moment.now_at(site), visitor.user.staff
    counted = count_scope(visitor)
    with site.engine.connect() as connection:
        counted = add_staff(connection, counted, visitor.scope, staff, moment)
        rows = read_page(connection, visitor.scope, staff, filters, moment, RowKey.read(after), site.config.page_rows)
    record_list(visitor, list_persons(rows))
    full = len(rows) == site.config.page_rows
    return QueuePage(
        **data_time_fields(site),
        now=moment.now,
        rows=[_describe_row(moment, row) for row in rows],
        after=str(key_of(rows[-1])) if full else None,
        counts={
            name: sum(one.n for one in counted.cells.all if one.bucket == name and not one.snoozed) for name in BUCKETS
        },
        facets={name: dict(counts) for name, counts in counted.facets(filters).items()},
    )


def _describe_row(moment: Moment, row: QueueRow) -> QueueItem:
    bucket = moment.bucket(row["severity"], row["due_at"], late=row["late"])
    return QueueItem.model_validate({**row, "bucket": bucket})


@router.get("/alerts/{alert_id}", responses={code: ERRORS[code] for code in (401, 403, 404)})
def alert(alert_id: str, visitor: Annotated[Visitor, Depends(page("alert"))]) -> dict[str, Any]:
    """An alert as the read model has it, with the sentence, the events behind it and what is on its way."""
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        told = read_context(connection, visitor.scope, row)
        waiting = outbox.find_pending(connection, [alert_id], visitor.site.wall()).get(alert_id, [])
    record_read(visitor, row)
    shown: dict[str, Any] = jsonable_encoder({name: value for name, value in row.items() if name not in _HIDDEN})
    return shown | {
        **jsonable_encoder(data_time_fields(visitor.site)),
        "say": story.describe_alert(visitor.words, told),
        "events": [one["body"] for one in told.seen],
        "actions": [one["body"] for one in told.actions],
        "pending": [
            {"id": one["event_id"], "action": one["action"], "by": one["body"]["data"].get("by"), "state": one["state"]}
            for one in waiting
        ],
    }


@router.post("/alerts/{alert_id}/record", status_code=202, responses=ERRORS)
def record(
    request: Request, alert_id: str, wanted: AnswerRequest, visitor: Annotated[Visitor, Depends(sender("alert"))]
) -> StoredActions:
    """Record the missing answer as one's own office's event."""
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        waiting = find_waiting(connection, visitor, alert_id)
    if not visitor.may("record", row):
        raise NotAllowed("record")
    if row["outcome"] or wanted.type not in row["missing"]:
        raise Problem(409, {"type": visitor.words.t("conflict.any")})
    if row["severity"] == "CRIT" and row["late"] and not wanted.sure:
        raise Problem(422, {"sure": visitor.words.t("error.sure")})
    own = outbox.write_key(visitor.user.user_id, wanted.key, alert_id)
    if unseen := describe_unseen(visitor.words, "record", waiting, Seen(event_id=wanted.seen), own, wanted.type):
        raise Problem(409, {"seen": unseen})
    try:
        time = to_china_time(wanted.time)
        asked = actions.build_recorded(wanted.type, row["subject"], visitor.user, wanted.data, time, visitor.site.now())
    except InvalidForm as invalid:
        raise Problem(422, describe_errors(visitor.words, invalid.errors)) from None
    check_kafka(request, visitor)
    return StoredActions(batch=store_actions(visitor, [(asked, row)], wanted.key))


@router.post("/alerts/{alert_id}/{action}", status_code=202, responses=ERRORS)
def act(
    request: Request,
    alert_id: str,
    action: ActionName,
    wanted: ActionRequest,
    visitor: Annotated[Visitor, Depends(sender("alert"))],
) -> StoredActions:
    """Do something about an alert."""
    with visitor.site.engine.connect() as connection:
        row = find_alert(connection, visitor, alert_id)
        waiting = find_waiting(connection, visitor, alert_id)
        officers = users.list_officers(connection, visitor.scope) if action == "assign" else frozenset()
    if not visitor.may(action, row):
        raise NotAllowed(action)
    seen = Seen(wanted.revision, wanted.seen)
    own = outbox.write_key(visitor.user.user_id, wanted.key, alert_id)
    conflict = describe_conflict(visitor.words, action, row, seen, waiting, own)
    if conflict or not is_possible(action, row, visitor.site.now()):
        raise Problem(409, {"revision": conflict or visitor.words.t("conflict.any")})
    try:
        until = to_china_time(wanted.until) if wanted.until else None
        fields = {"note": wanted.note, "to": wanted.to, "until": until, "upheld": wanted.upheld}
        asked = actions.build_action(action, row, visitor.user, fields, visitor.site.now(), officers)
    except InvalidForm as invalid:
        raise Problem(422, describe_errors(visitor.words, invalid.errors)) from None
    check_kafka(request, visitor)
    return StoredActions(
        batch=store_actions(visitor, [(asked, row)], wanted.key, second=action == "waive" and row["severity"] == "CRIT")
    )


@router.post("/pending/{batch}/undo", responses={code: ERRORS[code] for code in (400, 401, 403)})
def undo(batch: str, visitor: Annotated[Visitor, Depends(sender("today"))]) -> dict[str, int]:
    """Take back what has not been sent: how many that were."""
    return {"undone": decisions.undo(visitor.site, visitor.user, batch)}


@router.get("/people/{person_ref}", responses={code: ERRORS[code] for code in (401, 403, 404)})
def person(person_ref: str, visitor: Annotated[Visitor, Depends(page("people"))]) -> dict[str, Any]:
    """A person's handovers, events and obligations in scope."""
    with visitor.site.engine.connect() as connection:
        one = people.find_person(connection, visitor.scope, person_ref)
    if one is None:
        raise service.refuse_person(visitor, person_ref)
    service.record_read(visitor, one)
    duties = [{name: value for name, value in row.items() if name not in _HIDDEN} for row in one.obligations]
    shown: dict[str, Any] = jsonable_encoder(
        {
            **data_time_fields(visitor.site),
            "subject": one.subject,
            "handovers": one.handovers,
            "events": [told["body"] for told in one.events],
            "duties": duties,
        }
    )
    return shown


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, visitor: Annotated[Visitor, Depends(any_user)]) -> dict[str, Any]:
    """What this API takes and gives."""
    described: dict[str, Any] = request.app.openapi()
    return described
