"""/api/v1: rule books, what-if runs and changes of rules, with the same scope as the pages."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict, Field

from console.api.answers import ERRORS, PREFIX, Problem
from console.audit.log import list_persons, record_list
from console.db.rows import RunColumns
from console.rules import (
    change_proposals,
    change_service,
    rule_text,
    whatif_service,
    whatif_store,
)
from console.rules.book_view import find_book
from console.rules.books import read_books
from console.rules.whatif_store import FIGURES, TooMany
from console.text.i18n import LANGUAGES, texts
from console.web.forms import InvalidForm, describe_errors
from console.web.request import NotAllowed, NotFound, Visitor, page, sender
from console.web.uploads import LARGEST, InvalidBook
from handover.rules.diff import differences

router = APIRouter(prefix=PREFIX, tags=["rules"])
_READ: dict[int | str, dict[str, Any]] = {code: ERRORS[code] for code in (401, 403, 404)}
_LIST: dict[int | str, dict[str, Any]] = {code: ERRORS[code] for code in (401, 403)}
_MOST_RUNS = 20


class KnownBook(BaseModel):
    """A rule book that is known."""

    book: str
    state: str = Field(description="force: in force now; coming; past; other")
    names: dict[str, str]
    rules: int


class WhatIfRequest(BaseModel):
    """A what-if: a known book, or the text of one."""

    model_config = ConfigDict(extra="forbid")

    book: str = Field(default="", max_length=64, description="a known book")
    toml: str = Field(default="", max_length=LARGEST, description="or a rule book as TOML")
    file: str = Field(default="api.toml", max_length=80, description="what the text is called")
    since: datetime | None = Field(default=None, description="only alerts first raised from then on")
    until: datetime | None = Field(default=None, description="last instant; else the last arrival")


class StoredRun(BaseModel):
    """A run that will be computed."""

    run_id: str


class WhatIfRun(BaseModel):
    """A what-if run; `figures` is null until it is done."""

    model_config = ConfigDict(extra="ignore")

    run_id: str
    book: str
    base: str
    file: str
    state: str
    done: int
    total: int
    seconds: float
    since: datetime | None
    until: datetime | None
    asked_at: datetime
    figures: dict[str, Any] | None
    failure: str | None


class WhatIfCell(BaseModel):
    """Alerts of a county or a rule; null: 1 to 4, which this role does not see."""

    name: str
    before: int | None
    after: int | None
    gone: int | None
    later: int | None
    earlier: int | None
    new: int | None
    other: int | None


class ProposalRequest(BaseModel):
    """A change of rules as the next version, from the book that a run tried; or a calendar."""

    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(default="", max_length=40, description="rules: the run whose book is proposed")
    book: str = Field(default="", max_length=64, description="rules: the name of the new version")
    effective_from: datetime | None = Field(default=None, description="rules: an instant to come, with an offset")
    apply_to_open: bool = Field(default=False, description="rules: also for duties that have begun")
    year: int | None = Field(default=None, description="calendar: the year")
    holidays: list[str] = Field(default_factory=list, max_length=366, description="calendar: days off")
    workdays: list[str] = Field(default_factory=list, max_length=366, description="calendar: make-up days")


class StoredProposal(BaseModel):
    """A proposal that waits for another person."""

    proposal_id: str


class ProposalStage(BaseModel):
    """How far a proposal is."""

    proposal_id: str
    stage: str


@router.get("/rules", responses=_LIST)
def rule_books(visitor: Annotated[Visitor, Depends(page("rules"))]) -> list[KnownBook]:
    """The rule books that are known, the one that workers were started with first."""
    with visitor.site.engine.connect() as connection:
        found = read_books(visitor.site, connection, visitor.site.now())
    return [
        KnownBook(book=name, state=found.state(name), names=dict(book.names), rules=len(book.rules))
        for name, book in found.known.items()
    ]


@router.get("/rules/diff/{a}/{b}", responses=_READ)
def rules_diff(a: str, b: str, visitor: Annotated[Visitor, Depends(page("rules"))]) -> list[dict[str, Any]]:
    """What differs between two books, key by key; `key` is null where a whole rule comes or goes."""
    with visitor.site.engine.connect() as connection:
        found = read_books(visitor.site, connection, visitor.site.now())
    return [one.wire() for one in differences(find_book(found, a), find_book(found, b))]


@router.get("/rules/{book}/{rule}", responses=_READ)
def rule(book: str, rule: str, visitor: Annotated[Visitor, Depends(page("rules"))]) -> list[dict[str, Any]]:
    """The entries of a rule as they are written, each with its sentence in both languages."""
    with visitor.site.engine.connect() as connection:
        shown = find_book(read_books(visitor.site, connection, visitor.site.now()), book)
    written = {(one["id"], one.get("part", "")): one for one in shown.raw["rule"]}
    entries = [one for one in shown.rules if one.id == rule]
    if not entries:
        raise NotFound
    return [
        {**written[one.key], "say": {tag: rule_text.describe_rule(one, shown, texts(tag)).say for tag in LANGUAGES}}
        for one in entries
    ]


@router.get("/whatif", responses=_LIST)
def whatif_listing(visitor: Annotated[Visitor, Depends(page("whatif"))]) -> list[WhatIfRun]:
    """The newest runs."""
    with visitor.site.engine.connect() as connection:
        return [_describe_run(one) for one in whatif_store.list_latest(connection, _MOST_RUNS)]


def _describe_run(one: RunColumns) -> WhatIfRun:
    return WhatIfRun.model_validate(one)


@router.post("/whatif", status_code=202, responses=ERRORS)
def whatif_start(
    request: Request, wanted: WhatIfRequest, visitor: Annotated[Visitor, Depends(sender("whatif"))]
) -> StoredRun:
    """Start a run in the background."""
    content = wanted.toml.encode()
    fields = {
        "book": wanted.book,
        "from": wanted.since.isoformat() if wanted.since else "",
        "to": wanted.until.isoformat() if wanted.until else "",
    }
    try:
        name = wanted.file if content else ""
        return StoredRun(run_id=whatif_service.start_run(visitor, name, content, len(content), fields))
    except InvalidBook as error:
        raise Problem(422, {"toml": " ".join(whatif_service.describe_refusal(visitor.words, error))}) from None
    except InvalidForm as invalid:
        raise Problem(422, describe_errors(visitor.words, invalid.errors)) from None
    except TooMany as error:
        raise Problem(409, {"form": visitor.words.t("whatif.refusal.busy", n=error.count)}) from None


@router.get("/whatif/{run_id}", responses=_READ)
def whatif_run(run_id: str, visitor: Annotated[Visitor, Depends(page("whatif"))]) -> WhatIfRun:
    """A run: how far it is, or its figures."""
    with visitor.site.engine.connect() as connection:
        return _describe_run(whatif_service.find_run(connection, run_id))


@router.get("/whatif/{run_id}/table", responses=_READ)
def whatif_table(
    run_id: str,
    visitor: Annotated[Visitor, Depends(page("whatif"))],
    by: Annotated[str, Query(description="county or rule")] = "county",
) -> list[WhatIfCell]:
    """What changes, by county or by rule."""
    with visitor.site.engine.connect() as connection:
        whatif_service.find_run(connection, run_id)
        found = whatif_store.read_cells(connection, run_id, "rule_id" if by == "rule" else "county")
    return [
        WhatIfCell(name=name, **{kind: whatif_service.hide_few(visitor, getattr(cell, kind)) for kind in FIGURES})
        for name, cell in found
    ]


@router.get("/whatif/{run_id}/alerts", responses=_READ)
def whatif_alerts(
    run_id: str,
    visitor: Annotated[Visitor, Depends(page("whatif_alerts"))],
    change: Annotated[str, Query(description="gone, later, earlier, new or other", max_length=10)] = "",
    county: Annotated[str, Query(max_length=9)] = "",
    rule: Annotated[str, Query(max_length=10)] = "",
    after: Annotated[str, Query(description="`at`~`alert_id` of the last row before", max_length=128)] = "",
) -> list[dict[str, Any]]:
    """The alerts that change, in order; `subject` is null where the alert has not climbed to the province."""
    chosen = {"change": change, "county": county, "rule": rule}
    with visitor.site.engine.connect() as connection:
        whatif_service.find_run(connection, run_id)
        most = visitor.site.config.page_rows
        rows = whatif_store.read_alerts(connection, run_id, chosen, whatif_service.read_place(after), most)
    record_list(visitor, list_persons(row for row in rows if whatif_service.may_know_person(visitor, row)))
    told = [
        {**row, "subject": row["subject"] if whatif_service.may_know_person(visitor, row) else None} for row in rows
    ]
    shown: list[dict[str, Any]] = jsonable_encoder(told)
    return shown


@router.post("/whatif/{run_id}/cancel", responses=ERRORS)
def whatif_cancel(run_id: str, visitor: Annotated[Visitor, Depends(sender("whatif"))]) -> WhatIfRun:
    """Stop a run."""
    site = visitor.site
    with site.engine.connect() as connection:
        whatif_service.find_run(connection, run_id)
    whatif_store.cancel(site.engine, run_id, site.wall())
    with site.engine.connect() as connection:
        return _describe_run(whatif_service.find_run(connection, run_id))


@router.get("/rule-changes", responses=_LIST)
def changes(visitor: Annotated[Visitor, Depends(page("rules"))]) -> list[dict[str, Any]]:
    """What has been proposed, with how far each is and how many open obligations it would move (null: being found)."""
    hidden = ("base", "user_id", "state", "event_id", "sent")
    with visitor.site.engine.connect() as connection:
        rows = change_proposals.list_proposals(connection)
    shown: list[dict[str, Any]] = jsonable_encoder(
        [{name: value for name, value in row.items() if name not in hidden} for row in rows]
    )
    return shown


@router.post("/rule-changes", status_code=202, responses=ERRORS)
def propose(
    request: Request, wanted: ProposalRequest, visitor: Annotated[Visitor, Depends(sender("rules"))]
) -> StoredProposal:
    """Propose a change of rules, or a calendar where `year` is given."""
    if not visitor.may("propose_rules"):
        raise NotAllowed("propose_rules")
    try:
        if wanted.year is not None:
            days = ("\n".join(wanted.holidays), "\n".join(wanted.workdays))
            found = change_service.propose_calendar(visitor, str(wanted.year), *days)
        else:
            effective = change_service.read_effective_at(
                wanted.effective_from.isoformat() if wanted.effective_from else ""
            )
            found = change_service.propose_rules(
                visitor, wanted.run_id, wanted.book, effective, open_too=wanted.apply_to_open
            )
    except InvalidForm as invalid:
        raise Problem(422, describe_errors(visitor.words, invalid.errors)) from None
    return StoredProposal(proposal_id=found)


@router.post("/rule-changes/{proposal_id}/{decision}", responses=ERRORS)
def decide(
    request: Request, proposal_id: str, decision: str, visitor: Annotated[Visitor, Depends(sender("rules"))]
) -> ProposalStage:
    """Approve (another person than who proposed), refuse or withdraw."""
    try:
        change_service.decide_proposal(visitor, proposal_id, decision)
    except InvalidForm as invalid:
        raise Problem(409, describe_errors(visitor.words, invalid.errors)) from None
    with visitor.site.engine.connect() as connection:
        stage = next(
            one["stage"] for one in change_proposals.list_proposals(connection) if one["proposal_id"] == proposal_id
        )
    return ProposalStage(proposal_id=proposal_id, stage=stage)
